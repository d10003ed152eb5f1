"""The difference between a study and the truth of a simulated movie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.simulate.movie import AGGREGATE, MovieTruth


@dataclass(frozen=True)
class Recovery:
    """How much of the truth of a movie a study recovered.

    Attributes
    ----------
    n_true, n_found, n_false : int
        Simulated emitters without aggregates, emitters found within the tolerance, and traces that
        match no emitter.
    position_rms_px : float
        Of the emitters found, px; NaN if there is none.
    k_true, k_opt : int
        Number of simulated classes, and of clusters in the decision.
    adjusted_rand : float
        Of clusters and classes over the emitters found; 1 is perfect, 0 is chance.
    """

    n_true: int
    n_found: int
    n_false: int
    position_rms_px: float
    k_true: int
    k_opt: int
    adjusted_rand: float


def compare_with_truth(study: Study, truth: MovieTruth, tolerance_px: float = 1.0) -> Recovery:
    """Match every trace to a simulated emitter, and compare clusters with classes.

    Parameters
    ----------
    study : Study
        Of the one movie that ``truth`` describes.
    truth : MovieTruth
    tolerance_px : float
        Largest distance between a trace and its emitter, px; each emitter is matched at most once.

    Returns
    -------
    Recovery
    """
    from sklearn.metrics import adjusted_rand_score

    emitters = truth.classes != AGGREGATE
    true_positions = np.stack([truth.rows, truth.cols], axis=1)[emitters]
    found_positions = np.stack([study.traces.rows, study.traces.cols], axis=1)
    distance_px = cdist(true_positions, found_positions)
    # beyond the tolerance all are equally wrong: near pairs are matched first
    true, found = linear_sum_assignment(np.minimum(distance_px, 10 * tolerance_px))
    near = distance_px[true, found] <= tolerance_px
    true, found = true[near], found[near]
    matched_px = distance_px[true, found]
    classes = truth.classes[emitters][true]
    return Recovery(
        n_true=int(emitters.sum()),
        n_found=true.size,
        n_false=study.traces.n_traces - true.size,
        position_rms_px=float(np.sqrt(np.mean(matched_px**2))) if true.size else float("nan"),
        k_true=np.unique(truth.classes[emitters]).size,
        k_opt=study.decision.k_opt,
        adjusted_rand=float(adjusted_rand_score(classes, study.labels[found])),
    )
