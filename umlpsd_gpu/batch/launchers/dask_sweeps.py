"""Run the sweeps of one ensemble on Dask: workers get the curves and return the sweeps.

Each representation of the curves is computed here, where the raw traces are, one at a time and only
when a worker is free for it: at most one more is under way than there are workers.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from threadpoolctl import threadpool_limits

from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.dask_cluster import (
    POLL_S,
    DaskOptions,
    Patience,
    dask_client,
    explain_task_error,
)
from umlpsd_gpu.batch.launchers.slurm import QueueError
from umlpsd_gpu.batch.machine import USABLE_SHARE, read_memory_mb
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.clustering.jobs import MakeJob, RepresentationJob, SweepsOfOne
from umlpsd_gpu.compute.backend import choose_device, n_cores
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.kmeans.distances import MAX_PAIR_BYTES
from umlpsd_gpu.settings import AnalysisSettings

# A sweep that has killed this many workers would kill more [I]
MOST_DEATHS = 3
# Of a worker: Python with its libraries, and curves as received, unpacked, centred, in blocks [I]
BASE_MB, N_COPIES_OF_CURVES = 500.0, 5

Device = Literal["cpu", "gpu"]
# A function and its arguments, prepared when a worker is free
Call = tuple[Callable[..., Any], tuple[Any, ...]]
# BLAS has one limit per process: a sweep that ends would remove it for another sweep
_one_at_a_time = threading.Lock()


@contextmanager
def dask_sweeps(
    out: str | Path,
    size: tuple[int, float],
    settings: AnalysisSettings,
    cluster: DaskOptions,
    n_workers: int | None = None,
) -> Iterator[DaskSweeps]:
    """Start a Dask cluster or connect to one, and run the jobs of a clustering on it.

    Parameters
    ----------
    out : path
        Folder of the batch; SLURM jobs keep certificates and logs in it.
    size : (int, float)
        Number of curves, and MB of their largest matrix; gives the memory of a worker.
    settings : AnalysisSettings
        ``device`` is that of the workers.
    cluster : DaskOptions
    n_workers : int, optional
        Processes of a cluster on this machine. Default: one per core as far as memory allows.

    Yields
    ------
    DaskSweeps
        For ``run_jobs`` of `umlpsd_gpu.compute.context.Context`.

    Raises
    ------
    QueueError
        If Dask is not installed, or no scheduler answers.
    SettingsError
        If several workers would share this machine's GPU.
    """
    needed_mb = predict_worker_mb(size, settings)
    n_threads = settings.n_threads
    if cluster.is_local:
        n_workers = _choose_processes(settings, n_workers, needed_mb)
        n_threads = max(1, (n_threads or n_cores()) // n_workers)
    if cluster.slurm is not None:
        asked_mb = cluster.slurm.memory_mb or needed_mb
        cluster = replace(cluster, slurm=replace(cluster.slurm, memory_mb=asked_mb))
    # Dask counts the failures that it allows
    with dask_client(BatchFolder.at(out), n_workers or 1, cluster, MOST_DEATHS - 1) as client:
        yield DaskSweeps(client, settings, n_threads, cluster.slurm is not None)


def predict_worker_mb(size: tuple[int, float], settings: AnalysisSettings) -> float:
    """Predict roughly the memory of a worker for the largest sweep of an ensemble.

    Parameters
    ----------
    size : (int, float)
        Number of curves, and MB of their largest matrix.
    settings : AnalysisSettings

    Returns
    -------
    float
        In MB.
    """
    n_traces, curves_mb = size
    pairs_mb = 8e-6 * n_traces**2 if 8 * n_traces**2 <= MAX_PAIR_BYTES else 0.0
    labels_mb = 2e-6 * settings.sweep.k_max * settings.sweep.n_epochs * n_traces
    # labels exist in blocks, concatenated, and packed for sending
    return BASE_MB + N_COPIES_OF_CURVES * curves_mb + 2 * pairs_mb + 3 * labels_mb


@dataclass
class DaskSweeps:
    """Runs sweeps on the workers of a Dask cluster and yields the results in order.

    Attributes
    ----------
    client : distributed.Client
    settings : AnalysisSettings
    n_threads : int or None
        Threads of a worker; None: one per core.
    is_queued : bool
        Whether workers may start much later.
    device : {"cpu", "gpu"} or None
        Of all sweeps; None before the first.
    open : dict
        Submitted tasks → their number.
    """

    client: Any
    settings: AnalysisSettings
    n_threads: int | None = None
    is_queued: bool = False
    device: Device | None = None
    open: dict[Any, int] = field(default_factory=dict)

    def __call__(self, make: Sequence[MakeJob]) -> Iterator[SweepsOfOne]:
        """Yield the sweeps of jobs in order.

        Parameters
        ----------
        make : sequence of callable
            Each makes a job; called when a worker is free.

        Yields
        ------
        SweepsOfOne

        Raises
        ------
        QueueError
            If there are no workers, they can't do the work, or three of them died with one job.
        UmlpsdError
            If a sweep fails on a worker.
        """
        if self.device is None:
            ask: Call = (choose_device_on_worker, (self.settings, version("umlpsd_gpu")))
            (self.device,) = self._run_in_order([lambda: ask])
        yield from self._run_in_order([partial(self._prepare, make_one) for make_one in make])

    def _prepare(self, make: MakeJob) -> Call:
        with threadpool_limits(limits=1):
            job = make().on_host()
        return sweep_on_worker, (job, self.device, self.n_threads, version("umlpsd_gpu"))

    def _run_in_order(self, calls: Sequence[Callable[[], Call]]) -> Iterator[Any]:
        waiting, results = deque(enumerate(calls)), dict[int, Any]()
        patience = Patience(self.is_queued)
        for number in range(len(calls)):
            while number not in results:
                n_workers = patience.count_workers(self.client)
                while waiting and len(self.open) <= n_workers:
                    self._submit(*waiting.popleft())
                results |= self._collect()
            yield results.pop(number)

    def _submit(self, number: int, call: Callable[[], Call]) -> None:
        function, arguments = call()
        key = f"{function.__name__}-{secrets.token_hex(8)}"
        self.open[self.client.submit(function, *arguments, key=key, pure=False)] = number

    def _collect(self) -> dict[int, Any]:
        """Return the results of finished tasks; wait a moment if there are none."""
        done = [future for future in self.open if future.done()]
        if not done:
            time.sleep(POLL_S)
        return {self.open.pop(future): _get_result(future) for future in done}


def _get_result(future: Any) -> Any:
    """Return a task's result, or raise an error that explains in a sentence why it failed."""
    from distributed import KilledWorker

    try:
        return future.result()
    except UmlpsdError:
        raise
    except KilledWorker as error:
        raise QueueError(
            f"{error.allowed_failures + 1} Dask workers died one after the other with the same "
            "sweep; give them more memory or time (their logs may say which was missing): fewer "
            "--workers, memory_mb and time_min of --dask-slurm, larger bins"
        ) from error
    except CancelledError as error:
        raise QueueError(
            "the Dask scheduler has ended, and the sweeps are lost; start it and pool again"
        ) from error
    except Exception as error:
        raise explain_task_error(error) from error


def choose_device_on_worker(settings: AnalysisSettings, code_version: str) -> Device:
    """Return the class of device that this worker uses; this is a task on a worker.

    Parameters
    ----------
    settings : AnalysisSettings
    code_version : str
        Of the program that pools.

    Returns
    -------
    {"cpu", "gpu"}

    Raises
    ------
    QueueError
        If this worker has another version of the program.
    """
    _require_same(code_version)
    return device_of(settings)


def sweep_on_worker(
    job: RepresentationJob, device: Device, n_threads: int | None, code_version: str
) -> SweepsOfOne:
    """Run the sweeps of one job; this is a task on a worker.

    Parameters
    ----------
    job : RepresentationJob
    device : {"cpu", "gpu"}
    n_threads : int or None
        None: one per core.
    code_version : str
        Of the program that pools.

    Returns
    -------
    SweepsOfOne

    Raises
    ------
    DeviceError
        If this worker has no such device, or its memory is too small.
    QueueError
        If this worker has another version of the program.
    """
    _require_same(code_version)
    with _one_at_a_time, threadpool_limits(limits=1):
        if device == "cpu":
            return job.start(n_threads or n_cores())()
        choose_device("gpu")
        with told_when_full():
            return job.on_device().start()()


def _require_same(code_version: str) -> None:
    here = version("umlpsd_gpu")
    if here != code_version:
        raise QueueError(
            f"a Dask worker has umlpsd_gpu {here} where {code_version} pools, so its sweeps might "
            "differ; install the same version for the workers"
        )


def _choose_processes(settings: AnalysisSettings, n_workers: int | None, needed_mb: float) -> int:
    """Choose the processes of a cluster on this machine; they share its cores and its GPU."""
    if device_of(settings) == "cpu":
        n_in_memory = int(read_memory_mb() * USABLE_SHARE / needed_mb)
        return n_workers or max(1, min(n_cores(), n_in_memory))
    if (n_workers or 1) > 1:
        raise SettingsError(
            f"{n_workers} Dask workers on this machine would share its GPU; give --workers 1, or "
            "pool without --dask"
        )
    return 1
