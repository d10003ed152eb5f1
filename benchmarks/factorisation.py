"""Fits, numbers of components, errors, time and memory of factorisations of known truth.

    python benchmarks/factorisation.py --out benchmarks/results/factorisation.md

Numbers of components are judged on simulated spectrum images of four smoothnesses of the maps; the
odds in factorisation/rank_of_counts.py were fitted to others of the same kind (seeds 10, 11, 12).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import NMF
from threadpoolctl import threadpool_limits

from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.factorisation.factorise import (
    FactorisationOptions,
    factorise,
    factorise_subspace,
    polish_factorisation,
    sweep_components,
)
from umlpsd_gpu.factorisation.rank_of_counts import decide_rank_of_counts
from umlpsd_gpu.factorisation.subspace import project
from umlpsd_gpu.factorisation.uncertainty import bound_components

COUNTS = FactorisationOptions(loss="poisson", scaling="keenan_kotula")
SMOOTHNESS = {"pixels": 0.3, "fine": 1.0, "medium": 4.0, "coarse": 8.0}


def main() -> None:
    """Measure and write the report; or measure one process for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--process", choices=("time", "memory"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        print(json.dumps(measure_time() if options.process == "time" else measure_memory()))
        return
    lines = list(report(options.seeds))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def spectrum_image(
    k: int, counts: float, seed: int, smoothness: float, size: int = 48, n_channels: int = 512
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts of k components with 2 to 5 lines on a background, their maps and spectra."""
    rng = np.random.default_rng([seed, k, int(counts)])
    maps, spectra = expectation(rng, k, counts, smoothness, size, n_channels)
    return rng.poisson(maps @ spectra).astype(np.uint16), maps, spectra


def expectation(
    rng: np.random.Generator, k: int, counts: float, smoothness: float, size: int, n_channels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return maps and spectra."""
    energies = 0.1 + 0.02 * np.arange(n_channels)
    background = np.exp(-energies / 3) * (1 - np.exp(-2 * energies))
    components = []
    for _ in range(k):
        lines = np.zeros(n_channels)
        for _ in range(rng.integers(2, 6)):
            centre = rng.uniform(0.3, 0.9 * energies[-1])
            width = 0.6 * np.sqrt(0.05**2 + 0.0025 * centre)
            lines += rng.uniform(0.2, 1) * np.exp(-0.5 * ((energies - centre) / width) ** 2)
        components.append(0.4 * background / background.sum() + 0.6 * lines / lines.sum())
    fields = gaussian_filter(
        rng.normal(size=(k, size, size)), (0, smoothness, smoothness), mode="wrap"
    )
    shares = np.exp(2 * fields / fields.std(axis=(1, 2), keepdims=True))
    maps = counts * (shares / shares.sum(axis=0)).reshape(k, -1).T
    spectra = np.array(components)
    spectra /= spectra.sum(axis=1, keepdims=True)
    return maps, spectra


def measure_fits() -> Iterator[tuple[float, float, float]]:
    """Yield objective over the best of 30 long runs, minus 1; and changes by the unit of data."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        k = int(rng.integers(2, 8))
        n_samples, n_features = int(rng.integers(100, 900)), int(rng.integers(60, 600))
        matrix = rng.gamma(0.5, size=(n_samples, k)) @ rng.gamma(0.3, size=(k, n_features))
        matrix *= rng.gamma(20, 1 / 20, size=matrix.shape)
        found = factorise(matrix, k)
        error = np.linalg.norm(matrix - found.maps @ found.components) ** 2
        best = min(_long_run(matrix, k, run) for run in range(30))
        changes = []
        for factor in (1e-6, 1e-3, 1e3, 1e6):
            scaled = factorise(matrix * factor, k)
            changes.append(
                np.abs(
                    scaled.components / found.components.max()
                    - found.components / found.components.max()
                ).max()
            )
        published = _relative_error_of_scikit_learn(matrix * 1e6, k)
        yield error / best - 1, max(changes), published / found.relative_error - 1


def _long_run(matrix: np.ndarray, k: int, seed: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NMF(k, init="random", random_state=seed, max_iter=2000, tol=1e-7)
        return float(model.fit(matrix / matrix.mean()).reconstruction_err_ * matrix.mean()) ** 2


def _relative_error_of_scikit_learn(matrix: np.ndarray, k: int) -> float:
    """Return the error of the call that HyperSpy makes."""
    model = NMF(k).fit(matrix)
    return float(model.reconstruction_err_ / np.linalg.norm(matrix))


def measure_ranks(smoothness: float, n_seeds: int) -> Iterator[dict]:
    """Yield what was decided of every cube."""
    for counts in (5, 20, 100, 400):
        for k in range(1, 7):
            for seed in range(n_seeds):
                cube, _, _ = spectrum_image(k, counts, seed, smoothness)
                found = decide_rank_of_counts(cube, (48, 48))
                elbow = _elbow(cube)
                yield {"k": k, "counts": counts, "elbow": elbow, "decision": found}


def _elbow(cube: np.ndarray) -> int:
    """Return the number of components by the elbow of the scree plot of unscaled data.

    The largest distance from the line between first and last of the log variances, of 20.
    """
    variances = np.log(np.linalg.svd(cube.astype(float), compute_uv=False)[:20] ** 2)
    line = np.linspace(variances[0], variances[-1], variances.size)
    return int(np.argmax(line - variances)) + 1


def measure_coverage() -> dict[str, float]:
    """Return how often 95 % intervals hold the truth, where components are pure somewhere."""
    inside: dict[str, list[np.ndarray]] = {"maps": [], "components": []}
    for seed in range(8):
        rng = np.random.default_rng([seed, 99])
        _, _, spectra = spectrum_image(3, 200, seed, 4.0)
        own = np.zeros_like(spectra)
        for number in range(3):
            own[number, 100 + 60 * number : 104 + 60 * number] = 0.05
        spectra = np.where(own.any(axis=0), own, spectra)
        spectra /= spectra.sum(axis=1, keepdims=True)
        shares = rng.dirichlet(np.full(3, 0.3), size=48 * 48)
        maps = 200 * shares
        counts = rng.poisson(maps @ spectra)
        found = factorise(counts, 3, COUNTS)
        bounds = bound_components(counts, found, project(counts, 19, "keenan_kotula"), COUNTS)
        order, _ = match(spectra, found.components)
        large = spectra > 0.05 * spectra.max()
        deviation = (found.components[order] - spectra)[large]
        error = bounds.component_errors[order][large]
        inside["components"].append(np.abs(deviation) < 1.96 * error)
        deviation, error = found.maps[:, order] - maps, bounds.map_errors[:, order]
        much = maps > 20
        inside["maps"].append((np.abs(deviation) < 1.96 * error)[much])
    return {name: float(np.concatenate(values).mean()) for name, values in inside.items()}


def measure_time() -> dict:
    """Factorise 128 × 128 × 1,024 into 1…8 components by 20 starts, with errors of the decided."""
    cube, _, _ = spectrum_image(4, 100, 0, 10.0, 128, 1024)
    with threadpool_limits(limits=1):
        steps, start = {}, time.process_time()

        def lap(name: str) -> None:
            nonlocal start
            now = time.process_time()
            steps[name], start = now - start, now

        k = decide_rank_of_counts(cube, (128, 128)).k or 1
        lap("number of components")
        subspace = project(cube, 24, "keenan_kotula")
        lap("singular vectors")
        sweep_components(subspace, 8, COUNTS)
        lap("K = 1…8, 20 starts each")
        found = polish_factorisation(cube, factorise_subspace(subspace, k, COUNTS), COUNTS)
        lap("decided K to convergence, Poisson")
        bound_components(cube, found, subspace, COUNTS)
        lap("errors, halves, equal fits")
        NMF(k).fit(cube.astype(float))
        lap("scikit-learn, one run as in HyperSpy")
    return {"steps": steps, "k": k, "converged": found.is_converged}


def measure_memory() -> dict:
    """Decide, factorise and bound 512 × 512 × 2,048 counts of 8 bits each."""
    rng = np.random.default_rng(0)
    maps, spectra = expectation(rng, 3, 100, 10.0, 512, 2048)
    cube = np.empty((512 * 512, 2048), np.uint8)
    for start in range(0, cube.shape[0], 4096):
        rows = slice(start, start + 4096)
        cube[rows] = rng.poisson(maps[rows] @ spectra)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start = time.process_time()
    k = decide_rank_of_counts(cube, (512, 512)).k or 1
    options = FactorisationOptions(loss="poisson", scaling="keenan_kotula", polish_iterations=20)
    subspace = project(cube, k + 16, "keenan_kotula")
    found = polish_factorisation(cube, factorise_subspace(subspace, k, options), options)
    bound_components(cube, found, subspace, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"k": k, "data_gb": before, "peak_gb": peak, "cpu_s": time.process_time() - start}


def _in_a_fresh_process(what: str) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--process", what], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def report(n_seeds: int) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "# Factorisations of known truth"
    yield ""
    yield (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores; made by "
        "`benchmarks/factorisation.py`."
    )
    fits = np.array(list(measure_fits()))
    yield ""
    yield "## Fits"
    yield ""
    yield "| 10 random problems, 100…900 × 60…600, K 2…7 | found | required |"
    yield "|---|---|---|"
    worst = fits[:, 0].max()
    yield f"| sum of squares above the best of 30 long runs, worst | {worst:+.4%} | 0.1 % |"
    yield (
        f"| change of a component by a factor of 1e-6…1e6, worst | {fits[:, 1].max():.1e} | 1e-6 |"
    )
    yield (
        "| error of scikit-learn's defaults (as HyperSpy calls it) on data × 1e6, above ours: "
        f"median, worst | {np.median(fits[:, 2]):+.1%}, {fits[:, 2].max():+.1%} | |"
    )
    yield ""
    yield "## Number of components"
    yield ""
    yield (
        f"48 × 48 × 512 counts, K 1…6, 5, 20, 100 and 400 counts a pixel, {n_seeds} seeds: "
        f"{24 * n_seeds} cubes for each smoothness of the maps. Required: 64 of 72 right, 72 "
        "within 1. The elbow is that of the unscaled scree plot."
    )
    yield ""
    yield (
        "| maps | right | within 1 | right, by counts a pixel 5, 20, 100, 400 | probability ≥ 0.9: "
        "right | not decided | single pixels | count splitting | elbow |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, smoothness in SMOOTHNESS.items():
        yield _row_of_ranks(name, list(measure_ranks(smoothness, n_seeds)))
    yield ""
    yield "## Errors"
    yield ""
    coverage = measure_coverage()
    yield (
        "Three components, each with channels of its own, 48 × 48 pixels of 200 counts, 8 seeds: "
        f"95 % intervals hold {coverage['maps']:.1%} of the map values above 20 counts and "
        f"{coverage['components']:.1%} of the elements of components above 5 % of the largest. "
        "Where no pixel and no channel is pure, the range of equal fits is larger than these "
        "errors."
    )
    yield ""
    yield "## Time and memory"
    yield ""
    timing = _in_a_fresh_process("time")
    ours = {name: s for name, s in timing["steps"].items() if "scikit" not in name}
    yield (
        f"128 × 128 × 1,024 counts on one thread: {sum(ours.values()):.1f} s of processor time "
        "(required 15 s): "
        + ", ".join(f"{name} {s:.1f} s" for name, s in timing["steps"].items())
        + f"; K = {timing['k']}, converged: {timing['converged']}. Load of the machine "
        f"{os.getloadavg()[0]:.1f}."
    )
    yield ""
    memory = _in_a_fresh_process("memory")
    yield (
        f"512 × 512 × 2,048 counts of 8 bits ({memory['data_gb']:.2f} GB when read): peak "
        f"{memory['peak_gb']:.2f} GB (required 4 GB), {memory['cpu_s']:.0f} s of processor time, "
        f"K = {memory['k']}."
    )


def _row_of_ranks(name: str, found: list[dict]) -> str:
    right = [each["decision"].k == each["k"] for each in found]
    near = [abs((each["decision"].k or 0) - each["k"]) <= 1 for each in found]
    by_counts = [
        sum(r for r, each in zip(right, found, strict=True) if each["counts"] == counts)
        for counts in (5, 20, 100, 400)
    ]
    sure = [r for r, e in zip(right, found, strict=True) if e["decision"].probability >= 0.9]
    undecided = sum(each["decision"].k is None for each in found)
    pixels, splitting = (
        sum(each["decision"].estimates[rule] == each["k"] for each in found)
        for rule in ("singular values", "count splitting")
    )
    elbow = sum(each["elbow"] == each["k"] for each in found)
    return (
        f"| {name} | {sum(right)} | {sum(near)} | {', '.join(map(str, by_counts))} | "
        f"{sum(sure)} of {len(sure)} | {undecided} | {pixels} | {splitting} | {elbow} |"
    )


if __name__ == "__main__":
    main()
