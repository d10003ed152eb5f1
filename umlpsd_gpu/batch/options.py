"""How a runner works; nothing here changes a result."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from umlpsd_gpu.batch.leases.lease import TERM_S
from umlpsd_gpu.batch.worker import Perform, make_study
from umlpsd_gpu.errors import SettingsError


def check_limit(limit_s: float) -> None:
    """Refuse a time limit of an input that is not a positive finite number.

    Parameters
    ----------
    limit_s : float

    Raises
    ------
    SettingsError
    """
    if not 0 < limit_s < math.inf:
        raise SettingsError(
            f"the time limit of an input must be above 0 s and finite, got {limit_s}; leave it "
            "out for no limit"
        )


@dataclass(frozen=True)
class RunOptions:
    """Workers and limits of a runner, and its share of the inputs.

    Attributes
    ----------
    n_workers : int or None
        Inputs at a time; by default one per GPU, or one per core as far as memory allows.
    shard : (int, int)
        (i, n): only every n-th input, starting with the i-th, counted from 1.
    movie_ids : collection of str or None
        Only these inputs of the shard; None: all.
    n_threads : int or None
        Threads of a worker; None: as in the manifest, or its share of the cores.
    device : {"auto", "cpu", "gpu"} or None
        None: as in the manifest.
    memory_mb : float or None
        Limit of a worker's address space; None: its share of the machine; 0: no limit.
    term_s : float
        Others may take over an input after this many seconds without a sign of life.
    limit_s : float or None
        An analysis that takes longer is stopped, which counts as if its process had been killed;
        None: no limit.
    retry : bool
        Try inputs again that were set aside.
    start_method, also_import, perform
        See `umlpsd_gpu.batch.worker_pool.WorkerPool`.
    """

    n_workers: int | None = None
    shard: tuple[int, int] = (1, 1)
    movie_ids: Collection[str] | None = None
    n_threads: int | None = None
    device: Literal["auto", "cpu", "gpu"] | None = None
    memory_mb: float | None = None
    term_s: float = TERM_S
    limit_s: float | None = None
    retry: bool = False
    start_method: str = "forkserver"
    also_import: Sequence[str] = ()
    perform: Perform = make_study

    def __post_init__(self) -> None:
        """Refuse values that are not allowed."""
        i, n = self.shard
        if not 1 <= i <= n:
            raise SettingsError(f"shard {i}/{n} must be i/n with 1 ≤ i ≤ n, as 1/4 … 4/4")
        if self.n_workers is not None and self.n_workers < 1:
            raise SettingsError(f"workers must be 1 or more, got {self.n_workers}")
        if self.n_threads is not None and self.n_threads < 1:
            raise SettingsError(f"threads of a worker must be 1 or more, got {self.n_threads}")
        if self.memory_mb is not None and not 0 <= self.memory_mb < math.inf:
            raise SettingsError(
                f"the memory of a worker must be a number of MB, 0 for no limit, got "
                f"{self.memory_mb}"
            )
        if not 0 < self.term_s < math.inf:
            raise SettingsError(
                f"the term of a lease must be above 0 s and finite, got {self.term_s}"
            )
        if self.limit_s is not None:
            check_limit(self.limit_s)

    def takes(self, movie_id: str) -> bool:
        """Return whether an input is one of those asked for.

        Parameters
        ----------
        movie_id : str

        Returns
        -------
        bool
        """
        return self.movie_ids is None or movie_id in self.movie_ids
