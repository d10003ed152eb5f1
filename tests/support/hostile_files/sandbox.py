"""Jobs in a child process with limits of time and memory: what each gave, and what it cost."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from umlpsd_gpu.errors import UmlpsdError

MB = 1 << 20
_LENGTH, _STARTED = struct.Struct("<I"), struct.Struct("<qdd")
# Other work on the machine must not make a job look like one that hangs
WAIT_FACTOR = 10


@dataclass(frozen=True)
class Outcome:
    """What became of one job.

    Attributes
    ----------
    number : int
    kind : str
        "opened", "refused" (our error), "error" (any other), "hang" or "crash".
    value : object
        What was opened; otherwise the message.
    seconds : float
        Processor time; of a job that was stopped, the time that passed.
    peak_mb : float
        Growth of the resident memory at its peak.
    noise : str
        Warnings.
    """

    number: int
    kind: str
    value: Any
    seconds: float
    peak_mb: float = 0.0
    noise: str = ""


def run_jobs(
    job: Callable[[int], Any], n_jobs: int, limit_s: float = 10.0, memory_mb: int = 4096
) -> Iterator[Outcome]:
    """Run ``job(0)`` … in one child process, which is started again when it hangs or crashes.

    Parameters
    ----------
    job : callable
        Takes the number of the job; what it returns is pickled.
    n_jobs : int
    limit_s : float
        Longest processor time of one job. A job that waits is stopped after ten times as long.
    memory_mb : int
        Address space that the child may take beyond what it has at its start. It is wide, so that
        a reader that takes too much is seen and not stopped.
    """
    number = 0
    while number < n_jobs:
        for outcome in _run_in_child(job, number, n_jobs, limit_s, memory_mb):
            number = outcome.number + 1
            yield outcome


def _run_in_child(
    job: Callable[[int], Any], first: int, stop: int, limit_s: float, memory_mb: int
) -> Iterator[Outcome]:
    started = mmap(-1, _STARTED.size)
    started[:] = _STARTED.pack(first, time.monotonic(), 0.0)
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(receiving)
            _work(job, first, stop, memory_mb, started, sending)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(sending)
    try:
        yield from _listen(receiving, pid, started, limit_s, stop)
    finally:
        os.close(receiving)


def _listen(
    receiving: int, pid: int, started: mmap, limit_s: float, stop: int
) -> Iterator[Outcome]:
    """Yield the outcomes that a child sends; then that of the job which ended it, if one did."""
    n_done, is_stopped = -1, False
    while True:
        ready, _, _ = select.select([receiving], [], [], 0.1)
        if ready:
            outcome = _receive(receiving)
            if outcome is None:
                break
            n_done = outcome.number
            yield outcome
        number, start_s, cpu_start_s = _STARTED.unpack(started[:])
        if ready or number <= n_done:
            continue
        is_busy = _cpu_s(pid) - cpu_start_s > limit_s
        if is_busy or time.monotonic() - start_s > WAIT_FACTOR * limit_s:
            is_stopped = True
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    number, start_s, _ = _STARTED.unpack(started[:])
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 and n_done == stop - 1:
        return
    seconds = time.monotonic() - start_s
    if is_stopped:
        yield Outcome(number, "hang", f"longer than {limit_s:g} s", seconds)
    else:
        yield Outcome(number, "crash", f"status {status}", seconds)


def _receive(receiving: int) -> Outcome | None:
    head = _read(receiving, _LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = _read(receiving, length)
    return pickle.loads(body) if len(body) == length else None


def _read(receiving: int, length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        part = os.read(receiving, length - len(parts))
        if not part:
            break
        parts += part
    return parts


def _work(
    job: Callable[[int], Any], first: int, stop: int, memory_mb: int, started: mmap, sending: int
) -> None:
    limit = _read_status("VmSize") + memory_mb * MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, stop):
        started[:] = _STARTED.pack(number, time.monotonic(), time.process_time())
        body = pickle.dumps(_do(job, number))
        os.write(sending, _LENGTH.pack(len(body)) + body)


def _do(job: Callable[[int], Any], number: int) -> Outcome:
    # the peak of the jobs before is forgotten
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before, start_s = _read_status("VmHWM"), time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            kind, value = "opened", job(number)
        except UmlpsdError as error:
            kind, value = "refused", str(error)
        except Exception as error:
            kind, value = "error", "".join(traceback.format_exception(error))
    seconds = time.process_time() - start_s
    peak_mb = (_read_status("VmHWM") - before) / MB
    noise = "; ".join(str(warning.message) for warning in caught)
    return Outcome(number, kind, value, seconds, peak_mb, noise)


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process so far."""
    with open(f"/proc/{pid}/stat") as file:
        after_name = file.read().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _read_status(name: str) -> int:
    """Return a size of this process in bytes."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024
