"""Two studies of the same spectrum image side by side."""

from __future__ import annotations

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
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy


def compare_studies(first: SpectrumImageStudy, second: SpectrumImageStudy) -> Comparison:
    """Compare two studies of the same spectrum image.

    Parameters
    ----------
    first, second : SpectrumImageStudy

    Returns
    -------
    Comparison
        Numbers of components, their pixels, shares and compositions.

    Raises
    ------
    SettingsError
        If the images differ in size.
    """
    recorded = first.recorded, second.recorded
    one, other, common = find_same_pixels(
        (dominant_components(first.factors), dominant_components(second.factors)),
        (recorded[0].total_image.shape, recorded[1].total_image.shape),
        (recorded[0].files, recorded[1].files),
        "pixels",
    )
    agreement = compare_labels(one, other, common, "pixels")
    differences = [
        Difference.of("components K", first.k, second.k),
        Difference.of("probability of K", first.decision.probability, second.decision.probability),
        *share_differences(first.factors, second.factors, agreement),
        *_compositions(first, second, agreement),
    ]
    notes = [*file_notes(recorded[0].files, recorded[1].files), *unmatched_notes(agreement), NOTE]
    sentence = f"{count_sentence('The number of components', first.k, second.k)}"
    return Comparison(f"{sentence}. {agreement.sentence}", differences, tuple(notes), agreement)


def _compositions(
    first: SpectrumImageStudy, second: SpectrumImageStudy, agreement: Agreement
) -> Iterator[Difference]:
    """Yield the differences of atomic fractions of components that both studies quantify."""
    by_component = [
        {each.component: each for each in study.quantified} for study in (first, second)
    ]
    for match in agreement.matches:
        one, other = by_component[0].get(match.first), by_component[1].get(match.second)
        if one is None or other is None or not one.elements or not other.elements:
            continue
        for symbol in dict.fromkeys((*one.elements, *other.elements)):
            yield difference_of_measured(
                f"atomic fraction of {symbol}",
                one.atomic_fraction_of(symbol),
                other.atomic_fraction_of(symbol),
                (match.first, match.second),
            )
