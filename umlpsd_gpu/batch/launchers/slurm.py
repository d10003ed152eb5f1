"""SLURM as launcher: an array of runners over the movies, and a last one for what they left."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.entries import Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.options import check_limit
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.storage.json_files import refuse_links

# Of jobs that are not told how long: a queue likes tasks of minutes to hours [I]
TASK_S = 600.0
# Predictions are for 100 emitters and this machine; a job that is too short is requeued [I]
TIME_MARGIN, LEAST_MIN = 4.0, 15
MEMORY_MARGIN, BASE_MB = 1.5, 1000.0
MAX_ARRAY_SIZE = 1001  # SLURM's default: the largest index is one less
MOST_REQUEUES = 20  # a movie longer than the time of its job would go on for ever [I]
_SAFE = re.compile(r"[\w.,:=@+/*-]+")


class QueueError(UmlpsdError):
    """A queue or cluster can't be reached, or refuses the work."""

    exit_code = 3


@dataclass(frozen=True)
class SlurmOptions:
    """What a job array asks for.

    Attributes
    ----------
    n_tasks : int or None
        Tasks of the array; None: as many as take ten minutes each, as predicted.
    n_at_once : int or None
        Tasks that may run at a time.
    partition, account, gres : str or None
        As sbatch takes them; ``gres`` as in ``gpu:1``.
    time_min : int or None
        Minutes of a task; None: four times the prediction.
    memory_mb : float or None
        Of a task; None: as predicted for its workers, half as much again and 1 GB.
    n_cpus : int
        Cores of a task; without ``gres`` a worker each.
    warn_s : int
        Before its time is up a task is told so; movies at work finish or are rolled back.
    limit_s : float or None
        Time limit of a movie; see `umlpsd_gpu.batch.options.RunOptions`.
    requeue : bool
        Whether tasks that ran out of time, or lost their node, start again.
    """

    n_tasks: int | None = None
    n_at_once: int | None = None
    partition: str | None = None
    account: str | None = None
    gres: str | None = None
    time_min: int | None = None
    memory_mb: float | None = None
    n_cpus: int = 1
    warn_s: int = 120
    limit_s: float | None = None
    requeue: bool = True

    def __post_init__(self) -> None:
        for name in ("n_tasks", "n_at_once", "time_min", "memory_mb", "n_cpus"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < math.inf:
                raise SettingsError(f"{name} of a job array must be 1 or more, got {value}")
        if self.limit_s is not None:
            check_limit(self.limit_s)
        if self.warn_s < 15:
            raise SettingsError(
                f"warn_s must be 15 or more, got {self.warn_s}: a runner may take 10 s to stop"
            )
        for name in ("partition", "account", "gres"):
            value = getattr(self, name)
            if value is not None and not _SAFE.fullmatch(value):
                raise SettingsError(f"{name} '{value}' is none: letters, digits and .,:=@+/*- only")

    @classmethod
    def from_text(cls, text: str) -> SlurmOptions:
        """Read ``n_tasks=4,partition=long``; `SettingsError` where that makes no sense."""
        pairs = [part.partition("=") for part in text.split(",")]
        kinds: dict[str, Callable[[str], Any]] = {
            "n_tasks": int,
            "n_cpus": int,
            "time_min": int,
            "memory_mb": float,
        }
        kinds |= dict.fromkeys(("partition", "account", "gres"), str)
        try:
            return cls(**{name: kinds[name](value) for name, _, value in pairs})
        except (KeyError, ValueError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(
                f"'{text}' must look like n_tasks=4,time_min=60, of {', '.join(kinds)}"
            ) from error


@dataclass(frozen=True)
class SlurmJobs:
    """The scripts of a batch, and the jobs they have become.

    Attributes
    ----------
    array, last : str
        Scripts for sbatch: the array, and the runner that waits for its end and makes what is left.
    n_tasks : int
    ids : tuple of str
        Of the array and of the last job; empty where nothing was submitted.
    """

    array: str
    last: str
    n_tasks: int
    ids: tuple[str, ...] = ()


def slurm_jobs(out: str | Path, options: SlurmOptions | None = None) -> SlurmJobs:
    """Write the scripts of a job array over the movies of a batch; submit nothing.

    Parameters
    ----------
    out : path
    options : SlurmOptions, optional

    Raises
    ------
    SettingsError
        If there is no batch, the array is too large, or its folder has a name SLURM can't take.
    """
    options = options or SlurmOptions()
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    n_tasks = _n_tasks(manifest, options)
    logs = _logs(folder)
    at_once = f"%{options.n_at_once}" if options.n_at_once else ""
    array = [f"--array=1-{n_tasks}{at_once}", f"--output={_quoted(logs, '%A_%a')}"]
    last = [f"--output={_quoted(logs, '%j')}"]
    common = _common_lines(manifest, folder, n_tasks, options)
    return SlurmJobs(
        _script([*array, *common], folder, f'"$SLURM_ARRAY_TASK_ID/{n_tasks}"', options),
        _script([*last, *common], folder, "1/1", options),
        n_tasks,
    )


def submit_to_slurm(out: str | Path, options: SlurmOptions | None = None) -> SlurmJobs:
    """Submit a job array, and a last job that starts after its end, however that came.

    Submitting again is safe: finished studies are left alone.

    Raises
    ------
    SettingsError
        As `slurm_jobs`.
    QueueError
        If there is no SLURM, or it refuses.
    """
    jobs = slurm_jobs(out, options)
    _logs(BatchFolder.at(out)).mkdir(exist_ok=True)
    array = _sbatch(jobs.array)
    last = _sbatch(jobs.last, f"--dependency=afterany:{array}")
    return replace(jobs, ids=(array, last))


def predict_task_mb(manifest: Manifest, options: SlurmOptions) -> float:
    """Return what a task of so many workers asks for."""
    largest_mb = max((entry.memory_mb for entry in manifest.movies), default=0.0)
    return options.memory_mb or BASE_MB + MEMORY_MARGIN * options.n_cpus * largest_mb


def find_program() -> str:
    """Return the path of the command ``umlpsd`` that this Python has."""
    beside = Path(sys.executable).with_name("umlpsd")
    found = str(beside) if beside.exists() else shutil.which("umlpsd")
    if found is None:
        raise QueueError(
            f"no program umlpsd is beside {sys.executable} for the jobs to call; install the "
            "package there"
        )
    return found


def _n_tasks(manifest: Manifest, options: SlurmOptions) -> int:
    most = min(_max_array_size() - 1, max(1, len(manifest.movies)))
    if options.n_tasks is None:
        seconds = sum(entry.duration_s for entry in manifest.movies)
        return max(1, min(most, math.ceil(seconds / (TASK_S * options.n_cpus))))
    if options.n_tasks > most:
        raise SettingsError(
            f"{options.n_tasks} tasks are too many: there are {len(manifest.movies)} movies and "
            f"SLURM's MaxArraySize is {_max_array_size()}; give --tasks {most} or fewer (a task "
            "takes every n-th movie)"
        )
    return options.n_tasks


def _max_array_size() -> int:
    try:
        found = subprocess.run(
            ("scontrol", "show", "config"), capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return MAX_ARRAY_SIZE
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", found.stdout, re.MULTILINE)
    return int(match[1]) if match else MAX_ARRAY_SIZE


def _common_lines(
    manifest: Manifest, folder: BatchFolder, n_tasks: int, options: SlurmOptions
) -> list[str]:
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in folder.root.name)
    lines = [
        f"--job-name=umlpsd-{name[:40]}",
        f"--time={options.time_min or _time_min(manifest, n_tasks, options)}",
        f"--mem={math.ceil(predict_task_mb(manifest, options))}M",
        f"--cpus-per-task={options.n_cpus}",
        # to the shell, which passes it on: the steps of a job would get it without B
        f"--signal=B:USR1@{options.warn_s}",
        "--open-mode=append",
        "--requeue" if options.requeue else "--no-requeue",
    ]
    asked = {"partition": options.partition, "account": options.account, "gres": options.gres}
    return [*lines, *(f"--{name}={value}" for name, value in asked.items() if value)]


def _time_min(manifest: Manifest, n_tasks: int, options: SlurmOptions) -> int:
    movies = manifest.movies
    longest_s = max(sum(e.duration_s for e in movies[i::n_tasks]) for i in range(n_tasks))
    minutes = TIME_MARGIN * longest_s / options.n_cpus / 60
    return max(LEAST_MIN, math.ceil(minutes + options.warn_s / 60))


def _script(lines: list[str], folder: BatchFolder, shard: str, options: SlurmOptions) -> str:
    """Return a script that runs a share of the batch and asks to go on when its time is up."""
    head = "\n".join(f"#SBATCH {line}" for line in lines)
    # with cards there is a worker each
    workers = "" if options.gres else f" --workers {options.n_cpus}"
    limit = "" if options.limit_s is None else f" --limit-s {options.limit_s}"
    command = (
        f"{shlex.quote(find_program())} batch run {shlex.quote(str(folder.root))} --shard {shard}"
    )
    return SCRIPT.format(
        head=head,
        command=command + workers + limit,
        most=MOST_REQUEUES if options.requeue else 0,
    )


SCRIPT = """\
#!/bin/bash
{head}
# Made by 'umlpsd batch submit'. May be submitted again: finished studies are left alone.
{command} &
runner=$!
trap 'kill -USR1 "$runner"' USR1
trap 'kill -TERM "$runner"' TERM
# a signal ends the waiting, not the runner
until wait "$runner"; code=$?; ! kill -0 "$runner" 2>/dev/null; do :; done
case "$code" in
137 | 138) # killed, or the time is up
    if [ "${{SLURM_RESTART_COUNT:-0}}" -lt {most} ]; then
        scontrol requeue \
"${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}"
    fi ;;
esac
exit "$code"
"""


def _logs(folder: BatchFolder) -> Path:
    return refuse_links(folder.root, folder.root / "logs")


def _quoted(logs: Path, name: str) -> str:
    """Return the path of a log as a line #SBATCH takes it; ``name`` keeps its percent signs."""
    text = str(logs)
    if not text.isprintable() or set(text) & set("\"'\\"):
        raise SettingsError(
            f"{text!r} holds quotes, backslashes or line breaks, which SLURM can't take in the "
            "name of a log; give the batch another folder"
        )
    return f'"{text.replace("%", "%%")}/{name}.txt"'


def _sbatch(script: str, *options: str) -> str:
    """Submit a script; return the number of the job."""
    try:
        found = subprocess.run(
            ("sbatch", "--parsable", *options),
            input=script,
            capture_output=True,
            text=True,
            timeout=120,
            # a job of ours must not take the limits of the one that it may be submitted from
            env={k: v for k, v in os.environ.items() if not k.startswith(("SBATCH_", "SLURM_"))}
            | {k: v for k, v in os.environ.items() if k in ("SLURM_CONF", "SLURM_CLUSTERS")},
        )
    except FileNotFoundError as error:
        raise QueueError(
            "there is no sbatch here: submit from a login node of the cluster, or use --print and "
            "carry the script there"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise QueueError("sbatch gave no answer in 120 s; look at SLURM with sinfo") from error
    if found.returncode:
        raise QueueError(f"sbatch refused the job: {found.stderr.strip() or found.returncode}")
    return found.stdout.strip().split(";")[0]
