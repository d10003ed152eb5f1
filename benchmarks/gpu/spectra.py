"""Spectra and exponents of many traces, against the bytes that have to move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpu import card, ceilings, clock
from gpu.ensembles import N_BASES, power_law_noise, spread
from gpu.proof import Proof
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.estimators import power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.log_welch import log_grid
from umlpsd_gpu.traces.traces import Traces

METHODS = ("log_welch", "welch", "periodogram")
N_FULL, N_FRAMES = 100_000, 6_000
N_CHECKED = 300
# Both verbs fit the likelihood of every trace on the host, which takes far longer than the kernels
N_BY_VERBS = 2_000
DT_S = 0.03
REQUIRED_SHARE = 0.5
LARGEST_BETA_GAP = 1e-4
# of float32 counts: segments, their transforms and cuFFT's own room, one block of traces
BYTES_PER_FRAME = 24
LEAST_SECONDS = 5


def run(proof: Proof) -> None:
    """Check and time the three estimators on float32, then on other types of counts."""
    cupy = proof.cupy
    n_frames = proof.size(N_FRAMES, 330)
    n_traces = card.that_fit(proof.size(N_FULL, 30), BYTES_PER_FRAME * n_frames)
    bases = cupy.asarray(power_law_noise(proof.size(N_BASES, 20), n_frames))
    gaps, same, rows = [], True, []
    for dtype, n in (
        ("float32", n_traces),
        ("uint16", n_traces // 10),
        ("float64", n_traces // 10),
    ):
        traces = _placed(spread(cupy, bases, n, dtype))
        for method in METHODS:
            if not proof.rehearse and proof.seconds_left() < LEAST_SECONDS:
                proof.note(f"{method} of {dtype}: no time left")
                continue
            gap, is_same = _check(proof, traces, method)
            gaps.append(gap)
            same = same and is_same
            if gap > LARGEST_BETA_GAP or not is_same:
                proof.note(f"{method} of {dtype} is wrong (|Δβ| {gap:.1e}): its time doesn't count")
                continue
            row, share = _time(proof, traces, method)
            rows.append((*row, f"{gap:.1e}"))
            if dtype == "float32":
                held, full = share >= REQUIRED_SHARE, n_traces == N_FULL
                proof.judge(f"rate {method}", f"{100 * share:.0f} %, {row[5]}", held, full)
    proof.judge("beta", f"{max(gaps):.1e}", max(gaps) <= LARGEST_BETA_GAP)
    proof.judge("spectra bits", "the same" if same else "they differ", same)
    columns = ("method", "counts", "traces × frames", "PSD", "β", "together")
    more = ("must move", "of copy", "both verbs with likelihoods, once", "β max apart")
    proof.table("PSD and β on the device", (*columns, *more), rows)
    _log_welch_flops(proof, n_traces, n_frames, rows)


def _placed(values: Any) -> Traces:
    """Wrap traces that are on the device."""
    return Traces.without_place(values, DT_S)


def _check(proof: Proof, traces: Traces, method: str) -> tuple[float, bool]:
    """Return the largest |Δβ| to the CPU's float64, and whether two runs have the same bits."""
    cupy = proof.cupy
    spectra = [power_spectrum(traces, method) for _ in range(2)]
    ln_f = np.log(spectra[0].freqs_hz)
    betas = [device.power_law_fit(spectrum.psd, ln_f, 0)[0] for spectrum in spectra]
    same = betas[0].tobytes() == betas[1].tobytes()
    same = same and _same_on_device(cupy, spectra[0].psd, spectra[1].psd)
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(traces.n_traces, min(N_CHECKED, traces.n_traces), replace=False))
    counts = cupy.asnumpy(traces.values.take(cupy.asarray(chosen), axis=0)).astype(np.float64)
    expected = fit_power_law(power_spectrum(_placed(counts), method))
    return float(np.abs(betas[0][chosen] - expected.beta).max()), same


def _same_on_device(cupy: Any, one: Any, other: Any) -> bool:
    """Compare the bits of two arrays without bringing them down."""
    return bool((one.view("int64") == other.view("int64")).all())


def _time(proof: Proof, traces: Traces, method: str) -> tuple[tuple[str, ...], float]:
    """Return a row of the table and the share of the copy bandwidth."""
    spectrum = power_spectrum(traces, method)
    ln_f = np.log(spectrum.freqs_hz)
    psd_time = clock.on_device(proof, lambda: power_spectrum(traces, method))
    with _nothing_down(proof.cupy):
        fit_time = clock.on_device(proof, lambda: device.power_law_fit(spectrum.psd, ln_f, 0))
    some = _placed(traces.values[:N_BY_VERBS])
    by_wall_s, _ = clock.once(lambda: fit_power_law(power_spectrum(some, method)))
    seconds = psd_time.seconds + fit_time.seconds
    n_bytes = traces.values.nbytes + spectrum.psd.nbytes
    share = n_bytes / seconds / ceilings.of(proof, "copy")
    size = f"{traces.n_traces} × {traces.n_frames}"
    row = (method, str(traces.values.dtype), size, str(psd_time), str(fit_time))
    row += (clock.text(seconds), f"{n_bytes / 1e9:.3g} GB", f"{100 * share:.0f} %")
    row += (f"{clock.text(by_wall_s)} for {some.n_traces}",)
    return row, share


@contextmanager
def _nothing_down(cupy: Any) -> Iterator[None]:
    """Let the fit leave its results on the device: transfers are timed apart."""

    class LeftThere:
        asnumpy = staticmethod(lambda array: array)

        def __getattr__(self, name: str) -> Any:
            return getattr(cupy, name)

    real = device.xp_of
    device.xp_of = lambda *arrays: LeftThere()
    try:
        yield
    finally:
        device.xp_of = real


def _log_welch_flops(
    proof: Proof, n_traces: int, n_frames: int, rows: list[tuple[str, ...]]
) -> None:
    """Say how far log_welch's arithmetic alone is from its time."""
    if not any(row[:2] == ("log_welch", "float32") for row in rows):
        return
    n_freqs = len(log_grid(n_frames).windows)
    flops = 8.0 * n_traces * n_frames * n_freqs
    floor_s = flops / ceilings.of(proof, "float32")
    proof.note(
        f"log_welch of float32 does 4 multiply-adds for each trace, frame and frequency: "
        f"{flops / 1e12:.3g} Tflop at {n_freqs} frequencies, {clock.text(floor_s)} at the float32 "
        "ceiling of cuBLAS: arithmetic bounds it, not bytes"
    )
