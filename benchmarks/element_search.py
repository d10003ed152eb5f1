"""Which elements are named in simulated spectra of many counts, with and without true traces.

python benchmarks/element_search.py --out benchmarks/results/element_search.md
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from umlpsd_gpu.xrays.find_elements import find_elements
from umlpsd_gpu.xrays.material import Material, material, material_by_formula
from umlpsd_gpu.xrays.samples import BULK, Film, Sample
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis, XraySpectrum
from umlpsd_gpu.xrays.spectrum_model import expected_spectrum

AXIS = EnergyAxis(0.0, 0.01, 2048)
# Phases side by side: shares of the counts and thickness of a film on silicon in g/cm²; beam in keV
TUNED_ON: Mapping[str, float] = {
    "0.55 InSb, 0.3 AuIn2, 0.15 C": 6.5,
    "0.6 Fe7Cr2Ni, 0.4 Fe2O3": 15,
    "0.3 SiO2 2e-5, 0.7 Si": 10,
    "0.8 GaAs, 0.2 Au": 20,
    "0.5 TiO2, 0.5 PbS": 15,
    "0.5 CuZn, 0.5 Al2O3": 15,
}
HELD_OUT: Mapping[str, float] = {
    "0.5 CdTe, 0.5 Na2CaSi6O15": 15,
    "0.7 NiAl, 0.3 W": 20,
    "0.3 MoS2 3e-5, 0.7 Si": 8,
    "0.6 BaTiO3, 0.4 Pt": 15,
    "0.5 MgO, 0.5 Fe": 12,
    "0.5 AgCl, 0.5 C": 10,
    "0.5 InP, 0.5 SiC": 7,
    "0.6 ZrO2, 0.4 Y": 18,
}
# Mass fractions of a matrix, the trace, and the beam in keV; not used for tuning
TRACES = (
    ({"Fe": 70, "Cr": 20}, "Mo", 20),
    ({"Si": 47, "O": 53}, "Ti", 15),
    ({"Al": 100}, "Cu", 15),
    ({"Ga": 48, "As": 52}, "In", 20),
    ({"Cu": 60, "Zn": 40}, "Pb", 20),
    ({"Ti": 60, "O": 40}, "Nb", 15),
)
PER_CENT = (0.1, 0.2, 0.5, 1.0, 2.0)
# Tails of peaks: share of the photons, and decay in keV; share of a flat shelf below each
TAIL, TAIL_KEV, SHELF = 0.01, 0.08, 0.001


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = list(report())
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    yield "# Elements in spectra of many counts"
    yield ""
    yield (
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores; made by "
        "`benchmarks/element_search.py`, seed 0. No element is given. Spectra of phases side by "
        f"side; “tails”: {100 * TAIL:g} % of the counts of every channel in an exponential tail "
        f"({1000 * TAIL_KEV:g} eV) and {100 * SHELF:g} % in a flat shelf below it, which no fit "
        "has. The limits of the search (4 % of the continuum) were chosen on the first set."
    )
    yield ""
    yield "| set | counts | peaks | named wrongly | which | missed |"
    yield "|---|---|---|---|---|---|"
    for name, mixtures in (("chosen on", TUNED_ON), ("held out", HELD_OUT)):
        for has_tails in (False, True):
            for n_counts in (1e6, 3e7):
                yield _mixture_row(name, mixtures, n_counts, has_tails)
    yield from ("", "## Traces", "")
    yield (
        "Six materials with an element more, 3e7 counts: Mo in FeCr, Ti in SiO2, Cu in Al, In in "
        "GaAs, Pb in CuZn, Nb in TiO2 (held out). “Beside gold”: 30 % of the counts are of gold."
    )
    yield ""
    yield "| trace (% by mass) | found | named wrongly | found beside gold | named wrongly |"
    yield "|---|---|---|---|---|"
    for per_cent in PER_CENT:
        cells = " | ".join(_trace_cells(per_cent, gold) for gold in (False, True))
        yield f"| {per_cent:g} | {cells} |"


def _mixture_row(name: str, mixtures: Mapping[str, float], n_counts: float, has_tails: bool) -> str:
    wrong: list[str] = []
    n_missed = 0
    for phases, beam_kev in mixtures.items():
        beam = Conditions(beam_kev=beam_kev, take_off_deg=35.0)
        parts = [_phase(text) for text in phases.split(", ")]
        mean = sum(_expected(of, sample, beam, share) for share, of, sample in parts)
        present = {int(z) for _, of, _ in parts for z in of.z}
        found = _find(_with_tails(mean) if has_tails else mean, n_counts, beam)
        wrong += [f"{symbol} in {phases}" for z, symbol in found.items() if z not in present]
        n_missed += len(present - set(found))
    peaks = "tails" if has_tails else "as in the model"
    which = "; ".join(wrong) or "–"
    return f"| {name} | {n_counts:.0e} | {peaks} | {len(wrong)} | {which} | {n_missed} |"


def _trace_cells(per_cent: float, has_gold: bool) -> str:
    n_found = n_wrong = 0
    for matrix, trace, beam_kev in TRACES:
        beam = Conditions(beam_kev=beam_kev, take_off_deg=35.0)
        scale = (100 - per_cent) / sum(matrix.values())
        of = material({**{symbol: scale * m for symbol, m in matrix.items()}, trace: per_cent})
        mean = _expected(of, BULK, beam, 0.7 if has_gold else 1.0)
        if has_gold:
            mean = mean + _expected(material({"Au": 1}), BULK, beam, 0.3)
        found = _find(mean, 3e7, beam)
        n_found += trace in found.values()
        present = {*matrix, trace, *(["Au"] if has_gold else [])}
        n_wrong += len(set(found.values()) - present)
    return f"{n_found} of {len(TRACES)} | {n_wrong}"


def _phase(text: str) -> tuple[float, Material, Sample]:
    share, formula, *thickness = text.split()
    silicon = material({"Si": 1})
    sample = Film(float(thickness[0]), silicon) if thickness else BULK
    return float(share), material_by_formula(formula), sample


def _expected(of: Material, sample: Sample, beam: Conditions, share: float) -> np.ndarray:
    return expected_spectrum(of, AXIS, beam, n_counts=share, sample=sample).counts


def _find(mean: np.ndarray, n_counts: float, beam: Conditions) -> dict[int, str]:
    from umlpsd_gpu.xrays.elements import atomic_number

    counts = np.random.default_rng(0).poisson(mean / mean.sum() * n_counts).astype(float)
    found = find_elements(XraySpectrum(counts, AXIS, beam))
    return {atomic_number(each.symbol): each.symbol for each in found}


def _with_tails(mean: np.ndarray) -> np.ndarray:
    """Return a spectrum of which a part has lost energy on its way out of the detector."""
    decay = np.exp(-np.arange(80) * AXIS.step_kev / TAIL_KEV)
    tail = np.convolve(mean[::-1], decay / decay.sum())[: mean.size][::-1]
    shelf = np.cumsum((mean / np.arange(1, mean.size + 1))[::-1])[::-1]
    return (1 - TAIL - SHELF) * mean + TAIL * tail + SHELF * shelf


if __name__ == "__main__":
    main()
