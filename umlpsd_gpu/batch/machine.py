"""How many workers a machine carries, and what each of them may take."""

from __future__ import annotations

import os
from pathlib import Path

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.compute.backend import n_cores

USABLE_SHARE = 0.8  # of the memory; the rest is the system's [I]
# Address space that is asked for and never used: libraries, stacks and arenas of threads [I]
SLACK_MB, SLACK_MB_PER_THREAD = 4096.0, 256.0
# The predictions are for emitters; many pixels take more [I]
MOST_OVER_PREDICTION = 4.0


def default_workers(movies: list[Entry], n_gpus: int) -> int:
    """Return one worker a card, or else one a core as far as the memory goes."""
    if n_gpus:
        return n_gpus
    largest_mb = max((entry.memory_mb for entry in movies), default=0.0)
    that_fit = int(memory_mb() * USABLE_SHARE / largest_mb) if largest_mb else n_cores()
    return max(1, min(n_cores(), that_fit, len(movies) or 1))


def address_space_mb(entry: Entry, n_workers: int, n_threads: int) -> float:
    """Return the limit of a worker's address space: a wall against runaways, not a budget."""
    share_mb = memory_mb() / n_workers
    likely_mb = max(share_mb, MOST_OVER_PREDICTION * entry.memory_mb)
    return likely_mb + SLACK_MB + SLACK_MB_PER_THREAD * n_threads


def memory_mb() -> float:
    """Return the memory of this machine, or of the container or job that we are in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):
        limit = physical
    return min(physical, limit) / 1e6
