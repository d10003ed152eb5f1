"""Which elements a spectrum shows: peaks are explained by whole sets of lines, best first.

Each candidate is the set of all its K, L and M lines, as calculated, above the fitted background.
In each round the candidate that reduces the misfit most is added and all are fitted again, until
none reduces it significantly; then those that the others explain as well are removed. Overlapping
lines (S K, Mo L and Pb M; In and Sb L; Ti and Ba) are told apart by their other lines and by exact
energies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.elements import atomic_number, symbol_of
from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family, measurable_families
from umlpsd_gpu.xrays.line_fit import LineFit, build_design, fit_lines
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.response import counted_lines
from umlpsd_gpu.xrays.samples import BULK, Sample
from umlpsd_gpu.xrays.spectrum import XraySpectrum
from umlpsd_gpu.xrays.templates import Scene
from umlpsd_gpu.xrays.windows import find_window

Floats = NDArray[np.float64]

# noble gases and elements without stable isotopes, Th and U aside, are not searched
_NOT_SEARCHED = "H He Li Ne Ar Kr Tc Xe Pm Po At Rn Fr Ra Ac Pa Np Pu Am Cm Bk Cf"
_TAKE_OFF_DEG = 35.0
_LARGEST_NUMBER = 25
_SMALLEST_EXPECTED = 0.2  # counts of a channel
_SMALLEST_NEW_SHARE = 1e-3  # of a template; what remains after the other elements is rounding below
_SHAPES_KNOWN_TO = 0.02  # of the counts of other lines at the same energies
_SOFT_KEV, _SOFT_FACTOR = 1.0, 0.4  # calculated intensities of soft lines are mostly too large


@dataclass(frozen=True)
class FoundElement:
    """An element that a spectrum shows.

    Attributes
    ----------
    symbol : str
    lines : tuple of str
        Its families of lines in the range of the spectrum: "Fe K", "Fe L".
    counts : float
        In all of them.
    significance : float
        Counts divided by their standard error, given the other elements.
    """

    symbol: str
    lines: tuple[str, ...]
    counts: float
    significance: float


def find_elements(
    spectrum: XraySpectrum,
    *,
    known: Sequence[str] = (),
    least_significance: float = 5.0,
    detector: Detector | None = None,
    sample: Sample = BULK,
) -> tuple[FoundElement, ...]:
    """Find the elements whose lines a spectrum shows.

    Parameters
    ----------
    spectrum : XraySpectrum
        Its conditions must have the beam energy.
    known : sequence of str
        Elements that are present in any case.
    least_significance : float
        Smallest number of standard errors.
    detector : Detector, optional
        Default: as the conditions state.
    sample : Bulk, Film or Foil

    Returns
    -------
    tuple of FoundElement
        By atomic number; without those of ``known`` that are not significant.

    Raises
    ------
    XraySpectrumError
        If the beam energy is unknown.

    Examples
    --------
    >>> from umlpsd_gpu.xrays.material import material
    >>> from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis
    >>> from umlpsd_gpu.xrays.spectrum_model import expected_spectrum
    >>> axis, beam = EnergyAxis(0, 0.01, 1500), Conditions(beam_kev=15.0)
    >>> found = find_elements(expected_spectrum(material({"Ga": 1, "As": 1}), axis, beam))
    >>> [element.symbol for element in found]
    ['Ga', 'As']
    """
    scene = _scene(spectrum, detector, sample)
    present = [atomic_number(symbol) for symbol in known]
    candidates = _candidates(scene)
    state = _explain(spectrum, scene, present)
    while len(present) < _LARGEST_NUMBER:
        scores = {z: _score(state, scene, z) for z in candidates if z not in present}
        best = max(scores, key=lambda z: scores[z])
        if scores[best] < least_significance:
            break
        present.append(best)
        state = _explain(spectrum, scene, present)
    return _keep_significant(spectrum, scene, present, known, least_significance)


@dataclass(frozen=True)
class _State:
    """A fit of some elements, ready to be compared with one more."""

    fit: LineFit
    inside: NDArray[np.bool_]
    weights: Floats
    residual: Floats  # weighted
    explained: Floats  # orthonormal rows, weighted
    in_lines: Floats  # counts of the fitted lines


def _explain(spectrum: XraySpectrum, scene: Scene, present: Sequence[int]) -> _State:
    scene = _with_elements(scene, present)
    families = _families(present, scene)
    fit = fit_lines(spectrum.counts, spectrum.axis, families, scene)
    calibrated = replace(scene, detector=fit.detector)
    design, inside, _ = build_design(spectrum.counts, fit.axis, families, calibrated)
    weights = 1 / np.sqrt(np.maximum(fit.model[inside], _SMALLEST_EXPECTED))
    rows = (design * weights).T
    rows = rows[:, np.linalg.norm(rows, axis=0) > 0]
    orthonormal, _ = np.linalg.qr(rows / np.linalg.norm(rows, axis=0))
    residual = (spectrum.counts[inside] - fit.model[inside]) * weights
    in_lines = np.maximum(fit.model - fit.background, 0)[inside]
    return _State(fit, inside, weights, residual, orthonormal.T, in_lines)


def _score(state: _State, scene: Scene, z: int) -> float:
    """Return how many standard errors of an element's lines the residual shows; 0 for too few."""
    template = _element_template(state, scene, z)
    weighted = template * state.weights
    own = weighted - state.explained.T @ (state.explained @ weighted)
    norm = float(np.linalg.norm(own))
    if norm < _SMALLEST_NEW_SHARE * float(np.linalg.norm(weighted)) or norm == 0:
        return 0.0
    counts = float(own @ state.residual) / norm**2
    overlapped = float(template @ state.in_lines) / float(template @ template)
    if counts < _SHAPES_KNOWN_TO * overlapped:
        return 0.0
    return counts * norm / float(np.sqrt(max(state.fit.reduced_chi2, 1.0)))


def _element_template(state: _State, scene: Scene, z: int) -> Floats:
    """Return the spectrum of all lines of an element, with a sum of 1."""
    scene = replace(_with_elements(scene, [z]), detector=state.fit.detector)
    total = np.zeros(state.fit.axis.n_channels)
    for family in _families([z], scene):
        photons = specific_emission(
            scene.of, family.lines, scene.beam_kev, scene.take_off_deg, scene.sample
        )
        softness = _SOFT_FACTOR if family.main_line.energy_kev < _SOFT_KEV else 1.0
        total += softness * counted_lines(state.fit.axis, scene.detector, family.lines, photons)
    inside = total[state.inside]
    return np.asarray(inside / max(float(inside.sum()), 1e-300), np.float64)


def _keep_significant(
    spectrum: XraySpectrum,
    scene: Scene,
    present: Sequence[int],
    known: Sequence[str],
    least_significance: float,
) -> tuple[FoundElement, ...]:
    """Remove the least significant element until all that remain are significant."""
    forced = {atomic_number(symbol) for symbol in known}
    present = list(present)
    while True:
        state = _explain(spectrum, scene, present)
        scores = {
            z: _score(_explain_without(spectrum, scene, present, z), scene, z) for z in present
        }
        removable = {z: score for z, score in scores.items() if z not in forced}
        weakest = min(removable, key=lambda z: removable[z], default=None)
        if weakest is None or removable[weakest] >= least_significance:
            break
        present.remove(weakest)
    return tuple(
        _describe(state.fit, z, scores[z])
        for z in sorted(present)
        if scores[z] >= least_significance
    )


def _explain_without(
    spectrum: XraySpectrum, scene: Scene, present: Sequence[int], z: int
) -> _State:
    return _explain(spectrum, scene, [other for other in present if other != z])


def _describe(fit: LineFit, z: int, significance: float) -> FoundElement:
    places = [n for n, family in enumerate(fit.families) if family.z == z]
    return FoundElement(
        symbol=symbol_of(z),
        lines=tuple(fit.families[n].label for n in places),
        counts=float(fit.counts[places].sum()),
        significance=significance,
    )


def _with_elements(scene: Scene, present: Sequence[int]) -> Scene:
    """Return the scene with equal masses of some elements as its material."""
    if not present:
        return scene
    z = np.unique(np.array(present, np.int64))
    return replace(scene, of=Material(z, np.full(z.size, 1 / z.size)))


def _scene(spectrum: XraySpectrum, detector: Detector | None, sample: Sample) -> Scene:
    stated = spectrum.conditions
    if stated.beam_kev is None:
        raise XraySpectrumError("Elements can't be found without the beam energy; give it in keV.")
    detector = detector or Detector(
        stated.resolution_ev or Detector.resolution_ev, find_window(stated.window)
    )
    typical = Material(np.array([6, 8, 14, 26, 47], np.int64), np.full(5, 0.2))
    take_off_deg = stated.take_off_deg or _TAKE_OFF_DEG
    return Scene(typical, stated.beam_kev, take_off_deg, detector, sample)


def _families(z: Sequence[int], scene: Scene) -> tuple[Family, ...]:
    return measurable_families(z, scene.beam_kev, scene.low_kev, scene.high_kev)


def _candidates(scene: Scene) -> list[int]:
    left_out = {atomic_number(symbol) for symbol in _NOT_SEARCHED.split()}
    searched = [z for z in range(5, 93) if z not in left_out]
    return [z for z in searched if _families([z], scene)]
