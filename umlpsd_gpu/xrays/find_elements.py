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
from umlpsd_gpu.xrays.element_scores import Search, State, score_element
from umlpsd_gpu.xrays.elements import atomic_number, symbol_of
from umlpsd_gpu.xrays.emission import specific_emission
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family, measurable_families
from umlpsd_gpu.xrays.line_fit import LineFit, build_design, fit_lines
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.response import counted_lines
from umlpsd_gpu.xrays.samples import BULK, Sample
from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, EnergyAxis, XraySpectrum
from umlpsd_gpu.xrays.templates import Scene
from umlpsd_gpu.xrays.windows import find_window

Floats = NDArray[np.float64]

# noble gases and elements without stable isotopes, Th and U aside, are not searched
_NOT_SEARCHED = "H He Li Ne Ar Kr Tc Xe Pm Po At Rn Fr Ra Ac Pa Np Pu Am Cm Bk Cf"
_LARGEST_NUMBER = 16
_LEAST_IMPROVEMENT = 0.9995  # of the misfit, by an element that is added
_SMALLEST_SHARE = 1e-4  # of an element in the material that is corrected for
_SMALLEST_EXPECTED = 0.2  # counts of a channel
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
        Counts divided by their standard error, given the other elements: by counting statistics,
        and by the error of the continuum where the fit shows that it has one.
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
    >>> from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, Conditions, EnergyAxis
    >>> from umlpsd_gpu.xrays.spectrum_model import expected_spectrum
    >>> axis, beam = EnergyAxis(0, 0.01, 1500), Conditions(beam_kev=15.0)
    >>> found = find_elements(expected_spectrum(material({"Ga": 1, "As": 1}), axis, beam))
    >>> [element.symbol for element in found]
    ['Ga', 'As']
    """
    scene = _scene(spectrum, detector, sample)
    start = [atomic_number(symbol) for symbol in known]
    rough = _prepare(spectrum.counts, spectrum.axis, scene)
    present = _add_elements(rough, start, least_significance)
    # calibrated by the elements of a first search, since an axis that is 10 eV off hides some, and
    # in their amounts: a continuum of another material moves the axis by 2 eV, which hides traces
    first = _with_elements(scene, present)
    first = replace(first, of=_rough_material(_explain(rough, present).fit, first.of))
    fit = fit_lines(spectrum.counts, spectrum.axis, _families(present, scene), first)
    search = _prepare(spectrum.counts, fit.axis, replace(scene, detector=fit.detector))
    present = _add_elements(search, start, least_significance)
    return _keep_significant(search, present, start, least_significance)


def _prepare(counts: Floats, axis: EnergyAxis, scene: Scene) -> Search:
    candidates = _candidates(scene)
    templates = {z: _element_template(axis, scene, z) for z in candidates}
    softest = {
        z: max(f.main_line.energy_kev for f in _families([z], scene)) < _SOFT_KEV
        for z in candidates
    }
    return Search(counts, axis, scene, templates, softest)


def _add_elements(search: Search, start: Sequence[int], least_significance: float) -> list[int]:
    """Add the element that explains most, again and again, until none is significant."""
    present = list(start)
    state = _explain(search, present)
    while len(present) < _LARGEST_NUMBER:
        scores = {z: score_element(search, state, z) for z in search.templates if z not in present}
        # the best by counts: what limits strong lines is the model, which tells them apart less
        significant = [z for z, score in scores.items() if score.in_all >= least_significance]
        if not significant:
            break
        best = max(significant, key=lambda z: scores[z].by_counts)
        before, state = state, _explain(search, [*present, best])
        if not _is_better(state, before):
            break
        present.append(best)
    return present


def _is_better(state: State, before: State) -> bool:
    """Say whether a fit is closer, by its own weights or by those of the measured counts."""
    by_model = state.fit.reduced_chi2 < _LEAST_IMPROVEMENT * before.fit.reduced_chi2
    return by_model or state.misfit < _LEAST_IMPROVEMENT * before.misfit


def _explain(search: Search, present: Sequence[int]) -> State:
    scene = _with_elements(search.scene, present)
    families = _families(present, scene)
    fit = fit_lines(search.counts, search.axis, families, scene, calibrate=False)
    scene = replace(scene, of=_rough_material(fit, scene.of))
    fit = fit_lines(search.counts, search.axis, families, scene, calibrate=False)
    design, inside, _ = build_design(search.counts, search.axis, families, scene)
    weights = 1 / np.sqrt(np.maximum(fit.model[inside], _SMALLEST_EXPECTED))
    rows = (design * weights).T
    rows = rows[:, np.linalg.norm(rows, axis=0) > 0]
    orthonormal, _ = np.linalg.qr(rows / np.linalg.norm(rows, axis=0))
    difference = search.counts[inside] - fit.model[inside]
    residual = difference * weights
    in_lines = np.maximum(fit.model - fit.background, 0)[inside]
    misfit = float(np.mean(difference**2 / np.maximum(search.counts[inside], 1)))
    return State(fit, inside, weights, residual, orthonormal.T, in_lines, misfit)


def _rough_material(fit: LineFit, before: Material) -> Material:
    """Return the material that a fit's intensities mean, by the hardest lines of each element."""
    hardest: dict[int, int] = {}
    for n, family in enumerate(fit.families):  # K before L before M
        hardest.setdefault(family.z, n)
    if not hardest:
        return before
    places = list(hardest.values())
    amounts = fit.counts[places] / np.maximum(fit.per_photon[places], 1e-300)
    if not amounts.sum() > 0:
        return before
    shares = np.maximum(amounts / amounts.sum(), _SMALLEST_SHARE)
    return Material(np.array(list(hardest), np.int64), shares / shares.sum())


def _element_template(axis: EnergyAxis, scene: Scene, z: int) -> Floats:
    """Return the spectrum of all lines of an element, with a sum of 1."""
    pure = _with_elements(scene, [z])
    total = np.zeros(axis.n_channels)
    for family in _families([z], scene):
        photons = specific_emission(
            pure.of,
            family.lines,
            pure.beam_kev,
            pure.take_off_deg,
            pure.sample,
            fluorescence=False,
        )
        softness = _SOFT_FACTOR if family.main_line.energy_kev < _SOFT_KEV else 1.0
        total += softness * counted_lines(axis, pure.detector, family.lines, photons)
    return np.asarray(total / max(float(total.sum()), 1e-300), np.float64)


def _keep_significant(
    search: Search, present: Sequence[int], start: Sequence[int], least_significance: float
) -> tuple[FoundElement, ...]:
    """Remove the least significant element until all that remain are significant."""
    present = [z for z in present if z in search.templates]
    while True:
        others = {z: _explain(search, [o for o in present if o != z]) for z in present}
        scores = {z: score_element(search, state, z).in_all for z, state in others.items()}
        removable = {z: score for z, score in scores.items() if z not in start}
        weakest = min(removable.values(), default=np.inf)
        if weakest >= least_significance:
            break
        # all that explain next to nothing at once, else one, after which the others explain more
        limit = max(weakest, least_significance / 3)
        present = [z for z in present if removable.get(z, np.inf) > limit]
    fit = _explain(search, present).fit
    significant = sorted(
        z
        for z, score in scores.items()
        if score >= least_significance and _has_counts(fit, z, least_significance)
    )
    return tuple(_describe(fit, z, scores[z]) for z in significant)


def _has_counts(fit: LineFit, z: int, least_significance: float) -> bool:
    """Say whether one of an element's families alone is significant in the fit of all."""
    return any(
        family.z == z and counts > least_significance / 2 * error
        for family, counts, error in zip(fit.families, fit.counts, fit.errors, strict=True)
    )


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
    take_off_deg = stated.take_off_deg or DEFAULT_TAKE_OFF_DEG
    return Scene(typical, stated.beam_kev, take_off_deg, detector, sample)


def _families(z: Sequence[int], scene: Scene) -> tuple[Family, ...]:
    return measurable_families(z, scene.beam_kev, scene.low_kev, scene.high_kev)


def _candidates(scene: Scene) -> list[int]:
    left_out = {atomic_number(symbol) for symbol in _NOT_SEARCHED.split()}
    searched = [z for z in range(5, 93) if z not in left_out]
    return [z for z in searched if _families([z], scene)]
