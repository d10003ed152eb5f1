"""One pass over a movie: threads read and process short stretches of frames, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.movie.movie import CHUNK_MB, Movie

Result = TypeVar("Result")

# a block of frames in which the sample moves farther is divided
STEADY_PX = 0.5


def stretches(movie: Movie, multiple_of: int = 1) -> list[tuple[int, int]]:
    """Divide a movie into stretches of frames that fit the processor's cache.

    Parameters
    ----------
    movie : Movie
    multiple_of : int
        The length of every stretch but the last is a multiple of it, one at least.

    Returns
    -------
    list of (int, int)
        First frame, and one past the last.
    """
    frame_bytes = movie.n_rows * movie.n_cols * movie.dtype.itemsize
    n_multiples = max(1, int(CHUNK_MB * 1e6 // (frame_bytes * multiple_of)))
    step = n_multiples * multiple_of
    return [(first, min(first + step, movie.n_frames)) for first in range(0, movie.n_frames, step)]


def frames_at_once(movie: Movie, n_threads: int | None) -> int:
    """Return how many frames a thread may read at once: bounded by cache and ``memory_mb``.

    Parameters
    ----------
    movie : Movie
    n_threads : int or None
    """
    frame_bytes = movie.n_rows * movie.n_cols * movie.dtype.itemsize
    budget_mb = min(CHUNK_MB, movie.memory_mb / thread_count(n_threads))
    return max(1, int(budget_mb * 1e6 // frame_bytes))


def in_order(
    work: Callable[[int, int], Result],
    spans: list[tuple[int, int]],
    n_threads: int | None = None,
) -> Iterator[Result]:
    """Yield ``work(first, stop)`` of every stretch, in order; few stretches are worked on ahead.

    Parameters
    ----------
    work : callable
        Takes (first, stop).
    spans : list of (int, int)
    n_threads : int, optional
        Default: all cores.
    """
    n_workers = thread_count(n_threads)
    with ThreadPoolExecutor(n_workers) as pool:
        ahead: deque[Future[Result]] = deque()
        for first, stop in spans:
            ahead.append(pool.submit(work, first, stop))
            if len(ahead) > n_workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def thread_count(n_threads: int | None) -> int:
    """Return the number of threads asked for; by default that of the cores.

    Parameters
    ----------
    n_threads : int or None
    """
    return n_threads or n_cores()


def is_fast(drift: Array) -> bool:
    """Return whether the sample moves more than half a pixel in these frames.

    Parameters
    ----------
    drift : ndarray, shape (n_frames, 2)
    """
    return bool((np.ptp(drift, axis=0) > STEADY_PX).any())
