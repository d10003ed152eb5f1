"""The contenders of the claim table on this machine, and those that are missing."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.bench.claim import N_EPOCHS, SCALES, Contender
from umlpsd_gpu.bench.octave import octave_runs, octave_version
from umlpsd_gpu.bench.paper_protocol import K_MAX, ProtocolRun, separate_runs, shared_partitions
from umlpsd_gpu.compute.backend import gpu_missing
from umlpsd_gpu.kmeans.cuml import cuml_version
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import sweep

PROTOCOL = "(a) paper's protocol, scikit-learn"
LOOP = "(b) scikit-learn loop, shared partitions"
BATCHED_CPU = "(c) batched, CPU"
BATCHED_GPU = "(d) batched, GPU"
CUML = "(e) cuML, GPU"
OCTAVE = "paper's protocol, Octave"

# short traces take a hundredth of the time; more epochs per round make it last a second
PROTOCOL_EPOCHS = {"raw": 1, "WL6": 1, "W80": 10}
LOOP_EPOCHS = {"raw": 1, "WL6": 1, "W80": 20}
# with only the one epoch that is timed on raw traces, a single bad start would decide
N_OCTAVE_JUDGED = 30
ALL_EPOCHS = dict.fromkeys(SCALES, N_EPOCHS)
CUML_EPOCHS = dict.fromkeys(SCALES, 10)
N_REPEATS_OF_OURS = 9


def find_contenders(
    k_max: int = K_MAX, quick: bool = False
) -> tuple[list[Contender], dict[str, str]]:
    """Return the contenders that can run here, and the reason for each that can't.

    Parameters
    ----------
    k_max : int
    quick : bool
        Leave out Octave, which takes minutes.

    Returns
    -------
    contenders : list of Contender
    missing : dict of str to str
    """

    # scikit-learn gives each thread 256 traces, so that 204 use one thread. A second, idle thread
    # did not make it faster, but up to four times slower while other processes ran
    def protocol(values: np.ndarray, n_epochs: int, seed: int) -> ProtocolRun:
        with threadpool_limits(limits=1):
            return separate_runs(values, n_epochs, seed, k_max)

    def loop(values: np.ndarray, n_epochs: int, seed: int) -> ProtocolRun:
        with threadpool_limits(limits=1):
            return shared_partitions(values, n_epochs, seed, k_max)

    def batched(values: np.ndarray, n_epochs: int, seed: int) -> Sweep:
        return sweep(values, range(1, k_max + 1), n_epochs)

    contenders = [
        Contender(PROTOCOL, protocol, PROTOCOL_EPOCHS),
        Contender(LOOP, loop, LOOP_EPOCHS),
        Contender(BATCHED_CPU, batched, ALL_EPOCHS, N_REPEATS_OF_OURS, ours=True),
    ]
    missing = _add_gpu(contenders, k_max)
    if quick:
        missing[OCTAVE] = "not run with --quick"
    elif octave_version() is None:
        missing[OCTAVE] = "GNU Octave with its package 'statistics' is not installed"
    else:

        def octave(values: np.ndarray, n_epochs: int, seed: int) -> ProtocolRun:
            return octave_runs(values, n_epochs, k_max, seed)

        def more(values: np.ndarray, seed: int) -> ProtocolRun:
            return octave_runs(values, N_OCTAVE_JUDGED, k_max, seed, ["SSD"])

        contenders.append(Contender(OCTAVE, octave, PROTOCOL_EPOCHS, n_rounds=1, more=more))
    return contenders, missing


def _add_gpu(contenders: list[Contender], k_max: int) -> dict[str, str]:
    """Add contenders that run on a GPU; return those that can't, and why."""
    reason = gpu_missing()
    if reason:
        return {BATCHED_GPU: reason, CUML: reason}

    # includes the transfer of traces to the GPU and of results back to the host
    def batched(values: np.ndarray, n_epochs: int, seed: int) -> Sweep:
        on_device = import_module("cupy").asarray(values)
        return sweep(on_device, range(1, k_max + 1), n_epochs, engine="batched")

    contenders.append(Contender(BATCHED_GPU, batched, ALL_EPOCHS, N_REPEATS_OF_OURS, ours=True))
    if cuml_version() is None:
        return {CUML: "cuML is not installed"}

    def cuml(values: np.ndarray, n_epochs: int, seed: int) -> Sweep:
        on_device = import_module("cupy").asarray(values)
        return sweep(on_device, range(1, k_max + 1), n_epochs, engine="cuml")

    contenders.append(Contender(CUML, cuml, CUML_EPOCHS))
    return {}
