"""Dask clusters that only their owner can use: on 127.0.0.1 or with TLS, without a dashboard."""

from __future__ import annotations

import ipaddress
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.slurm import QueueError, SlurmOptions, predict_task_mb
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.json_files import refuse_links

CONNECT_S = 30
# Between looks at the tasks of a cluster
POLL_S = 0.2
# Without any worker; in a queue workers may start hours later [I]
PATIENCE_S = 120.0
# Dask gives up a task when more workers than this have died with it
ALLOWED_FAILURES = 10
CONFIG = {
    # a worker must be able to start processes: each input has its own
    "distributed.worker.daemon": False,
    # the curves of a representation are large, and must be sent
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
}
# Without a dashboard Dask still serves status pages, to everybody and without TLS
PRIVATE_PAGE = "127.0.0.1:0"
PRIVATE_PAGES = ("--dashboard-address", PRIVATE_PAGE)
KEYS = ".dask-jobqueue.*"
JOB_MIN = 24 * 60  # of a worker's job without a given time [I]


@dataclass(frozen=True)
class DaskOptions:
    """Which Dask cluster does the work.

    Attributes
    ----------
    address : str or None
        Of a running scheduler: ``tls://…``, or ``tcp://`` on this machine.
    slurm : SlurmOptions or None
        Workers as SLURM jobs, ``n_tasks`` of them. Without both: processes on this machine.
    """

    address: str | None = None
    slurm: SlurmOptions | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that are not safe."""
        if self.address is not None and self.slurm is not None:
            raise SettingsError("give a scheduler's address or workers by SLURM, not both")
        if self.address is not None:
            refuse_open(self.address)

    @property
    def is_local(self) -> bool:
        """Whether the cluster is started here, as processes on this machine."""
        return self.address is None and self.slurm is None


def refuse_open(address: str) -> None:
    """Refuse a scheduler that anybody in its network could use.

    Parameters
    ----------
    address : str
        ``protocol://host:port``, or ``host:port`` for TCP.

    Raises
    ------
    SettingsError
        If the address is neither TLS nor on this machine.
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme in ("tls", "inproc") or (parts.scheme == "tcp" and _is_here(parts.hostname)):
        return
    raise SettingsError(
        f"{address} is neither tls:// nor tcp:// on 127.0.0.1, so anybody in its network could "
        "run programs in your name; start the scheduler and its workers with TLS"
    )


@contextmanager
def dask_client(
    folder: BatchFolder,
    n_workers: int,
    options: DaskOptions,
    allowed_failures: int = ALLOWED_FAILURES,
) -> Iterator[Any]:
    """Start a cluster or connect to one; at the end stop what was started here.

    Parameters
    ----------
    folder : BatchFolder
        SLURM jobs keep certificates and logs in it.
    n_workers : int
        Processes of a cluster on this machine.
    options : DaskOptions
    allowed_failures : int
        A task is given up when more workers than this have died with it; a running scheduler has
        its own number.

    Yields
    ------
    distributed.Client

    Raises
    ------
    QueueError
        If Dask is not installed, or no scheduler answers.
    """
    dask, distributed = _import_dask()

    forgive = {"distributed.scheduler.allowed-failures": allowed_failures}
    with (
        dask.config.set({**CONFIG, **forgive}),
        _start_scheduler(folder, n_workers, options) as scheduler,
    ):
        try:
            client = distributed.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise QueueError(
                f"no Dask scheduler answers at {options.address or 'the cluster'} ({error}); for "
                "tls:// Dask's configuration must name certificates (distributed.comm.tls)"
            ) from error
        with client:
            yield client


@contextmanager
def _start_scheduler(folder: BatchFolder, n_workers: int, options: DaskOptions) -> Iterator[Any]:
    if options.address is not None:
        yield options.address
    elif options.slurm is not None:
        with _start_on_slurm(folder, options.slurm) as cluster:
            yield cluster
    else:
        with _start_here(n_workers) as cluster:
            yield cluster


@contextmanager
def _start_here(n_workers: int) -> Iterator[Any]:
    _, distributed = _import_dask()
    scratch = tempfile.mkdtemp(prefix="umlpsd-dask-")
    try:
        with distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": PRIVATE_PAGE},
            # memory is used by the workers' child processes, which have their own limits
            memory_limit=0,
            local_directory=scratch,
        ) as cluster:
            # Dask does not restart a worker that dies while it starts
            cluster.adapt(minimum=n_workers, maximum=n_workers)
            yield cluster
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _start_on_slurm(folder: BatchFolder, options: SlurmOptions) -> Iterator[Any]:
    _, distributed = _import_dask()
    try:
        dask_jobqueue: Any = import_module("dask_jobqueue")
    except ImportError as error:
        raise QueueError(f"dask-jobqueue can't be imported ({error}); {_INSTALL}") from error
    if shutil.which("sbatch") is None:
        raise QueueError("there is no sbatch here: start from a login node of the cluster")
    memory_mb = options.memory_mb or predict_task_mb(read_manifest(folder.root), options)
    # the nodes need the certificates; nobody else may read them
    private = refuse_links(folder.root, folder.root / "dask")
    private.mkdir(mode=0o700, exist_ok=True)
    for key in private.glob(KEYS):
        key.unlink(missing_ok=True)
    try:
        with dask_jobqueue.SLURMCluster(
            cores=1,
            processes=1,
            job_cpu=options.n_cpus,
            memory=f"{math.ceil(memory_mb)}MB",
            walltime=_format_hours(options.time_min or JOB_MIN),
            queue=options.partition,
            account=options.account,
            job_extra_directives=[f"--gres={options.gres}"] if options.gres else [],
            job_script_prologue=["export DASK_DISTRIBUTED__WORKER__DAEMON=False"],
            worker_extra_args=["--no-dashboard", *PRIVATE_PAGES, "--memory-limit", "0"],
            python=sys.executable,
            protocol="tls://",
            security=distributed.Security.temporary(),
            shared_temp_directory=str(private),
            local_directory=os.environ.get("TMPDIR", "/tmp"),
            log_directory=str(private),
            scheduler_options={"dashboard": False, "dashboard_address": PRIVATE_PAGE},
        ) as cluster:
            # every job that ends, for any reason, is followed by another
            n_jobs = options.n_tasks or 1
            cluster.adapt(minimum_jobs=n_jobs, maximum_jobs=n_jobs)
            yield cluster
    finally:
        # dask-jobqueue deletes them only when Python ends normally
        for key in private.glob(KEYS):
            os.truncate(key, 0)


class Patience:
    """Waits for a cluster's workers, but not forever.

    Parameters
    ----------
    is_queued : bool
        Whether workers may start hours later; then there is no time limit.
    """

    def __init__(self, is_queued: bool) -> None:
        self.is_queued = is_queued
        self.last_worker = time.monotonic()

    def count_workers(self, client: Any) -> int:
        """Count the workers of a cluster.

        Parameters
        ----------
        client : distributed.Client

        Returns
        -------
        int

        Raises
        ------
        QueueError
            If there was no worker for `PATIENCE_S`.
        """
        n = len(client.scheduler_info(n_workers=-1)["workers"])
        if n or self.is_queued:
            self.last_worker = time.monotonic()
        elif time.monotonic() > self.last_worker + PATIENCE_S:
            raise QueueError(
                f"the Dask cluster has had no worker for {PATIENCE_S:.0f} s; start workers, or "
                "run without Dask"
            )
        return n


_INSTALL = "install it with pip install 'umlpsd_gpu[cluster]'"


def explain_task_error(error: BaseException) -> QueueError:
    """Return the error to raise for a task that failed on a Dask worker.

    Parameters
    ----------
    error : BaseException
        Not one of ours.

    Returns
    -------
    QueueError
    """
    return QueueError(f"a Dask worker could not do its task: {type(error).__name__}: {error}")


def _import_dask() -> tuple[Any, Any]:
    """Return the modules dask and distributed."""
    try:
        return import_module("dask"), import_module("distributed")
    except ImportError as error:
        raise QueueError(f"Dask can't be imported ({error}); {_INSTALL}") from error


def _is_here(host: str | None) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host or "").is_loopback
    return host == "localhost"


def _format_hours(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
