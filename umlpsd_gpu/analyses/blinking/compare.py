"""Two blinking studies of the same traces side by side."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.comparing.bootstrap import NOTE, Bootstrap
from umlpsd_gpu.analyses.comparing.common_items import Items, find_common_items
from umlpsd_gpu.analyses.comparing.comparison import Comparison
from umlpsd_gpu.analyses.comparing.decisions import decision_differences, k_sentence
from umlpsd_gpu.analyses.comparing.label_agreement import compare_labels, unmatched_notes
from umlpsd_gpu.traces.traces import Traces

# Emitters are further apart than twice this; positions of the same one differ by far less
NEAR_EMITTER_PX, SAME_PIXEL_PX = 2.0, 0.25


def compare_studies(first: Study, second: Study) -> Comparison:
    """Compare two studies of the same movies or traces.

    Parameters
    ----------
    first, second : Study

    Returns
    -------
    Comparison
        K, labels, and exponents by cluster.

    Raises
    ------
    SettingsError
        If they have no common traces.
    """
    one, other = (items_of(study.traces, study.labels) for study in (first, second))
    of_pixels = "pixels" in (first.settings.traces.mode, second.settings.traces.mode)
    common = find_common_items(one, other, SAME_PIXEL_PX if of_pixels else NEAR_EMITTER_PX)
    agreement = compare_labels(one, other, common, "traces")
    bootstrap = Bootstrap(one, other, common)
    betas = first.fit.beta, second.fit.beta
    differences = [
        *decision_differences(first.decision, second.decision),
        *bootstrap.differences("⟨β⟩", betas, agreement.matches),
        *bootstrap.differences(
            "mean silhouette", (first.silhouette, second.silhouette), agreement.matches
        ),
    ]
    notes = [*_scale_notes(first, second), *_fit_notes(first, second)]
    notes += [*unmatched_notes(agreement), NOTE]
    sentence = f"{k_sentence(first.decision, second.decision)}. {agreement.sentence}"
    return Comparison(sentence, differences, tuple(notes), agreement)


def items_of(traces: Traces, labels: np.ndarray) -> Items:
    """Return traces as items that can be matched.

    Parameters
    ----------
    traces : Traces
    labels : ndarray, shape (n_traces,), int
    """
    return Items(labels, traces.ids, traces.source, np.stack([traces.rows, traces.cols], 1))


def _scale_notes(first: Study, second: Study) -> list[str]:
    one, other = first.decision.scale, second.decision.scale
    if one == other:
        return []
    return [f"Labels are those of scale {one} in A and of {other} in B."]


def _fit_notes(first: Study, second: Study) -> list[str]:
    ranges = first.fit.f_range_hz, second.fit.f_range_hz
    if np.allclose(*ranges, rtol=1e-3):
        return []
    texts = [f"{low:.3g} to {high:.3g} Hz" for low, high in ranges]
    return [f"Exponents are of different frequency ranges: {texts[0]} in A, {texts[1]} in B."]
