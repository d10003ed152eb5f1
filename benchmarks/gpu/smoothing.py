"""Binning, scaling and wavelets of many traces, against the bytes that have to move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu import card, ceilings, clock, wavelet
from gpu.ensembles import N_BASES, power_law_noise, spread
from gpu.proof import Proof
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.preprocessing.gpu import bin_minmax, dwt_approximation, minmax
from umlpsd_gpu.preprocessing.normalise import minmax as minmax_on_host

N_FULL, N_FRAMES = 100_000, 6_000
N_CHECKED = 100
FRAMES_PER_BIN, LEVEL = 80, 6
CLOSE = 1e-11


def run(proof: Proof) -> None:
    """Check some rows, then time."""
    cupy, n_frames = proof.cupy, proof.size(N_FRAMES, 330)
    # the counts, the smoothed curves and the scaled ones in float64
    n_traces = card.that_fit(proof.size(N_FULL, 10), 24 * n_frames)
    bases = cupy.asarray(power_law_noise(proof.size(N_BASES, 20), n_frames))
    rows, gaps = [], []
    for dtype in ("uint16", "float32"):
        values = spread(cupy, bases, n_traces, dtype)
        for name, work, twin in _operations(proof):
            gaps.append(_gap(proof, values, work, twin))
            if gaps[-1] > CLOSE:
                proof.note(f"{name} of {dtype} is wrong by {gaps[-1]:.1e}: its time doesn't count")
                continue
            rows.append(_row(proof, name, values, work))
    proof.judge("smoothing", f"{max(gaps):.1e}", max(gaps) <= CLOSE)
    if not card.is_installed("pywt"):
        proof.note("PyWavelets is not installed: db4 was compared with a transform in plain NumPy")
    columns = ("what", "counts", "traces × frames", "time", "must move", "of copy")
    proof.table("Smoothing on the device", columns, rows)


def _operations(
    proof: Proof,
) -> tuple[tuple[str, Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]], ...]:
    """Return names, functions on the device, and their twins on the host."""
    level = proof.size(LEVEL, 3)

    def waves(values: Any) -> Any:
        return dwt_approximation(values, level, wavelet.DEC_LO, wavelet.REC_LO)

    return (
        (
            f"bins of {FRAMES_PER_BIN} and scaling",
            lambda values: bin_minmax(values, FRAMES_PER_BIN),
            lambda values: minmax_on_host(bin_mean(values, FRAMES_PER_BIN)),
        ),
        ("scaling alone", minmax, minmax_on_host),
        (
            f"db4, level {level}, and scaling",
            lambda values: minmax(waves(values)),
            lambda values: minmax_on_host(_approximation(values, level)),
        ),
        (f"db4, level {level}, alone", waves, lambda values: _approximation(values, level)),
    )


def _approximation(values: np.ndarray, level: int) -> np.ndarray:
    if not card.is_installed("pywt"):
        return wavelet.approximation(values, level)
    from umlpsd_gpu.preprocessing.wavelet import wavelet_approximation

    return wavelet_approximation(values, level)


def _gap(
    proof: Proof,
    values: Any,
    work: Callable[[Any], Any],
    twin: Callable[[np.ndarray], np.ndarray],
) -> float:
    """Return how far some rows are from the CPU's, in units of the curves' largest value."""
    cupy = proof.cupy
    chosen = np.unique(np.linspace(0, len(values) - 1, N_CHECKED).astype(np.int64))
    at = cupy.asarray(chosen)
    found = cupy.asnumpy(work(values).take(at, axis=0))
    expected = twin(cupy.asnumpy(values.take(at, axis=0)))
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _row(proof: Proof, name: str, values: Any, work: Callable[[Any], Any]) -> tuple[str, ...]:
    n_bytes = values.nbytes + work(values).nbytes
    timing = clock.on_device(proof, lambda: work(values))
    share = n_bytes / timing.seconds / ceilings.of(proof, "copy")
    size = f"{values.shape[0]} × {values.shape[1]}"
    moved = f"{n_bytes / 1e9:.3g} GB"
    return (name, str(values.dtype), size, str(timing), moved, f"{100 * share:.0f} %")
