"""Run a batch on SLURM: an array of runners, and a last runner for what they have left."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from umlpsd_gpu.batch.entries import Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.launchers.slurm_options import QueueError, SlurmOptions
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.json_files import refuse_links

__all__ = [
    "QueueError",
    "SlurmJobs",
    "SlurmOptions",
    "find_program",
    "predict_task_mb",
    "slurm_jobs",
    "submit_to_slurm",
]

# Aim for the duration of a task: queues prefer tasks of minutes to hours [I]
TASK_S = 600.0
# Predictions are for 100 emitters and one machine; a job that is too short is requeued [I]
TIME_MARGIN, LEAST_MIN = 4.0, 15
MEMORY_MARGIN, BASE_MB = 1.5, 1000.0
MAX_ARRAY_SIZE = 1001  # SLURM's default: the largest index is one less
MOST_REQUEUES = 20  # an input longer than the time of its job would be requeued forever [I]


@dataclass(frozen=True)
class SlurmJobs:
    """The scripts of a batch, and the jobs made from them.

    Attributes
    ----------
    array, last : str
        Scripts for sbatch: the array, and a runner that starts after its end and does the rest.
    n_tasks : int
    ids : tuple of str
        Of the array and of the last job; empty if nothing was submitted.
    """

    array: str
    last: str
    n_tasks: int
    ids: tuple[str, ...] = ()


def slurm_jobs(out: str | Path, options: SlurmOptions | None = None) -> SlurmJobs:
    """Return the scripts of a job array over the inputs of a batch; submit nothing.

    Parameters
    ----------
    out : path
        Folder of the batch.
    options : SlurmOptions, optional

    Returns
    -------
    SlurmJobs

    Raises
    ------
    SettingsError
        If there is no batch, the array is too large, or SLURM can't handle the folder's name.
    """
    options = options or SlurmOptions()
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    n_tasks = _choose_n_tasks(manifest, options)
    logs = _get_logs(folder)
    at_once = f"%{options.n_at_once}" if options.n_at_once else ""
    array = [f"--array=1-{n_tasks}{at_once}", f"--output={_quote(logs, '%A_%a')}"]
    last = [f"--output={_quote(logs, '%j')}"]
    common = _write_common_lines(manifest, folder, n_tasks, options)
    return SlurmJobs(
        _write_script([*array, *common], folder, f'"$SLURM_ARRAY_TASK_ID/{n_tasks}"', options),
        _write_script([*last, *common], folder, "1/1", options),
        n_tasks,
    )


def submit_to_slurm(out: str | Path, options: SlurmOptions | None = None) -> SlurmJobs:
    """Submit a job array, and a last job that starts after its end, also if tasks have failed.

    Submitting again is safe: finished results are not computed again.

    Parameters
    ----------
    out : path
        Folder of the batch.
    options : SlurmOptions, optional

    Returns
    -------
    SlurmJobs

    Raises
    ------
    SettingsError
        As `slurm_jobs`.
    QueueError
        If there is no SLURM, or it refuses the jobs.
    """
    jobs = slurm_jobs(out, options)
    _get_logs(BatchFolder.at(out)).mkdir(exist_ok=True)
    array = _sbatch(jobs.array)
    last = _sbatch(jobs.last, f"--dependency=afterany:{array}")
    return replace(jobs, ids=(array, last))


def predict_task_mb(manifest: Manifest, options: SlurmOptions) -> float:
    """Predict the memory of a task with one worker per core.

    Parameters
    ----------
    manifest : Manifest
    options : SlurmOptions
        Their ``memory_mb`` replaces the prediction.

    Returns
    -------
    float
        In MB.
    """
    largest_mb = max((entry.memory_mb for entry in manifest.movies), default=0.0)
    return options.memory_mb or BASE_MB + MEMORY_MARGIN * options.n_cpus * largest_mb


def find_program() -> str:
    """Find the command ``umlpsd`` of this Python.

    Returns
    -------
    str
        Its path.

    Raises
    ------
    QueueError
        If there is none.
    """
    neighbour = Path(sys.executable).with_name("umlpsd")
    path = str(neighbour) if neighbour.exists() else shutil.which("umlpsd")
    if path is None:
        raise QueueError(
            f"there is no program umlpsd next to {sys.executable} for the jobs to call; install "
            "the package there"
        )
    return path


def _choose_n_tasks(manifest: Manifest, options: SlurmOptions) -> int:
    most = min(_read_max_array_size() - 1, max(1, len(manifest.movies)))
    if options.n_tasks is None:
        seconds = sum(entry.duration_s for entry in manifest.movies)
        return max(1, min(most, math.ceil(seconds / (TASK_S * options.n_cpus))))
    if options.n_tasks > most:
        raise SettingsError(
            f"{options.n_tasks} tasks are too many: there are {len(manifest.movies)} "
            f"{manifest.analysis.inputs} and SLURM's MaxArraySize is {_read_max_array_size()}; "
            f"give --tasks {most} or fewer (each task takes every n-th)"
        )
    return options.n_tasks


def _read_max_array_size() -> int:
    try:
        found = subprocess.run(
            ("scontrol", "show", "config"), capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return MAX_ARRAY_SIZE
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", found.stdout, re.MULTILINE)
    return int(match[1]) if match else MAX_ARRAY_SIZE


def _write_common_lines(
    manifest: Manifest, folder: BatchFolder, n_tasks: int, options: SlurmOptions
) -> list[str]:
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in folder.root.name)
    lines = [
        f"--job-name=umlpsd-{name[:40]}",
        f"--time={options.time_min or _predict_time_min(manifest, n_tasks, options)}",
        f"--mem={math.ceil(predict_task_mb(manifest, options))}M",
        f"--cpus-per-task={options.n_cpus}",
        # B: to the shell, which passes it on, not to the steps of the job
        f"--signal=B:USR1@{options.warn_s}",
        "--open-mode=append",
        "--requeue" if options.requeue else "--no-requeue",
    ]
    requests = {"partition": options.partition, "account": options.account, "gres": options.gres}
    return [*lines, *(f"--{name}={value}" for name, value in requests.items() if value)]


def _predict_time_min(manifest: Manifest, n_tasks: int, options: SlurmOptions) -> int:
    inputs = manifest.movies
    longest_s = max(sum(e.duration_s for e in inputs[i::n_tasks]) for i in range(n_tasks))
    minutes = TIME_MARGIN * longest_s / options.n_cpus / 60
    return max(LEAST_MIN, math.ceil(minutes + options.warn_s / 60))


def _write_script(lines: list[str], folder: BatchFolder, shard: str, options: SlurmOptions) -> str:
    """Return a script that runs a share of the batch and is requeued when its time ends."""
    head = "\n".join(f"#SBATCH {line}" for line in lines)
    # with GPUs there is one worker per GPU
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
# Made by 'umlpsd batch submit'. May be submitted again: finished results are kept.
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


def _get_logs(folder: BatchFolder) -> Path:
    return refuse_links(folder.root, folder.root / "logs")


def _quote(logs: Path, name: str) -> str:
    """Return the path of a log for a line #SBATCH; ``name`` keeps its percent signs."""
    text = str(logs)
    if not text.isprintable() or set(text) & set("\"'\\"):
        raise SettingsError(
            f"{text!r} contains quotes, backslashes or line breaks, which SLURM can't handle in "
            "the name of a log; give the batch another folder"
        )
    return f'"{text.replace("%", "%%")}/{name}.txt"'


def _sbatch(script: str, *options: str) -> str:
    """Submit a script; return the number of the job."""
    try:
        answer = subprocess.run(
            ("sbatch", "--parsable", *options),
            input=script,
            capture_output=True,
            text=True,
            timeout=120,
            # a new job must not inherit the limits of the job it may be submitted from
            env={k: v for k, v in os.environ.items() if not k.startswith(("SBATCH_", "SLURM_"))}
            | {k: v for k, v in os.environ.items() if k in ("SLURM_CONF", "SLURM_CLUSTERS")},
        )
    except FileNotFoundError as error:
        raise QueueError(
            "there is no sbatch here: submit from a login node of the cluster, or use --print and "
            "copy the script there"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise QueueError("sbatch did not answer within 120 s; check SLURM with sinfo") from error
    if answer.returncode:
        raise QueueError(f"sbatch refused the job: {answer.stderr.strip() or answer.returncode}")
    return answer.stdout.strip().split(";")[0]
