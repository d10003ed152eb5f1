"""The sweeps of one ensemble on Dask's workers: a scale's curves go out, its sweeps come back.

Smoothing happens here, where the raw traces are, one scale at a time and when a worker is free for
it: no more curves are under way than there are workers, and one.
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
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions, Patience, dask_client
from umlpsd_gpu.batch.launchers.slurm import QueueError
from umlpsd_gpu.batch.machine import USABLE_SHARE, read_memory_mb
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.clustering.jobs import MakeJob, RepresentationJob, SweepsOfOne
from umlpsd_gpu.compute.backend import choose_device, n_cores
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.kmeans.distances import MAX_PAIR_BYTES
from umlpsd_gpu.settings import AnalysisSettings

POLL_S = 0.2
# Without any worker; in a queue workers may well come hours later [I]
PATIENCE_S = 120.0
# A sweep that has ended so many workers would end more [I]
MOST_DEATHS = 3
# Of a worker: Python with its libraries, and curves as received, unpacked, centred, in blocks [I]
BASE_MB, N_COPIES_OF_CURVES = 500.0, 5

Device = Literal["cpu", "gpu"]
# A function and its arguments, put together when a worker is free
Call = tuple[Callable[..., Any], tuple[Any, ...]]
# BLAS's limit is the whole process's: a sweep that ends would lift it for another
_one_at_a_time = threading.Lock()


@contextmanager
def dask_sweeps(
    out: str | Path,
    size: tuple[int, float],
    settings: AnalysisSettings,
    cluster: DaskOptions,
    n_workers: int | None = None,
) -> Iterator[DaskSweeps]:
    """Start or find a Dask cluster; give what `umlpsd_gpu.run_study` takes as ``run_sweeps``.

    Parameters
    ----------
    out : path
        Of the batch; workers by SLURM keep certificates and logs in it.
    size : (int, float)
        Number of curves, and MB of their largest matrix, for the memory that a worker takes.
    settings : AnalysisSettings
        ``device`` is the workers'.
    cluster : DaskOptions
    n_workers : int, optional
        Processes of a cluster on this machine. Default: one a core as far as memory goes.

    Raises
    ------
    QueueError
        If Dask is not installed, or no scheduler answers.
    SettingsError
        If several workers would share this machine's GPU.
    """
    needed_mb = predict_worker_mb(size, settings)
    n_threads = settings.n_threads
    is_local = cluster.address is None and cluster.slurm is None
    if is_local:
        n_workers = _processes_here(settings, n_workers, needed_mb)
        n_threads = max(1, (n_threads or n_cores()) // n_workers)
    if cluster.slurm is not None:
        asked_mb = cluster.slurm.memory_mb or needed_mb
        cluster = replace(cluster, slurm=replace(cluster.slurm, memory_mb=asked_mb))
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    # Dask counts the deaths that it forgives
    with dask_client(folder, manifest, n_workers or 1, cluster, MOST_DEATHS - 1) as client:
        yield DaskSweeps(client, settings, n_threads, cluster.slurm is not None)


def predict_worker_mb(size: tuple[int, float], settings: AnalysisSettings) -> float:
    """Return the memory that the largest sweep of an ensemble takes, more or less.

    Parameters
    ----------
    size : (int, float)
        Number of curves, and MB of their largest matrix.
    settings : AnalysisSettings
    """
    n_traces, curves_mb = size
    pairs_mb = 8e-6 * n_traces**2 if 8 * n_traces**2 <= MAX_PAIR_BYTES else 0.0
    labels_mb = 2e-6 * settings.sweep.k_max * settings.sweep.n_epochs * n_traces
    # labels are found in blocks, put together, and packed to be sent
    return BASE_MB + N_COPIES_OF_CURVES * curves_mb + 2 * pairs_mb + 3 * labels_mb


@dataclass
class DaskSweeps:
    """Runs jobs of sweeps on the workers of a Dask cluster and gives the results in order.

    Attributes
    ----------
    client : distributed.Client
    settings : AnalysisSettings
    n_threads : int or None
        Of a worker; None: all that it has.
    is_queued : bool
        Whether workers may come much later.
    device : {"cpu", "gpu"} or None
        Of all sweeps; None before the first.
    """

    client: Any
    settings: AnalysisSettings
    n_threads: int | None = None
    is_queued: bool = False
    device: Device | None = None
    open: dict[Any, int] = field(default_factory=dict)

    def __call__(self, make: Sequence[MakeJob]) -> Iterator[SweepsOfOne]:
        """Yield the sweeps of jobs in order.

        Raises
        ------
        QueueError
            If there are no workers, they can't do the work, or three of them died with one job.
        UmlpsdError
            What a sweep raises, on a worker.
        """
        if self.device is None:
            ask: Call = (choose_device_on_worker, (self.settings, version("umlpsd_gpu")))
            (self.device,) = self._in_order([lambda: ask])
        yield from self._in_order([partial(self._call, make_one) for make_one in make])

    def _call(self, make: MakeJob) -> Call:
        with threadpool_limits(limits=1):
            job = make().on_host()
        return sweep_on_worker, (job, self.device, self.n_threads, version("umlpsd_gpu"))

    def _in_order(self, calls: Sequence[Callable[[], Call]]) -> Iterator[Any]:
        waiting, found = deque(enumerate(calls)), dict[int, Any]()
        patience = Patience(self.is_queued, PATIENCE_S)
        for number in range(len(calls)):
            while number not in found:
                n_workers = patience.n_workers(self.client)
                while waiting and len(self.open) <= n_workers:
                    self._submit(*waiting.popleft())
                found |= self._finished()
            yield found.pop(number)

    def _submit(self, number: int, call: Callable[[], Call]) -> None:
        function, arguments = call()
        key = f"{function.__name__}-{secrets.token_hex(8)}"
        self.open[self.client.submit(function, *arguments, key=key, pure=False)] = number

    def _finished(self) -> dict[int, Any]:
        """Return what has come back, or wait a moment."""
        done = [future for future in self.open if future.done()]
        if not done:
            time.sleep(POLL_S)
        return {self.open.pop(future): _result_of(future) for future in done}


def _gone() -> QueueError:
    return QueueError("the Dask scheduler has gone, and the sweeps with it; start it, pool again")


def _result_of(future: Any) -> Any:
    """Return a task's result; raise why there is none in a sentence."""
    from distributed import KilledWorker

    try:
        return future.result()
    except UmlpsdError:
        raise
    except KilledWorker as error:
        raise QueueError(
            f"{error.allowed_failures + 1} Dask workers died one after the other with the same "
            "sweep; give them more memory or time (their logs may say what was short): fewer "
            "--workers, memory_mb and time_min of --dask-slurm, larger bins"
        ) from error
    except CancelledError as error:
        raise _gone() from error
    except Exception as error:
        raise QueueError(
            f"a Dask worker could not do its task: {type(error).__name__}: {error}"
        ) from error


def choose_device_on_worker(settings: AnalysisSettings, code_version: str) -> Device:
    """Return the class of device that this worker takes; the body of a task."""
    _require_same(code_version)
    return device_of(settings)


def sweep_on_worker(
    job: RepresentationJob, device: Device, n_threads: int | None, code_version: str
) -> SweepsOfOne:
    """Do a job on a class of device: the body of a task.

    Raises
    ------
    DeviceError
        If this worker has no such device, or one without room.
    QueueError
        If it has another version of the program.
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
            f"a Dask worker has umlpsd_gpu {here} where {code_version} pools, and its sweeps might "
            "differ; install the same version for the workers"
        )


def _processes_here(settings: AnalysisSettings, n_workers: int | None, needed_mb: float) -> int:
    """Return the processes of a cluster on this machine, which share its cores and its GPU."""
    if device_of(settings) == "cpu":
        that_fit = int(read_memory_mb() * USABLE_SHARE / needed_mb)
        return n_workers or max(1, min(n_cores(), that_fit))
    if (n_workers or 1) > 1:
        raise SettingsError(
            f"{n_workers} Dask workers on this machine would share its GPU; give --workers 1, or "
            "pool without --dask"
        )
    return 1
