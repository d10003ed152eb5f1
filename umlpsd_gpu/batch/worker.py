"""A process analyses one input; it writes the result to the private folder of a lease."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import load_result, save_result
from umlpsd_gpu.batch.fingerprint import (
    ContentKind,
    fingerprint,
    is_same_time,
    read_last_write_time,
)
from umlpsd_gpu.batch.folder import LOG, STUDY
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.errors import DeviceError, MovieError, OutputError, UmlpsdError
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.json_files import DISK_TROUBLE

PR_SET_PDEATHSIG = 1
MOST_TRACEBACK = 20_000  # characters, from the end
# The runner stops its processes itself, after giving them time to finish
IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True)
class Job:
    """All that a process needs to analyse one input.

    Attributes
    ----------
    movie : str
        Path of the input.
    content, content_kind : str
        Digest of the input when the manifest was written, and how it was made.
    analysis : str
        Name of the analysis to run.
    settings : dict
        As in the manifest, in canonical form.
    device : {"cpu", "gpu"}
    n_threads : int
    gpu : str or None
        The only GPU that the process may see.
    memory_mb : float or None
        Limit of its address space.
    figures : bool
    work : str
        Private folder; the result goes to ``study`` in it.
    earlier : str or None
        Folder of an earlier result with the same numbers, which only lacks figures or has too many.
    written : float
        When the input was last written to, by the manifest; 0.0: not compared.
    """

    movie: str
    content: str
    content_kind: ContentKind
    analysis: str
    settings: dict[str, Any]
    device: str
    n_threads: int
    gpu: str | None
    memory_mb: float | None
    figures: bool
    work: str
    earlier: str | None = None
    written: float = 0.0


Perform = Callable[[Job], dict[str, Any]]


def run_jobs(job: Job, more: Connection | None, answer: Connection, perform: Perform) -> None:
    """Do a job, and those that follow; this is all that a worker process does.

    Parameters
    ----------
    job : Job
        The first one.
    more : Connection or None
        Where the next ones come from; None if there is only one. On a GPU they follow: its context
        and loaded kernels take seconds to make, and last as long as the process.
    answer : Connection
        Gets a JSON text for each job; nothing more if the process is killed. Its entry ``stays``
        says whether the process takes another job: not after a failure of the device, which may be
        lost to this process.
    perform : callable
        Writes the result and returns facts about it; `make_study`, except in tests.
    """
    _prepare_process(job, answer)
    while _do(job, answer, perform, may_stay=more is not None) and more is not None:
        _forget_job()
        try:
            job = more.recv()
        except EOFError:
            break
    answer.close()


def _do(job: Job, answer: Connection, perform: Perform, may_stay: bool) -> bool:
    """Do a job and send its outcome; return whether this process takes another one."""
    with suppress(OSError):
        _print_to(Path(job.work) / LOG)
    start = time.perf_counter()
    outcome = _perform_safely(job, perform)
    with suppress(OSError):
        _delete_empty(Path(job.work) / LOG)
    outcome["seconds"] = time.perf_counter() - start
    outcome["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    stays = may_stay and outcome.get("kind") != "device"
    with suppress(OSError):  # a runner that has ended needs no answer
        answer.send_bytes(json.dumps({"outcome": outcome, "stays": stays}).encode())
    return stays


def _forget_job() -> None:
    """Count the peak of memory anew, and give what CuPy keeps back to others on this GPU."""
    with suppress(OSError):  # only where there is /proc
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    cupy = sys.modules.get("cupy")
    if cupy is not None:
        cupy.get_default_memory_pool().free_all_blocks()


def make_study(job: Job) -> dict[str, Any]:
    """Analyse an input and write its result.

    Parameters
    ----------
    job : Job

    Returns
    -------
    dict
        Facts for done.json.

    Raises
    ------
    UmlpsdError
        If the input can't be read or analysed, or was changed meanwhile; or if the disk is full.
    """
    from threadpoolctl import threadpool_limits

    analysis = get_analysis(job.analysis)
    settings = analysis.settings.from_mapping(job.settings)
    with threadpool_limits(limits=1, user_api="blas"):
        result = _load_earlier(job, analysis) or _analyse(job, analysis, settings)
    timings_s = dict(result.timings_s)
    # a stored result does not contain where and how fast it was computed
    result = replace(result, settings=settings, timings_s={})
    start = time.perf_counter()
    _write(result, Path(job.work) / STUDY, job.figures)
    timings_s["write"] = time.perf_counter() - start
    summary = analysis.summary(result)
    answers = {name: summary[name] for name in ("n_traces", "k_opt", "scale") if name in summary}
    how = {"device": result.device, "n_threads": job.n_threads, "timings_s": timings_s}
    return how | answers


def _perform_safely(job: Job, perform: Perform) -> dict[str, Any]:
    try:
        return {"status": "done", **perform(job)}
    except BaseException as error:
        lines = "".join(traceback.format_exception(error))
        return {
            "status": "failed",
            "kind": _classify(error),
            "reason": _explain(error, job),
            "traceback": lines[-MOST_TRACEBACK:],
        }


def _classify(error: BaseException) -> str:
    """Return whether the device, the disk or the input failed; the first two stop a runner."""
    if isinstance(error, DeviceError):
        return "device"
    cause = error.__cause__ if isinstance(error, OutputError) else error
    is_reading = isinstance(error, MovieError)
    if not is_reading and isinstance(cause, OSError) and cause.errno in DISK_TROUBLE:
        return "disk"
    return "movie"


def _explain(error: BaseException, job: Job) -> str:
    if isinstance(error, UmlpsdError):
        return str(error)
    if isinstance(error, MemoryError):
        limit = f" of {job.memory_mb:.0f} MB" if job.memory_mb else ""
        return (
            f"{job.movie}: its analysis needs more memory than the limit{limit}; raise "
            "--memory-mb or run fewer workers"
        )
    return f"{job.movie}: {type(error).__name__}: {error}"


def _prepare_process(job: Job, answer: Connection) -> None:
    """Make this process end with its runner; set its limits and its GPU."""
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _end_with_runner(answer)
    if job.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # CUDA reserves much more address space than it uses
    if job.memory_mb is not None and job.device == "cpu":
        limit = int(job.memory_mb * 1e6)
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    faulthandler.enable(2)  # if a library ends the process, the log says where


def _print_to(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)


def _delete_empty(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if log.stat().st_size == 0:
        log.unlink()


def _end_with_runner(answer: Connection) -> None:
    """Start a thread that ends this process when nobody can receive its answer any more.

    The fork server lives as long as any process that it has forked, so its end can't be used.
    Processes forked from the runner itself can receive answers too, but the system ends them
    together with the runner.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # a second descriptor: the first is closed when the answer is sent
    watched = os.dup(answer.fileno())
    poll = select.poll()
    poll.register(watched, 0)  # errors are always reported: here, that the reader has closed

    def watch() -> None:
        poll.poll()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _analyse(job: Job, analysis: Analysis[Any, Any], settings: AnalysisSettings) -> Any:
    source = analysis.open([job.movie], settings)
    _refuse_changed(job, analysis.files_of(source))
    here = settings.with_values({"device": job.device, "n_threads": job.n_threads})
    result = analysis.run(source, here, Context(analysis.device_of(here)))
    _refuse_changed(job, analysis.files_of(source))
    return result


def _refuse_changed(job: Job, files: tuple[Path, ...]) -> None:
    if fingerprint(files, job.content_kind) != job.content:
        raise MovieError(
            job.movie,
            "it was changed after the manifest was written; run 'umlpsd batch init --update' to "
            "accept the change",
        )
    # bytes between the samples may have changed
    if job.written and not is_same_time(read_last_write_time(files), job.written):
        raise MovieError(
            job.movie,
            "its time of change differs from the manifest, so its content may differ too; run "
            "'umlpsd batch init --update' to accept it (with --full-digest a batch compares every "
            "byte instead of times)",
        )


def _load_earlier(job: Job, analysis: Analysis[Any, Any]) -> Any:
    """Return the result that only differs in figures; None: it must be computed."""
    if job.earlier is None:
        return None
    try:
        return load_result(job.earlier, analysis.result_type())
    except UmlpsdError:
        return None


def _write(result: Any, folder: Path, figures: bool) -> None:
    if not figures:
        save_result(result, folder)
        return
    from umlpsd_gpu.report.write_report import draw_result, write_drawn

    write_drawn(result, draw_result(result), folder)
