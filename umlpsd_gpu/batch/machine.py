"""How many workers a machine can run at a time, and how much memory each may use."""

from __future__ import annotations

import os
from pathlib import Path

from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.compute.backend import n_cores

USABLE_SHARE = 0.8  # of the memory; the rest is the system's [I]
# Address space that is reserved and never used: libraries, stacks and memory of threads [I]
SLACK_MB, SLACK_MB_PER_THREAD = 4096.0, 256.0
# The predictions are for emitters; many pixels need more [I]
MOST_OVER_PREDICTION = 4.0


def choose_n_workers(inputs: list[Entry], n_gpus: int) -> int:
    """Choose the number of workers: one per GPU, else one per core as far as memory allows.

    Parameters
    ----------
    inputs : list of Entry
        What is to be analysed.
    n_gpus : int
        0: the work runs on the CPU.

    Returns
    -------
    int
        At least 1.
    """
    if n_gpus:
        return n_gpus
    largest_mb = max((entry.memory_mb for entry in inputs), default=0.0)
    n_in_memory = int(read_memory_mb() * USABLE_SHARE / largest_mb) if largest_mb else n_cores()
    return max(1, min(n_cores(), n_in_memory, len(inputs) or 1))


def choose_address_space_mb(entry: Entry, n_workers: int, n_threads: int) -> float:
    """Choose the limit of a worker's address space: it stops runaways, it is not a budget.

    Parameters
    ----------
    entry : Entry
        The input of the worker.
    n_workers, n_threads : int
        Workers of this machine, and threads of each.

    Returns
    -------
    float
        In MB.
    """
    share_mb = read_memory_mb() / n_workers
    likely_mb = max(share_mb, MOST_OVER_PREDICTION * entry.memory_mb)
    return likely_mb + SLACK_MB + SLACK_MB_PER_THREAD * n_threads


def read_memory_mb() -> float:
    """Return the memory of this machine, or the limit of the container or job we run in.

    Returns
    -------
    float
        In MB.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):
        limit = physical
    return min(physical, limit) / 1e6
