"""Intensities of the elements' lines in a spectrum, above a background, with their covariance.

The spectrum is a sum of line families (peaks of the detector's shape, ratios by `emission`), of
the calculated continuum times a smooth, non-negative factor, and of pairs of photons that are
counted as one. It is fitted by least squares whose weights are the fitted counts themselves,
iterated: the equations of Poisson's likelihood. Offset, width of a channel and resolution are
fitted around those stated where there are enough counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import least_squares, nnls

from umlpsd_gpu.xrays.detector import Detector
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.spectrum import EnergyAxis
from umlpsd_gpu.xrays.templates import (
    Scene,
    background_templates,
    emitted_photons,
    line_templates,
    pile_up_template,
)

Floats = NDArray[np.float64]

_SMALLEST_EXPECTED = 0.2  # counts of a channel; below, the weight grows no more
_N_REWEIGHTINGS = 4
_FEWEST_FOR_CALIBRATION = 3000  # counts in peaks
# what is known of the axis and the resolution before the fit: standard deviations
_SHIFT_KEV, _GAIN, _RESOLUTION_EV = 0.01, 0.002, 6.0


@dataclass(frozen=True)
class LineFit:
    """Fitted intensities.

    Attributes
    ----------
    families : tuple of Family
    counts : ndarray, shape (n_families,)
        Counts of all lines of each family in the spectrum.
    covariance : ndarray, shape (n_families, n_families)
        By counting statistics, times `reduced_chi2` where that is above 1.
    per_photon : ndarray, shape (n_families,)
        Counts for a mass fraction of 1 of the element, by the model of the scene.
    templates : ndarray, shape (n_families, n_channels)
        Of each family for one count; 0 outside the range of the fit.
    model, background : ndarray, shape (n_channels,)
        0 outside the range of the fit.
    axis : EnergyAxis
        As calibrated.
    detector : Detector
        With the fitted resolution.
    reduced_chi2 : float
    """

    families: tuple[Family, ...]
    counts: Floats
    covariance: Floats
    per_photon: Floats
    templates: Floats
    model: Floats
    background: Floats
    axis: EnergyAxis
    detector: Detector
    reduced_chi2: float

    @property
    def errors(self) -> Floats:
        """Standard errors of the counts."""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True)
class _Solution:
    values: Floats
    model: Floats
    weights: Floats  # square roots


def fit_lines(
    counts: Floats,
    axis: EnergyAxis,
    families: Sequence[Family],
    scene: Scene,
    *,
    variances: Floats | None = None,
    calibrate: bool = True,
) -> LineFit:
    """Fit the intensities of families of lines.

    Parameters
    ----------
    counts : ndarray, shape (n_channels,)
    axis : EnergyAxis
    families : sequence of Family
    scene : Scene
    variances : ndarray, shape (n_channels,), optional
        Of the counts. Default: Poisson's.
    calibrate : bool
        Whether to fit the axis and the resolution too.

    Returns
    -------
    LineFit
    """
    families = tuple(families)
    inside = _range(axis, scene)
    given = None if variances is None else variances[inside]
    detector = scene.detector
    if calibrate and families:
        axis, detector = _calibrate(counts, inside, axis, families, scene, given)
    scene = replace(scene, detector=detector)
    design, inside, per_photon = build_design(counts, axis, families, scene)
    measured, given = counts[inside], None if variances is None else variances[inside]
    solution = _solve(design, measured, given)
    covariance = _covariance(design, solution)
    n = len(families)
    model, background = np.zeros(axis.n_channels), np.zeros(axis.n_channels)
    templates = np.zeros((n, axis.n_channels))
    templates[:, inside] = design[:n]
    model[inside], background[inside] = solution.model, solution.values[n:] @ design[n:]
    chi2 = float(np.sum(((measured - solution.model) * solution.weights) ** 2))
    freedom = max(measured.size - int(np.count_nonzero(solution.values)), 1)
    return LineFit(
        families=families,
        counts=solution.values[:n],
        covariance=covariance[:n, :n] * max(chi2 / freedom, 1.0),
        per_photon=per_photon,
        templates=templates,
        model=model,
        background=background,
        axis=axis,
        detector=detector,
        reduced_chi2=chi2 / freedom,
    )


def build_design(
    counts: Floats, axis: EnergyAxis, families: Sequence[Family], scene: Scene
) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return what each family, each part of the background, and pile-up add to the channels.

    Parameters
    ----------
    counts : ndarray, shape (n_channels,)
        The measured spectrum.
    axis : EnergyAxis
    families : sequence of Family
    scene : Scene

    Returns
    -------
    design : ndarray, shape (n_families + n_others, n_channels_inside)
    inside : ndarray of bool, shape (n_channels,)
        The range that is fitted.
    per_photon : ndarray, shape (n_families,)
        Counts of each family for a mass fraction of 1.
    """
    inside = _range(axis, scene)
    lines, per_photon = line_templates(axis, families, scene)
    rest = _background_and_pile_up(counts, axis, scene, inside)
    return np.concatenate([lines, rest])[:, inside], inside, per_photon


def _range(axis: EnergyAxis, scene: Scene) -> NDArray[np.bool_]:
    energies = axis.energies_kev
    return (energies > scene.low_kev) & (energies < min(scene.high_kev, 0.97 * scene.beam_kev))


def _background_and_pile_up(
    counts: Floats, axis: EnergyAxis, scene: Scene, inside: NDArray[np.bool_]
) -> Floats:
    return np.concatenate(
        [
            background_templates(axis, scene, inside),
            pile_up_template(counts, axis),
        ]
    )


def _solve(
    design: Floats,
    measured: Floats,
    variances: Floats | None,
    n_reweightings: int = _N_REWEIGHTINGS,
) -> _Solution:
    """Return the non-negative solution, with weights that follow from it."""
    known = None if variances is None else np.maximum(variances, _SMALLEST_EXPECTED**2)
    expected = np.maximum(_smooth(measured), 1.0)
    scale = np.maximum(np.sqrt((design**2).sum(axis=1)), 1e-30)
    for _ in range(n_reweightings if known is None else 1):
        weights = 1 / np.sqrt(expected if known is None else known)
        # the triangular factor has the same solution and far fewer rows
        rows = np.vstack([design / scale[:, None] * weights, measured * weights])
        factor = np.asarray(np.linalg.qr(rows.T, mode="r"), np.float64)
        values, _ = nnls(factor[:, :-1], factor[:, -1], maxiter=10_000)
        model = (values / scale) @ design
        expected = np.maximum(model, _SMALLEST_EXPECTED)
    return _Solution(values / scale, model, weights)


def _smooth(measured: Floats) -> Floats:
    return np.asarray(gaussian_filter1d(measured, 2.0, mode="nearest"), np.float64)


def _covariance(design: Floats, solution: _Solution) -> Floats:
    weighted = design * solution.weights
    information = weighted @ weighted.T
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    inverse = np.linalg.pinv(information / np.outer(scale, scale), rcond=1e-12, hermitian=True)
    return np.asarray(inverse / np.outer(scale, scale), np.float64)


def _calibrate(
    counts: Floats,
    inside: NDArray[np.bool_],
    axis: EnergyAxis,
    families: tuple[Family, ...],
    scene: Scene,
    variances: Floats | None,
) -> tuple[EnergyAxis, Detector]:
    """Fit the offset and the width of the channels, and the resolution, around those stated."""
    middle = float(axis.energies_kev[inside].mean())

    def moved(parameters: Floats) -> tuple[EnergyAxis, Detector]:
        shift, gain, wider = (float(value) for value in parameters)
        step = axis.step_kev * (1 + gain * _GAIN)
        offset = axis.offset_kev + shift * _SHIFT_KEV
        width = min(max(scene.detector.resolution_ev + wider * _RESOLUTION_EV, 120.0), 400.0)
        return EnergyAxis(offset, step, axis.n_channels), replace(
            scene.detector, resolution_ev=width
        )

    rest = _background_and_pile_up(counts, axis, scene, inside)[:, inside]

    emitted = emitted_photons(families, scene)

    def solution(parameters: Floats) -> _Solution:
        new_axis, detector = moved(parameters)
        moved_scene = replace(scene, detector=detector)
        lines, _ = line_templates(new_axis, families, moved_scene, emitted)
        design = np.concatenate([lines[:, inside], rest])
        return _solve(design, counts[inside], variances, n_reweightings=2)

    start = solution(np.zeros(3))
    if start.values[: len(families)].sum() < _FEWEST_FOR_CALIBRATION or middle <= 0:
        return axis, scene.detector
    weights = 1 / np.sqrt(np.maximum(_smooth(counts[inside]), 1.0))

    def residuals(parameters: Floats) -> Floats:
        model = solution(parameters).model
        return np.concatenate([(counts[inside] - model) * weights, parameters])

    found = least_squares(residuals, np.zeros(3), diff_step=1e-2, xtol=1e-4, max_nfev=12)
    return moved(np.asarray(found.x, np.float64))
