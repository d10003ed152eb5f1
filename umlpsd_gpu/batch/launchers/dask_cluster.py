"""Dask clusters that nobody else can give orders: on 127.0.0.1 or behind TLS, no dashboard."""

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
from typing import Any
from urllib.parse import urlsplit

from umlpsd_gpu.batch.entries import Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.slurm import QueueError, SlurmOptions, predict_task_mb
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.json_files import refuse_links

CONNECT_S = 30
# Dask gives a task up when so many workers have died with it
ALLOWED_FAILURES = 10
CONFIG = {
    # a worker must be able to have children: each movie has a process of its own
    "distributed.worker.daemon": False,
    # the curves of a scale are as large as they are
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
}
# Without a dashboard Dask still serves pages about its health, to everybody and without TLS
PRIVATE_PAGE = "127.0.0.1:0"
PRIVATE_PAGES = ("--dashboard-address", PRIVATE_PAGE)
KEYS = ".dask-jobqueue.*"
JOB_MIN = 24 * 60  # of a worker's job that is not told how long [I]


@dataclass(frozen=True)
class DaskOptions:
    """Which Dask cluster does the work.

    Attributes
    ----------
    address : str or None
        Of a scheduler that is there: ``tls://…``, or ``tcp://`` on this machine.
    slurm : SlurmOptions or None
        Workers as jobs of SLURM, ``n_tasks`` of them. Without both: processes on this machine.
    """

    address: str | None = None
    slurm: SlurmOptions | None = None

    def __post_init__(self) -> None:
        if self.address is not None and self.slurm is not None:
            raise SettingsError("give a scheduler's address or workers by SLURM, not both")
        if self.address is not None:
            refuse_open(self.address)


def refuse_open(address: str) -> None:
    """Refuse a scheduler that anybody in its network could give orders.

    Raises
    ------
    SettingsError
        If the address is neither TLS nor on this machine.
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme in ("tls", "inproc") or (parts.scheme == "tcp" and _is_here(parts.hostname)):
        return
    raise SettingsError(
        f"{address} is neither tls:// nor tcp:// on 127.0.0.1, so that anybody in its network "
        "could run programs in your name; start the scheduler and its workers with TLS"
    )


@contextmanager
def dask_client(
    folder: BatchFolder,
    manifest: Manifest,
    n_workers: int,
    options: DaskOptions,
    allowed_failures: int = ALLOWED_FAILURES,
) -> Iterator[Any]:
    """Start or find a cluster; give a client; leave nothing running that was started here.

    Parameters
    ----------
    folder, manifest
        Of the batch.
    n_workers : int
        Processes of a cluster on this machine.
    options : DaskOptions
    allowed_failures : int
        A task is given up when more workers than this have died with it; a scheduler that is
        there already has a number of its own.

    Raises
    ------
    QueueError
        If Dask is not installed, or no scheduler answers.
    """
    dask = _dask()
    from distributed import Client

    forgive = {"distributed.scheduler.allowed-failures": allowed_failures}
    with (
        dask.config.set({**CONFIG, **forgive}),
        _scheduler(folder, manifest, n_workers, options) as scheduler,
    ):
        try:
            client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise QueueError(
                f"no Dask scheduler answers at {options.address or 'the cluster'} ({error}); for "
                "tls:// Dask's configuration must name certificates (distributed.comm.tls)"
            ) from error
        with client:
            yield client


@contextmanager
def _scheduler(
    folder: BatchFolder, manifest: Manifest, n_workers: int, options: DaskOptions
) -> Iterator[Any]:
    if options.address is not None:
        yield options.address
    elif options.slurm is not None:
        with _on_slurm(folder, manifest, options.slurm) as cluster:
            yield cluster
    else:
        with _on_this_machine(n_workers) as cluster:
            yield cluster


@contextmanager
def _on_this_machine(n_workers: int) -> Iterator[Any]:
    from distributed import LocalCluster

    scratch = tempfile.mkdtemp(prefix="umlpsd-dask-")
    try:
        with LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": PRIVATE_PAGE},
            # what takes memory are the workers' children, which have limits of their own
            memory_limit=0,
            local_directory=scratch,
        ) as cluster:
            # a worker that dies while it starts is not started again by its nanny
            cluster.adapt(minimum=n_workers, maximum=n_workers)
            yield cluster
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _on_slurm(folder: BatchFolder, manifest: Manifest, options: SlurmOptions) -> Iterator[Any]:
    from distributed.security import Security

    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise QueueError(f"dask-jobqueue can't be imported ({error}); {_INSTALL}") from error
    if shutil.which("sbatch") is None:
        raise QueueError("there is no sbatch here: start from a login node of the cluster")
    # the nodes need the certificates, nobody else may have them
    private = refuse_links(folder.root, folder.root / "dask")
    private.mkdir(mode=0o700, exist_ok=True)
    for left_over in private.glob(KEYS):
        left_over.unlink(missing_ok=True)
    try:
        with SLURMCluster(
            cores=1,
            processes=1,
            job_cpu=options.n_cpus,
            memory=f"{math.ceil(predict_task_mb(manifest, options))}MB",
            walltime=_hours(options.time_min or JOB_MIN),
            queue=options.partition,
            account=options.account,
            job_extra_directives=[f"--gres={options.gres}"] if options.gres else [],
            job_script_prologue=["export DASK_DISTRIBUTED__WORKER__DAEMON=False"],
            worker_extra_args=["--no-dashboard", *PRIVATE_PAGES, "--memory-limit", "0"],
            python=sys.executable,
            protocol="tls://",
            security=Security.temporary(),
            shared_temp_directory=str(private),
            local_directory=os.environ.get("TMPDIR", "/tmp"),
            log_directory=str(private),
            scheduler_options={"dashboard": False, "dashboard_address": PRIVATE_PAGE},
        ) as cluster:
            # jobs that end, however they do, are followed by others
            n_jobs = options.n_tasks or 1
            cluster.adapt(minimum_jobs=n_jobs, maximum_jobs=n_jobs)
            yield cluster
    finally:
        # dask-jobqueue deletes them when Python ends, if it ends well
        for key in private.glob(KEYS):
            os.truncate(key, 0)


class Patience:
    """Waits for a cluster's workers, but not for ever.

    Parameters
    ----------
    is_queued : bool
        Whether workers may come hours later; these are waited for.
    most_s : float
        Without any worker.
    """

    def __init__(self, is_queued: bool, most_s: float) -> None:
        self.is_queued, self.most_s = is_queued, most_s
        self.last_worker = time.monotonic()

    def n_workers(self, client: Any) -> int:
        """Return how many workers there are; QueueError where there were none for too long."""
        n = len(client.scheduler_info(n_workers=-1)["workers"])
        if n or self.is_queued:
            self.last_worker = time.monotonic()
        elif time.monotonic() > self.last_worker + self.most_s:
            raise QueueError(
                f"the Dask cluster has had no worker for {self.most_s:.0f} s; start workers, or "
                "run without Dask"
            )
        return n


_INSTALL = "install it with pip install 'umlpsd_gpu[cluster]'"


def _dask() -> Any:
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError as error:
        raise QueueError(f"Dask can't be imported ({error}); {_INSTALL}") from error
    return dask


def _is_here(host: str | None) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host or "").is_loopback
    return host == "localhost"


def _hours(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
