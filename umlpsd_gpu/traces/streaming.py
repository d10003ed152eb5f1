"""One pass over a movie: the next frames are read while the last ones are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from umlpsd_gpu.movie.movie import Movie

# Frames that are still in the processor's cache when they are worked on. Whole pass over 1 GB of
# 512 × 512 uint16, 2 cores with 32 MB of L3: see benchmarks/extraction.py.
READ_MB = 16.0


def read_ahead(movie: Movie) -> Iterator[tuple[int, np.ndarray]]:
    """Yield ``(first_frame, frames)`` in time order, reading one chunk ahead in a thread.

    The two chunks held at a time stay within the movie's memory bound together (but for the one
    frame each that is always read).
    """
    chunks = movie.chunks(min(READ_MB, movie.memory_mb / 2))
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(next, chunks, None)
        while (chunk := ahead.result()) is not None:
            ahead = reader.submit(next, chunks, None)
            yield chunk
