"""Thread pools that end soon when their owner is stopped, for example by a signal.

Leaving ``with ThreadPoolExecutor()`` waits for all submitted work, which may be minutes of K-means.
Here, work that has not started is cancelled, including work in pools opened by a pool's tasks; work
in progress ends at its next `stopping_point`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class _Family:
    """A pool and the pools that its tasks open."""

    pools: list[ThreadPoolExecutor] = field(default_factory=list)
    is_stopped: bool = False
    lock: Lock = field(default_factory=Lock)

    def add(self, pool: ThreadPoolExecutor) -> None:
        with self.lock:
            if self.is_stopped:
                raise CancelledError
            self.pools.append(pool)

    def remove(self, pool: ThreadPoolExecutor) -> None:
        with self.lock:
            self.pools.remove(pool)

    def stop(self) -> None:
        with self.lock:
            self.is_stopped = True
            for pool in self.pools:
                pool.shutdown(wait=False, cancel_futures=True)


_family: ContextVar[_Family | None] = ContextVar("_family", default=None)


@contextmanager
def thread_pool(n_threads: int) -> Iterator[ThreadPoolExecutor]:
    """Open a pool; an exception in the ``with`` block stops its tasks, and pools opened by them.

    Parameters
    ----------
    n_threads : int

    Yields
    ------
    ThreadPoolExecutor

    Raises
    ------
    CancelledError
        In a task whose pool was stopped.
    """
    outer = _family.get()
    family = outer or _Family()
    pool = ThreadPoolExecutor(n_threads, initializer=_family.set, initargs=(family,))
    family.add(pool)
    try:
        yield pool
    except BaseException:
        if outer is None:
            family.stop()
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown()
        family.remove(pool)


def stopping_point() -> None:
    """End the calling task if its pool was stopped.

    Raises
    ------
    CancelledError
        If the pool was stopped.
    """
    family = _family.get()
    if family is not None and family.is_stopped:
        raise CancelledError
