"""Compositions of unmixed phases whose truth is known: wires of AuIn2 on InSb with carbon.

python benchmarks/spectrum_images.py --out benchmarks/results/spectrum_images.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu import SpectrumImage, run_spectrum_image
from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.factorisation.factorise import FactorisationOptions, factorise
from umlpsd_gpu.simulate.spectrum_images import SimulatedSpectrumImage, simulate_spectrum_image
from umlpsd_gpu.xrays.composition import Composition
from umlpsd_gpu.xrays.quantify import quantify_spectrum
from umlpsd_gpu.xrays.spectrum import XraySpectrum

# Atomic fractions by phase, in the order of the simulated spectra
PHASES = {
    "InSb": {"In": 1 / 2, "Sb": 1 / 2},
    "AuIn2": {"Au": 1 / 3, "In": 2 / 3},
}
COUNTS = (100, 300, 1000)


@dataclass
class Found:
    """Atomic fractions of one phase in one image."""

    phase: str
    deviations: np.ndarray
    errors: np.ndarray
    plain_deviations: np.ndarray


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    lines = list(report(options.seeds))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def measure(counts: float, seed: int) -> tuple[int, list[Found], int]:
    """Return K, the compositions of the two phases, and how many elements were found wrongly."""
    made = simulate_spectrum_image(seed=seed, counts_per_pixel=counts)
    image = SpectrumImage(made.counts, made.axis, made.conditions)
    study = run_spectrum_image(image)
    wrong = {s for each in study.quantified for s in each.elements} - {"In", "Sb", "Au", "C"}
    plain = _unmix_only(made)
    order, _ = match(made.spectra, study.factors.components)
    found = []
    for number, (phase, atoms) in enumerate(PHASES.items()):
        best = study.quantified[order[number]]
        deviations = [best.atomic_fraction_of(e)[0] - atoms[e] for e in atoms]
        errors = [best.atomic_fraction_of(e)[1] for e in atoms]
        others = [plain[number].atomic_fraction_of(e) - atoms[e] for e in atoms]
        found.append(Found(phase, *map(np.array, (deviations, errors, others))))
    return study.k, found, len(wrong)


def _unmix_only(made: SimulatedSpectrumImage) -> list[Composition]:
    """Return compositions of plain NMF components, with all elements told."""
    counts = made.counts.reshape(-1, made.counts.shape[2])
    options = FactorisationOptions(loss="poisson", scaling="keenan_kotula")
    factors = factorise(counts, 3, options)
    order, _ = match(made.spectra, factors.components)
    totals = factors.maps.sum(axis=0)
    return [
        quantify_spectrum(
            XraySpectrum(totals[n] * factors.components[n], made.axis, made.conditions),
            ["In", "Sb", "Au"],
        )
        for n in order[:2]
    ]


def report(n_seeds: int) -> Iterator[str]:
    """Yield the lines of the report."""
    start = time.process_time()
    yield "# Compositions of unmixed phases"
    yield ""
    yield (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores; made by "
        f"`benchmarks/spectrum_images.py`. {n_seeds} simulated images of 64 × 64 × 700 counts for "
        "each number of counts: six wires of AuIn2 on InSb, each pixel at most 90 % wire, and up "
        "to 30 % carbon everywhere; 6.5 keV; number of components and elements are found. "
        "Published for such wires, measured (Nano Lett. 17, 6520, 2017): In 45.0 ± 4.7 Sb 55.0 ± "
        "5.7 for 50/50, Au 38.0 ± 5.9 In 62.0 ± 5.9 for 33.3/66.7 at%. Required: 3 at%. Spectra "
        "are simulated by the model that quantifies them, so that errors are those of unmixing; "
        "intervals also hold the error of the model (15 % for L and M lines), which is zero here."
    )
    yield ""
    yield (
        "| counts a pixel | phase | K = 3 | deviation, rms (at%) | largest (at%) | 95 % intervals "
        "hold | rms without giving back | wrong elements |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for counts in COUNTS:
        found = [measure(counts, seed) for seed in range(n_seeds)]
        right = sum(k == 3 for k, _, _ in found)
        wrong = sum(n for _, _, n in found)
        for number, phase in enumerate(PHASES):
            of_phase = [each[number] for _, each, _ in found]
            deviations = 100 * np.concatenate([each.deviations for each in of_phase])
            errors = 100 * np.concatenate([each.errors for each in of_phase])
            plain = 100 * np.concatenate([each.plain_deviations for each in of_phase])
            hold = np.mean(np.abs(deviations) < 1.96 * errors)
            yield (
                f"| {counts} | {phase} | {right} of {n_seeds} | {_rms(deviations):.1f} | "
                f"{np.abs(deviations).max():.1f} | {hold:.0%} | {_rms(plain):.1f} | {wrong} |"
            )
    yield ""
    seconds = (time.process_time() - start) / (n_seeds * len(COUNTS))
    yield f"{seconds:.0f} s of processor time an image, with the plain one beside it."


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


if __name__ == "__main__":
    main()
