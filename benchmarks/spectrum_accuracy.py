"""How far β is from the truth, by estimator, model, exponent, white floor and length.

With many more traces and with coverage: benchmarks/decision/beta.py. Run from the repository root;
takes about a minute:

    python benchmarks/spectrum_accuracy.py > benchmarks/results/spectrum_accuracy.md
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

import numpy as np
import scipy

from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.fit import MODELS, fit_power_law
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.spectrum.whittle_fit import AUTO
from umlpsd_gpu.traces.traces import Traces

N_TRACES, DT_S, SEED = 100, 0.03, 1
BETAS = (0.0, 0.5, 1.0, 1.5, 2.0)
FLOORS = (0.0, 0.1, 0.3)
LENGTHS = (10_000, 1_000)
FITS = (
    ("power_law", "least_squares"),
    ("power_law", "whittle"),
    ("power_law_floor", "whittle"),
)


def noise_with_floor(beta: float, floor: float, n_frames: int) -> Traces:
    """Simulate traces of variance 1, the share ``floor`` of it white."""
    noise = simulate_power_law_noise(beta, N_TRACES, n_frames, DT_S, seed=SEED)
    slow = noise.values / noise.values.std(axis=1, keepdims=True)
    white = np.random.default_rng(SEED).normal(size=slow.shape)
    values = np.sqrt(1 - floor) * slow + np.sqrt(floor) * white
    return noise.with_values(values, f"white floor, {100 * floor:g} % of the variance")


def accuracy_rows(n_frames: int) -> Iterator[str]:
    """Yield bias and scatter of β for each exponent, floor and estimator."""
    for beta in BETAS:
        for floor in FLOORS if beta else (0.0,):
            traces = noise_with_floor(beta, floor, n_frames)
            for method in METHODS:
                spectrum = power_spectrum(traces, method)
                cells = [f"{beta:g}", f"{100 * floor:g} %", method]
                for model, fitting in FITS:
                    cells += accuracy(spectrum, model, fitting, beta)
                yield "| " + " | ".join(cells) + " |"


def accuracy(spectrum: Spectrum, model: str, fitting: str, beta: float) -> list[str]:
    """Return bias, scatter, and scatter over standard error of β as cells of a row."""
    fit = fit_power_law(spectrum, model=model, fitting=fitting)
    found = np.isfinite(fit.beta)
    if found.mean() < 0.5:  # with a floor in the model, white noise has no slope
        return ["–"] * 3
    scatter = fit.beta[found].std(ddof=1)
    ratio = scatter / np.median(fit.beta_stderr[found])
    return [f"{fit.beta[found].mean() - beta:+.3f}", f"{scatter:.3f}", f"{ratio:.1f}"]


def speed_rows() -> Iterator[str]:
    """Yield the times of spectra and fits."""
    noise = simulate_power_law_noise(1.0, 204, 10_000, DT_S, seed=SEED)
    for method in METHODS:
        power_spectrum(noise, method)
        start = time.perf_counter()
        spectrum = power_spectrum(noise, method)
        seconds = [time.perf_counter() - start]
        for model in (*MODELS, AUTO):  # the first also works out what the estimator does
            start = time.perf_counter()
            fit_power_law(spectrum, model=model)
            seconds.append(time.perf_counter() - start)
        cells = [method, str(len(spectrum.freqs_hz)), *(f"{s:.3f}" for s in seconds)]
        yield "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the tables of accuracy and speed."""
    print("# Accuracy of β\n")
    print(
        f"f^(−β) noise plus a white floor (share of the variance), {N_TRACES} traces each, dt "
        f"{DT_S} s, seed {SEED}, all frequencies fitted. Bias: mean β less the truth. Scatter: "
        "standard deviation of β over the traces. Ratio: scatter over the median `beta_stderr`; "
        "1 where the standard error is right. –: less than half of the traces have a β. Made "
        "by `benchmarks/spectrum_accuracy.py` with Python "
        f"{platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}.\n"
    )
    for n_frames in LENGTHS:
        print(f"## {n_frames} frames\n")
        heads = [f"{model}, {fitting}: bias | scatter | ratio" for model, fitting in FITS]
        print(f"| β | floor | estimator | {' | '.join(heads)} |")
        print("|" + "---|" * (3 + 3 * len(FITS)))
        print("\n".join(accuracy_rows(n_frames)), end="\n\n")
    print("## Seconds for 204 traces of 10,000 frames\n")
    print(f"| estimator | frequencies | spectrum | {' | '.join((*MODELS, AUTO))} |")
    print("|" + "---|" * (4 + len(MODELS)))
    print("\n".join(speed_rows()))


if __name__ == "__main__":
    main()
