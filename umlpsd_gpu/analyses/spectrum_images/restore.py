"""Give back what unmixing took too much of: no component has less than none of an element.

Noise lets an unmixed spectrum lose a part of another one, until its continuum under the lines of
the other is used up: there are dips where the other has peaks. Lines are therefore fitted with
intensities of either sign, and as much of the other components is added as brings negative
intensities to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from umlpsd_gpu.analyses.spectrum_images.result import RecordedSpectra
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.factorisation.canonical import canonical
from umlpsd_gpu.factorisation.divergences import fit_maps
from umlpsd_gpu.factorisation.result import Factorisation, Uncertainty
from umlpsd_gpu.factorisation.uncertainty import purity_of
from umlpsd_gpu.xrays.elements import atomic_number
from umlpsd_gpu.xrays.families import Family, measurable_families
from umlpsd_gpu.xrays.line_fit import build_design
from umlpsd_gpu.xrays.material import Material
from umlpsd_gpu.xrays.quantify import default_detector
from umlpsd_gpu.xrays.spectrum import DEFAULT_TAKE_OFF_DEG, XraySpectrum
from umlpsd_gpu.xrays.templates import Scene

Floats = NDArray[np.float64]

# A negative intensity counts from this many standard errors on
LEAST_DEFICIT = 2.0
# Lines below this energy are used only of elements without others: their shapes are less certain
SOFT_KEV = 1.0
# A larger part of another component is no rounding of an optimum but another model
LARGEST_PART = 0.6


@dataclass(frozen=True)
class Restored:
    """Components that hold what had been taken from them.

    Attributes
    ----------
    factors : Factorisation
    uncertainty : Uncertainty
    parts : ndarray, shape (k, k)
        How much of each component (column) was added to each (row), before both are scaled.
    """

    factors: Factorisation
    uncertainty: Uncertainty
    parts: Floats


def restore_components(
    matrix: Array,
    factors: Factorisation,
    uncertainty: Uncertainty,
    elements: Sequence[str],
    recorded: RecordedSpectra,
) -> Restored:
    """Add parts of other components to those that have negative lines, and fit the maps again.

    Parameters
    ----------
    matrix : ndarray of counts, shape (n_pixels, n_channels)
    factors : Factorisation
    uncertainty : Uncertainty
    elements : sequence of str
        Those of the sample.
    recorded : RecordedSpectra
        With a beam energy.

    Returns
    -------
    Restored
        Unchanged where no line is negative.
    """
    k = factors.k
    totals = factors.maps.sum(axis=0)
    intensities, errors = _signed_intensities(factors.components, totals, elements, recorded)
    parts = _parts_to_add(intensities, errors)
    if not parts.any():
        return Restored(factors, uncertainty, parts)
    mixing = np.eye(k) + parts
    mixing /= mixing.sum(axis=1, keepdims=True)
    components = mixing @ factors.components
    # the same product, but for what has become negative
    start = np.maximum(factors.maps @ np.linalg.inv(mixing), 0.0)
    maps = fit_maps(matrix, start, components)
    order = np.argsort(-maps.sum(axis=0), kind="stable")
    maps, components = canonical(maps, components)
    restored = replace(
        factors, maps=maps, components=components, stability=factors.stability[order]
    )
    return Restored(restored, _reordered(uncertainty, mixing, order, restored), parts)


def _signed_intensities(
    components: Floats, totals: Floats, elements: Sequence[str], recorded: RecordedSpectra
) -> tuple[Floats, Floats]:
    """Return intensities of line families in components that sum to 1, and their errors."""
    z = np.array(sorted({atomic_number(symbol) for symbol in elements}), np.int64)
    spectrum = XraySpectrum(
        recorded.total_spectrum, recorded.axis, recorded.conditions, name="all pixels"
    )
    conditions = recorded.conditions
    assert conditions.beam_kev is not None
    scene = Scene(
        Material(z, np.full(z.size, 1 / z.size)),
        conditions.beam_kev,
        conditions.take_off_deg or DEFAULT_TAKE_OFF_DEG,
        default_detector(spectrum),
    )
    found = measurable_families(z.tolist(), scene.beam_kev, scene.low_kev, scene.high_kev)
    families = [each for each in found if _is_telling(each, found)]
    # all families are fitted, those that tell are used
    design, inside, _ = build_design(recorded.total_spectrum, recorded.axis, found, scene)
    weights = 1 / np.sqrt(np.maximum(recorded.total_spectrum[inside], 1.0))
    scaled = design * weights
    covariance = np.linalg.pinv(scaled @ scaled.T, rcond=1e-12, hermitian=True)
    used = [found.index(each) for each in families]
    measured = (components * totals[:, None])[:, inside] * weights
    values = (covariance @ (scaled @ measured.T))[used].T
    errors = np.sqrt(np.maximum(np.diag(covariance)[used], 0.0))
    return values / totals[:, None], errors / totals[:, None]


def _is_telling(family: Family, families: Sequence[Family]) -> bool:
    """Return whether a family is hard, or its element has no harder one."""
    energies = {each: max(line.energy_kev for line in each.lines) for each in families}
    others = [each for each in families if each.z == family.z]
    return energies[family] >= SOFT_KEV or energies[family] == max(energies[e] for e in others)


def _parts_to_add(intensities: Floats, errors: Floats) -> Floats:
    """Return the least parts of other components that leave no intensity negative."""
    k = intensities.shape[0]
    parts = np.zeros((k, k))
    for component in range(k):
        is_negative = intensities[component] < -LEAST_DEFICIT * errors[component]
        others = [other for other in range(k) if other != component]
        if not is_negative.any() or not others:
            continue
        available = np.maximum(intensities[others][:, is_negative], 0.0)
        error = errors[component][is_negative]
        found, _ = nnls((available / error).T, -intensities[component][is_negative] / error)
        parts[component, others] = np.minimum(found, LARGEST_PART)
    return parts


def _reordered(
    uncertainty: Uncertainty, mixing: Floats, order: NDArray[np.intp], restored: Factorisation
) -> Uncertainty:
    """Return errors of mixed components; ranges of equal fits are widened to hold them."""
    error = np.sqrt(mixing**2 @ uncertainty.component_errors**2)[order]
    lowest, highest = (
        (mixing @ values)[order]
        for values in (uncertainty.lowest_components, uncertainty.highest_components)
    )
    return replace(
        uncertainty,
        component_errors=error,
        map_errors=uncertainty.map_errors[:, order],
        half_stability=uncertainty.half_stability[order],
        least_share=np.minimum(uncertainty.least_share[order], restored.shares),
        largest_share=np.maximum(uncertainty.largest_share[order], restored.shares),
        lowest_components=lowest,
        highest_components=highest,
        purity=purity_of(restored.maps),
    )
