"""Two studies of the same micrograph side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator

from umlpsd_gpu.analyses.comparing.common_items import file_notes, find_same_pixels
from umlpsd_gpu.analyses.comparing.comparison import Agreement, Comparison, Difference
from umlpsd_gpu.analyses.comparing.components import (
    NOTE,
    difference_of_measured,
    dominant_components,
    share_differences,
)
from umlpsd_gpu.analyses.comparing.decisions import count_sentence
from umlpsd_gpu.analyses.comparing.label_agreement import compare_labels, unmatched_notes
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.images.spots import Spot

# Spots are the same if their reciprocal vectors differ by less than this share of their length
SAME_SPOT = 0.05


def compare_studies(first: MicrographStudy, second: MicrographStudy) -> Comparison:
    """Compare two studies of the same micrograph.

    Parameters
    ----------
    first, second : MicrographStudy

    Returns
    -------
    Comparison
        Numbers of local spectra, their windows, shares and lattice spacings.

    Raises
    ------
    SettingsError
        If the grids of windows differ.
    """
    names = tuple([each.micrograph.path.name] for each in (first, second))
    one, other, common = find_same_pixels(
        (dominant_components(first.factors), dominant_components(second.factors)),
        (first.grid, second.grid),
        (names[0], names[1]),
        "windows",
    )
    agreement = compare_labels(one, other, common, "windows")
    differences = [
        Difference.of("local spectra K", first.k, second.k),
        Difference.of("p-value", first.p_value, second.p_value),
        *share_differences(first.factors, second.factors, agreement),
        *_spacings(first, second, agreement),
    ]
    notes = [*file_notes(*names), *unmatched_notes(agreement), NOTE]
    sentence = count_sentence("The number of local spectra", first.k, second.k)
    return Comparison(f"{sentence}. {agreement.sentence}", differences, tuple(notes), agreement)


def _spacings(
    first: MicrographStudy, second: MicrographStudy, agreement: Agreement
) -> Iterator[Difference]:
    """Yield the differences of the spacings of spots that both studies found."""
    sizes = first.micrograph.pixel_size_m, second.micrograph.pixel_size_m
    known = None not in sizes
    unit = "nm" if known else "px"
    scales = tuple(1e9 * (size or 1e-9) if known else 1.0 for size in sizes)
    for match in agreement.matches:
        others = [spot for spot in second.spots if spot.component == match.second]
        for spot in first.spots:
            if spot.component != match.first or not others:
                continue
            nearest = min(others, key=lambda each: _distance(spot, each))
            if _distance(spot, nearest) < SAME_SPOT:
                yield difference_of_measured(
                    f"spacing ({unit}) at {spot.angle_deg:.0f}°",
                    (scales[0] * spot.spacing_px, scales[0] * spot.spacing_error_px),
                    (scales[1] * nearest.spacing_px, scales[1] * nearest.spacing_error_px),
                    (match.first, match.second),
                )


def _distance(one: Spot, other: Spot) -> float:
    """Return the distance of two reciprocal vectors, relative to the first; their sign is free."""
    vectors = [
        complex(math.cos(angle) / spot.spacing_px, math.sin(angle) / spot.spacing_px)
        for spot in (one, other)
        for angle in (math.radians(spot.angle_deg),)
    ]
    apart = min(abs(vectors[0] - vectors[1]), abs(vectors[0] + vectors[1]))
    return apart / abs(vectors[0])
