"""Two studies of the same map of curves side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.comparing.bootstrap import NOTE, Bootstrap
from umlpsd_gpu.analyses.comparing.common_items import file_notes, find_same_pixels
from umlpsd_gpu.analyses.comparing.comparison import Agreement, Comparison, Difference
from umlpsd_gpu.analyses.comparing.decisions import decision_differences, k_sentence
from umlpsd_gpu.analyses.comparing.label_agreement import compare_labels, unmatched_notes
from umlpsd_gpu.analyses.curves.result import CurveStudy

# As in the report: a median of fewer curves than half of a cluster is none
LEAST_SHARE = 0.5
# Its values are names of models
NO_NUMBER = ("transport_model",)


def compare_studies(first: CurveStudy, second: CurveStudy) -> Comparison:
    """Compare two studies of the same map.

    Parameters
    ----------
    first, second : CurveStudy

    Returns
    -------
    Comparison
        K, labels, and medians of the quantities by cluster.

    Raises
    ------
    SettingsError
        If the maps differ in size.
    """
    files = tuple([path.name for path in each.map.paths] for each in (first, second))
    one, other, common = find_same_pixels(
        (first.clustering.labels, second.clustering.labels),
        (_shape(first), _shape(second)),
        (files[0], files[1]),
        "curves",
    )
    agreement = compare_labels(one, other, common, "curves")
    decisions = first.clustering.decision, second.clustering.decision
    differences = [
        *decision_differences(*decisions),
        *_quantities(first, second, Bootstrap(one, other, common), agreement),
    ]
    notes = [*file_notes(*files), *unmatched_notes(agreement), NOTE]
    scales = [decision.scale for decision in decisions]
    if scales[0] != scales[1]:
        notes.insert(0, f"Curves are compared as {scales[0]} in A and as {scales[1]} in B.")
    sentence = f"{k_sentence(*decisions)}. {agreement.sentence}"
    return Comparison(sentence, differences, tuple(notes), agreement)


def _shape(study: CurveStudy) -> tuple[int, ...]:
    return study.map.shape or (study.map.n_curves,)


def _quantities(
    first: CurveStudy, second: CurveStudy, bootstrap: Bootstrap, agreement: Agreement
) -> Iterator[Difference]:
    for name, quantity in first.quantities.items():
        if name in NO_NUMBER or name not in second.quantities:
            continue
        values = tuple(
            np.where(each.is_valid, each.values, np.nan)
            for each in (quantity, second.quantities[name])
        )
        unit = f" ({quantity.unit})" if quantity.unit else ""
        yield from bootstrap.differences(
            f"{quantity.title}{unit}, median",
            (values[0], values[1]),
            agreement.matches,
            "median",
            LEAST_SHARE,
        )
