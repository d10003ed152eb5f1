"""What standards say: measured counts of lines, by those calculated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from umlpsd_gpu.xrays.composition import Standard
from umlpsd_gpu.xrays.elements import atomic_number
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.families import Family, measurable_families
from umlpsd_gpu.xrays.line_fit import LineFit, fit_lines
from umlpsd_gpu.xrays.material import material
from umlpsd_gpu.xrays.samples import BULK
from umlpsd_gpu.xrays.templates import Scene

Floats = NDArray[np.float64]

_SAME_BEAM_KEV = 0.05
_SMALLEST_SIGNIFICANCE = 10.0  # of counts: standard errors
_PEAK_SHARE = 1e-3  # of the largest channel: where peaks are, to which some channels are added
_N_CHANNELS_AROUND = 7


def read_standards(
    standards: Mapping[str, Standard], scene: Scene, coating: Sequence[str]
) -> tuple[dict[Family, tuple[float, float]], dict[Family, Floats]]:
    """Return what standards say of the families of their elements.

    Parameters
    ----------
    standards : mapping of str to Standard
        By the element that each is a standard of.
    scene : Scene
        Of the sample: the standards are fitted in the same range.
    coating : sequence of str
        Elements that are fitted too.

    Returns
    -------
    sensitivities : dict of Family to (float, float)
        Measured by calculated counts, per second and nanoampere, and the square of the relative
        standard error of this ratio.
    shapes : dict of Family to ndarray, shape (n_channels,)
        The measured peaks of each family, for one count.

    Raises
    ------
    XraySpectrumError
        If a standard doesn't contain its element or was measured otherwise than the sample.
    """
    ratios: dict[Family, tuple[float, float]] = {}
    shapes: dict[Family, Floats] = {}
    for symbol, standard in standards.items():
        dose = _require_same_conditions(symbol, standard, scene)
        fit = _fit_standard(standard, scene, coating)
        z = atomic_number(symbol)
        fraction = material(standard.mass_fractions).fraction_of(z)
        for n, family in enumerate(fit.families):
            counts, error = float(fit.counts[n]), float(fit.errors[n])
            if family.z == z and counts > _SMALLEST_SIGNIFICANCE * error:
                ratio = counts / (fraction * float(fit.per_photon[n]) * dose)
                ratios[family] = ratio, (error / counts) ** 2
                shapes[family] = _measured_shape(fit, n, standard.spectrum.counts)
    return ratios, shapes


def _fit_standard(standard: Standard, scene: Scene, coating: Sequence[str]) -> LineFit:
    of = material(standard.mass_fractions)
    others = {atomic_number(other) for other in (*coating, "O")}
    families = measurable_families(
        sorted({*of.z.tolist(), *others}), scene.beam_kev, scene.low_kev, scene.high_kev
    )
    spectrum = standard.spectrum
    return fit_lines(spectrum.counts, spectrum.axis, families, replace(scene, of=of, sample=BULK))


def _measured_shape(fit: LineFit, n: int, counts: Floats) -> Floats:
    """Return what the standard counts near a family's peaks, less everything else in its fit."""
    own = fit.templates[n]
    is_near = maximum_filter1d(own, _N_CHANNELS_AROUND) > _PEAK_SHARE * own.max()
    others = fit.model - fit.counts[n] * own
    return np.asarray(np.where(is_near, counts - others, 0.0) / fit.counts[n], np.float64)


def _require_same_conditions(symbol: str, standard: Standard, scene: Scene) -> float:
    stated = standard.spectrum.conditions
    if standard.mass_fractions.get(symbol, 0) <= 0:
        raise XraySpectrumError(
            f"The standard of {symbol} contains none; give mass fractions with {symbol}."
        )
    if stated.beam_kev is None or abs(stated.beam_kev - scene.beam_kev) > _SAME_BEAM_KEV:
        raise XraySpectrumError(
            f"The standard of {symbol} was measured at {stated.beam_kev} kV and the sample at "
            f"{scene.beam_kev:g} kV; both must be equal."
        )
    if not stated.live_time_s or not stated.probe_current_na:
        raise XraySpectrumError(
            f"The standard of {symbol} states no live time or no probe current; give both."
        )
    return stated.live_time_s * stated.probe_current_na
