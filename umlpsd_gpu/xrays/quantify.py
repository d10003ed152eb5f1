"""The composition of a sample from its X-ray spectrum: `quantify_spectrum`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.xrays.composition import Composition, Standard
from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.elements import atomic_number, symbol_of
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family, measurable_families
from umlpsd_gpu.xrays.find_elements import find_elements
from umlpsd_gpu.xrays.line_fit import LineFit, fit_lines
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.matrix_correction import Correction
from umlpsd_gpu.xrays.model_errors import model_covariance, model_error
from umlpsd_gpu.xrays.quantification_errors import propagate
from umlpsd_gpu.xrays.quantification_notes import describe_method, take_notes
from umlpsd_gpu.xrays.samples import BULK, Sample
from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, XraySpectrum
from umlpsd_gpu.xrays.standards import read_standards
from umlpsd_gpu.xrays.templates import Scene
from umlpsd_gpu.xrays.windows import find_window

Floats = NDArray[np.float64]

_N_REFITS = 2  # ratios within families and the continuum follow from the composition


@dataclass(frozen=True)
class _Measurement:
    """A spectrum, with its fit and the families that are used."""

    fit: LineFit
    correction: Correction
    used: NDArray[np.int64]  # places in the fit
    intensities: Floats
    relative_variances: Floats  # of the standards


def quantify_spectrum(
    spectrum: XraySpectrum,
    elements: Sequence[str] | None = None,
    standards: Mapping[str, Standard] | None = None,
    *,
    oxygen: str = "measured",
    valences: Mapping[str, int] | None = None,
    coating: Sequence[str] = ("C",),
    sample: Sample = BULK,
    detector: Detector | None = None,
    variances: Floats | None = None,
) -> Composition:
    """Find the composition of a sample from its X-ray spectrum.

    Intensities of line families are fitted above a calculated background and corrected by XPP for
    the stopping of electrons, absorption, and secondary fluorescence; in foils after Cliff and
    Lorimer.

    Parameters
    ----------
    spectrum : XraySpectrum
        Its conditions must have the beam energy; 35° is used where there is no take-off angle.
    elements : sequence of str, optional
        Default: those that `find_elements` finds.
    standards : mapping of str to Standard, optional
        By element. Those without one are calibrated by the mean of those that have one. Default:
        none, and the mass fractions are scaled to a sum of 1.
    oxygen : {"measured", "stoichiometry"}
        ``stoichiometry``: calculated from the other elements' oxidation states, not from its line.
    valences : mapping of str to int, optional
        Oxidation states that differ from the usual ones: ``{"Fe": 3}``.
    coating : sequence of str
        Elements of a coating or of contamination: fitted, but not part of the composition.
    sample : Bulk, Film or Foil
    detector : Detector, optional
        Default: a silicon drift detector with the window and resolution that the conditions state.
    variances : ndarray, shape (n_channels,), optional
        Of the counts; of an unmixed component, for example. Default: Poisson's.

    Returns
    -------
    Composition

    Raises
    ------
    XraySpectrumError
        If the beam energy is unknown, an element has no line that can be measured, or the spectrum
        has no counts of any element.

    Examples
    --------
    >>> from umlpsd_gpu.xrays.material import material_by_atoms
    >>> from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, Conditions, EnergyAxis
    >>> from umlpsd_gpu.xrays.spectrum_model import expected_spectrum
    >>> beam = Conditions(beam_kev=15.0, take_off_deg=35.0)
    >>> of, axis = material_by_atoms({"Mg": 1, "Si": 2}), EnergyAxis(0, 0.01, 1500)
    >>> found = quantify_spectrum(expected_spectrum(of, axis, beam), ["Mg", "Si"])
    >>> found.atomic_fractions.round(2)
    array([0.33, 0.67])
    """
    beam_kev, take_off_deg = _conditions(spectrum)
    _require_counts(spectrum.counts)
    if oxygen not in ("measured", "stoichiometry"):
        raise XraySpectrumError(
            f"oxygen={oxygen!r} is not allowed; choose 'measured' or 'stoichiometry'."
        )
    detector = detector or default_detector(spectrum)
    found = elements is None
    if elements is None:
        candidates = find_elements(spectrum, detector=detector, sample=sample)
        elements = [candidate.symbol for candidate in candidates]
    wanted = _wanted(elements, coating, oxygen)
    if not wanted:
        raise XraySpectrumError(
            "No element stands out of the background of this spectrum; give elements, or a "
            "spectrum with more counts."
        )
    scene = Scene(
        _equal_parts(wanted), beam_kev, take_off_deg, detector, sample, _lowest(wanted, coating)
    )
    families = _families(scene, wanted, [*coating, *(["O"] if oxygen != "measured" else [])])
    by_standard, shapes = read_standards(standards or {}, scene, coating)
    scene = replace(scene, shapes=shapes)
    states = (valences or {}) if oxygen == "stoichiometry" else None
    dose = _dose(spectrum, bool(standards))
    for _ in range(_N_REFITS + 1):
        fit = fit_lines(spectrum.counts, spectrum.axis, families, scene, variances=variances)
        measurement = _choose_lines(fit, scene, wanted, by_standard, states, dose)
        fractions = measurement.correction.solve(measurement.intensities)
        z = measurement.correction.z
        scene = replace(scene, of=Material(z, fractions / fractions.sum()))
    return _compose(measurement, fractions, spectrum, found, bool(standards), coating)


def default_detector(spectrum: XraySpectrum) -> Detector:
    """Return a detector with the window and the resolution that the conditions state.

    Parameters
    ----------
    spectrum : XraySpectrum
    """
    stated = spectrum.conditions
    window = find_window(stated.window)
    return (
        Detector(window=window)
        if stated.resolution_ev is None
        else Detector(stated.resolution_ev, window)
    )


def _conditions(spectrum: XraySpectrum) -> tuple[float, float]:
    stated = spectrum.conditions
    if stated.beam_kev is None or not 0.5 <= stated.beam_kev <= 400:
        raise XraySpectrumError(
            f"The beam energy is {stated.beam_kev} keV; give 0.5 to 400 keV, "
            "without which nothing can be quantified."
        )
    take_off_deg = DEFAULT_TAKE_OFF_DEG if stated.take_off_deg is None else stated.take_off_deg
    if not 1 <= take_off_deg <= 90:
        raise XraySpectrumError(
            f"A take-off angle of {take_off_deg}° is not allowed; give 1 to 90."
        )
    return stated.beam_kev, take_off_deg


def _require_counts(counts: Floats) -> None:
    if not np.all(np.isfinite(counts)) or np.any(counts < 0) or not np.any(counts > 0):
        raise XraySpectrumError(
            "The spectrum has negative, infinite or no counts; give counts of 0 or more."
        )


def _wanted(elements: Sequence[str], coating: Sequence[str], oxygen: str) -> list[int]:
    """Return the atomic numbers to quantify from lines, in order."""
    left_out = {*coating, "O"} if oxygen == "stoichiometry" else set(coating)
    return sorted({atomic_number(symbol) for symbol in elements if symbol not in left_out})


def _equal_parts(z: Sequence[int]) -> Material:
    return Material(np.array(z, np.int64), np.full(len(z), 1 / len(z)))


def _lowest(wanted: Sequence[int], coating: Sequence[str]) -> float:
    """Return the energy from which a spectrum is fitted: below O K only for lighter elements."""
    lightest = min([*wanted, *(atomic_number(symbol) for symbol in coating)])
    return 0.15 if lightest < 6 else 0.22 if lightest < 7 else 0.3


def _families(scene: Scene, wanted: Sequence[int], others: Sequence[str]) -> tuple[Family, ...]:
    """Return all families of the elements to quantify and of those that are fitted only."""
    z = sorted({*wanted, *(atomic_number(symbol) for symbol in others)})
    families = measurable_families(z, scene.beam_kev, scene.low_kev, scene.high_kev)
    for missing in set(wanted) - {family.z for family in families}:
        raise XraySpectrumError(
            f"{symbol_of(missing)} has no line that a beam of {scene.beam_kev:g} keV excites and "
            "this spectrum holds; leave it out, or use a higher beam energy."
        )
    return families


def _dose(spectrum: XraySpectrum, with_standards: bool) -> float:
    stated = spectrum.conditions
    if not with_standards:
        return 1.0
    if not stated.live_time_s or not stated.probe_current_na:
        raise XraySpectrumError(
            f"The spectrum {spectrum.name!r} states no live time or no probe current, which "
            "standards need; give both, or quantify without standards."
        )
    return stated.live_time_s * stated.probe_current_na


def _choose_lines(
    fit: LineFit,
    scene: Scene,
    wanted: Sequence[int],
    by_standard: Mapping[Family, tuple[float, float]],
    valences: Mapping[str, int] | None,
    dose: float,
) -> _Measurement:
    """Choose the family of each element that promises the smallest error."""
    usable = {z: [n for n, family in enumerate(fit.families) if family.z == z] for z in wanted}
    used = np.array(
        [
            min(places, key=lambda n: _expected_error(fit, n, by_standard))
            for places in usable.values()
        ]
    )
    chosen = tuple(fit.families[n] for n in used)
    mean = float(np.mean([value for value, _ in by_standard.values()])) if by_standard else 1.0
    factors = [by_standard.get(family, (mean, 0.0)) for family in chosen]
    values, variances = (np.array(column) for column in zip(*factors, strict=True))
    correction = Correction(
        chosen,
        scene.beam_kev,
        scene.take_off_deg,
        fit.detector,
        scene.sample,
        valences,
        is_normalised=not by_standard,
    )
    return _Measurement(fit, correction, used, fit.counts[used] / (dose * values), variances)


def _expected_error(
    fit: LineFit, n: int, by_standard: Mapping[Family, tuple[float, float]]
) -> float:
    family = fit.families[n]
    counting = fit.errors[n] / max(fit.counts[n], 1e-9)
    return float(np.hypot(counting, model_error(family, family in by_standard)))


def _compose(
    measurement: _Measurement,
    fractions: Floats,
    spectrum: XraySpectrum,
    found: bool,
    with_standards: bool,
    coating: Sequence[str],
) -> Composition:
    fit, correction, used = measurement.fit, measurement.correction, measurement.used
    counts = np.maximum(fit.counts[used], 1e-9)
    counting = fit.covariance[np.ix_(used, used)] / np.outer(counts, counts)
    has_standard = [with_standards] * len(used)
    systematic = model_covariance(correction.families, has_standard)
    systematic = systematic + np.diag(measurement.relative_variances)
    errors = propagate(correction, measurement.intensities, fractions, counting, systematic)
    order = np.argsort(correction.z)
    significance = counts / fit.errors[used]
    lines = [family.label for family in correction.families]
    if correction.valences is not None:
        significance, lines = np.append(significance, np.nan), [*lines, "stoichiometry"]
    return Composition(
        elements=tuple(symbol_of(int(z)) for z in correction.z[order]),
        mass_fractions=fractions[order],
        atomic_fractions=errors.atomic_fractions[order],
        mass_errors=errors.mass[order],
        atomic_errors=errors.atomic[order],
        mass_counting_errors=errors.mass_counting[order],
        atomic_counting_errors=errors.atomic_counting[order],
        significance=significance[order],
        lines=tuple(lines[n] for n in order),
        total=float(fractions.sum()),
        method=describe_method(correction, with_standards),
        notes=take_notes(correction, fit, spectrum, found, with_standards, coating),
        fit=fit,
    )
