"""Spectrum images like that of a study, and how much of the study is found in them again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImagesSettings
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.analyses.validation_protocol import Quantity, Recovery
from umlpsd_gpu.factorisation.canonical import match

# Pixels whose expected counts are in memory at once
PIXELS_AT_ONCE = 1024
# Elements with less than this atomic fraction in the truth are not listed
LEAST_FRACTION = 0.01
LARGEST_16_BIT = 30_000  # expected counts of an element of the matrix; far below the largest uint16


def simulate_like(study: SpectrumImageStudy, seed: int) -> SpectrumImage:
    """Draw a spectrum image whose components, maps and compositions are those of a study.

    Parameters
    ----------
    study : SpectrumImageStudy
    seed : int

    Returns
    -------
    SpectrumImage
        Poisson counts with the mean ``maps @ components``.
    """
    rng = np.random.default_rng([seed, *study.recorded.total_image.shape])
    maps, components = study.factors.maps, study.factors.components
    largest = float((maps.max(axis=0) * components.max(axis=1)).sum())
    dtype = np.uint16 if largest < LARGEST_16_BIT else np.uint32
    counts = np.empty((maps.shape[0], components.shape[1]), dtype)
    for start in range(0, len(maps), PIXELS_AT_ONCE):
        block = slice(start, start + PIXELS_AT_ONCE)
        counts[block] = rng.poisson(maps[block] @ components)
    recorded = study.recorded
    return SpectrumImage(
        counts=counts.reshape(*recorded.total_image.shape, -1),
        axis=recorded.axis,
        conditions=recorded.conditions,
        pixel_size_m=recorded.pixel_size_m,
    )


def settings_like(study: SpectrumImageStudy) -> SpectrumImagesSettings:
    """Return the settings of a study with its number of components.

    The number is decided in any case; the components of another number could not be compared.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    SpectrumImagesSettings
    """
    settings: SpectrumImagesSettings = study.settings
    return settings.with_values({"unmixing.k": study.k})


def compare_with(truth: SpectrumImageStudy, found: SpectrumImageStudy) -> Recovery:
    """Compare what was found in a simulated image with the study that is its truth.

    Parameters
    ----------
    truth, found : SpectrumImageStudy

    Returns
    -------
    Recovery
    """
    order, cosine = match(truth.factors.components, found.factors.components)
    quantities = [
        quantity
        for number, at in enumerate(order.tolist())
        for quantity in _quantities(truth, found, number, at, float(cosine[number]))
    ]
    decision = found.decision
    return Recovery(truth.k, decision.k, decision.probability, quantities)


def _quantities(
    truth: SpectrumImageStudy, found: SpectrumImageStudy, number: int, at: int, cosine: float
) -> Iterator[Quantity]:
    formula = truth.quantified[number].formula
    group = f"Component {number + 1}" + (f" ({formula})" if formula else "")
    yield Quantity(group, "cosine of the spectrum", 1.0, cosine)
    yield Quantity(group, "correlation of the map", 1.0, _correlation(truth, found, number, at))
    shares = truth.factors.shares[number], found.factors.shares[at]
    yield Quantity(group, "share of counts (%)", 100 * float(shares[0]), 100 * float(shares[1]))
    in_truth, in_found = truth.quantified[number], found.quantified[at]
    for symbol, fraction in zip(in_truth.elements, in_truth.atomic_fractions, strict=True):
        if fraction >= LEAST_FRACTION:
            value, error = in_found.atomic_fraction_of(symbol)
            yield Quantity(
                group, f"{symbol} (at%)", 100 * float(fraction), 100 * value, 100 * error
            )


def _correlation(
    truth: SpectrumImageStudy, found: SpectrumImageStudy, number: int, at: int
) -> float:
    maps = truth.factors.maps[:, number], found.factors.maps[:, at]
    centred = [each - each.mean() for each in maps]
    norms = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    # both are flat
    return float(centred[0] @ centred[1]) / norms if norms > 0 else 1.0
