"""How well compositions are found from X-ray spectra: XPP, glass K412, simulated wires.

    python benchmarks/xray_quantification.py ../shared/data/edx_quantification

Writes benchmarks/results/xray_quantification.md.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.lines import Line, lines_of
from umlpsd_gpu.xrays.material import Material

PAP_LINES = {0: "Kα1", 2: "Kβ1", 12: "Lα1", 31: "Lβ1", 72: "Mα", 69: "Mβ"}


def named_line(z: int, name: str) -> Line:
    return next(line for line in lines_of(z) if line.name == name)


def pap_ratios(folder: Path, *, fluorescence: bool) -> np.ndarray:
    """Return calculated by measured k-ratios of Pouchou and Pichoir's database."""
    ratios = []
    with (folder / "papkratios.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[3:]
    for z, code, other, *numbers in rows:
        beam, fraction, measured, take_off = map(float, numbers)
        line = named_line(int(z), PAP_LINES[int(code)])
        binary = Material(np.array([int(z), int(other)]), np.array([fraction, 1 - fraction]))
        pure = Material(np.array([int(z)]), np.ones(1))
        in_binary, in_pure = (
            specific_emission(of, [line], beam, take_off, fluorescence=fluorescence)[0]
            for of in (binary, pure)
        )
        ratios.append(fraction * in_binary / in_pure / measured)
    return np.array(ratios)


def summarise_ratios(ratios: np.ndarray) -> dict[str, float]:
    median = float(np.median(ratios))
    return {
        "n": ratios.size,
        "median": median,
        "robust_sd": 1.4826 * float(np.median(np.abs(ratios - median))),
        "rms": float(np.sqrt(np.mean((ratios - 1) ** 2))),
        "within_5": float(np.mean(np.abs(ratios - 1) < 0.05)),
        "within_10": float(np.mean(np.abs(ratios - 1) < 0.1)),
    }
