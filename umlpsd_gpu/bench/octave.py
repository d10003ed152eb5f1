"""The paper's protocol under GNU Octave, the closest free replacement for the authors' MATLAB.

Our script in this folder calls Octave's ``kmeans`` and ``silhouette`` (package ``statistics``). A
benchmark without Octave leaves out this row.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from umlpsd_gpu.bench.paper_protocol import ALL, K_MAX, METRICS, Labelled, ProtocolRun
from umlpsd_gpu.errors import DeviceError

SCRIPT = Path(__file__).with_name("paper_protocol.m")
INSTALL = "install GNU Octave and its package 'statistics'"
MOST_S = 1800.0


@cache
def octave_version() -> str | None:
    """Return the versions of Octave and of its package statistics; None if either is missing."""
    if octave_command() is None:
        return None
    ask = "pkg load statistics; p = pkg ('list', 'statistics'); printf ('%s, statistics %s', "
    ask += "version (), p{1}.version);"
    answer = _octave(["--eval", ask], 60)
    return f"Octave {answer.stdout.strip()}" if answer.returncode == 0 else None


def octave_command() -> str | None:
    """Return the path of Octave, without checking whether it works; None if there is none."""
    return shutil.which("octave-cli") or shutil.which("octave")


def octave_runs(
    values: np.ndarray,
    n_epochs: int = 1,
    k_max: int = K_MAX,
    seed: int = 0,
    metrics: Sequence[str] = METRICS,
) -> ProtocolRun:
    """Run the protocol of `separate_runs` under Octave.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
        Finite.
    n_epochs, k_max : int
    seed : int
        Of Octave's random numbers.
    metrics : sequence of str
        Some of `METRICS`.

    Returns
    -------
    ProtocolRun
        Timed by Octave around its loops, without starting it and without reading files.

    Raises
    ------
    DeviceError
        If Octave is missing or its script fails.
    """
    from scipy.io import loadmat, savemat

    with tempfile.TemporaryDirectory(prefix="umlpsd_octave_") as folder:
        given, found = (str(Path(folder) / name) for name in ("given.mat", "found.mat"))
        # as float64, since Octave's integer division rounds
        numbers = {"n_epochs": float(n_epochs), "k_max": float(k_max), "seed": float(seed)}
        savemat(given, {"values": values, "metrics": np.array(metrics, dtype=object), **numbers})
        done = _octave([str(SCRIPT), given, found], MOST_S)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise DeviceError(f"Octave failed ({last}); {INSTALL}, or use --quick")
        return _read(loadmat(found), k_max, metrics)


def _read(found: dict[str, np.ndarray], k_max: int, metrics: Sequence[str]) -> ProtocolRun:
    n_epochs = int(found["n_epochs"].item())
    seconds = {metric: float(found[f"seconds_{metric}"].item()) for metric in metrics}
    labelled = {}
    for metric in metrics:
        first = 1 if metric == "SSD" else 2
        shape = k_max - first + 1, n_epochs
        # Octave's labels are (n_traces, n_k × n_epochs), epochs running fastest, from 1
        labels = found[f"labels_{metric}"].T.reshape(*shape, -1).astype(np.int16) - 1
        values = found[f"values_{metric}"].reshape(shape)
        labelled[metric] = Labelled(np.arange(first, k_max + 1), labels, values)
    seconds[ALL] = sum(seconds.values())
    return ProtocolRun(seconds, n_epochs, labelled, lone_silhouette=1.0, candidates=1)


def _octave(arguments: list[str], most_s: float) -> subprocess.CompletedProcess[str]:
    command = octave_command()
    if command is None:
        raise DeviceError(f"Octave is not installed; {INSTALL}, or use --quick")
    try:
        return subprocess.run(
            [command, "--quiet", "--no-gui", *arguments],
            capture_output=True,
            text=True,
            timeout=most_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"Octave ran for more than {most_s:.0f} s; use --quick") from error
