"""Sweeps at K_opt → the smoothing scale whose labels are final."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from umlpsd_gpu.decision.adjusted_rand import adjusted_rand, stability
from umlpsd_gpu.decision.criteria import silhouette_peak
from umlpsd_gpu.kmeans.result import Sweep

# Partitions that have nothing in common agree to 0 ± a little. Agreement below this is chance: a
# negative one would rank the scale of larger separation lower.
LEAST_AGREEMENT = 0.01


def scale_merits(sweeps: Sequence[Sweep], k_opt: int) -> np.ndarray:
    """Return the merit of each scale: separation × stability × agreement at K_opt.

    The separation is that of the partition of smallest SSD (kmeans/metrics.py). It can be compared
    between scales; a silhouette can't, since it also falls with the noise that a scale leaves.
    Stability is the agreement between epochs, agreement that between the partitions of smallest SSD
    of this scale and of the others.

    On 295 simulated ensembles of five families the scale of largest merit finds 97.9 % of each
    class on average, that of the largest (<SS> − <%Mscl>) × agreement 97.2 %, raw traces 88.9 %,
    the best scale of each ensemble 98.2 %.

    Parameters
    ----------
    sweeps : sequence of Sweep
        One per scale, over the same traces.
    k_opt : int
        One of their K's. For 1, each scale is judged at the peak of its silhouette.

    Returns
    -------
    ndarray, shape (n_scales,)
        −∞ for a scale without any partition into two or more clusters.
    """
    merits = np.array([_steady_separation(sweep, k_opt) for sweep in sweeps])
    if k_opt == 1 or len(sweeps) < 2:
        return merits
    index = adjusted_rand(np.array([sweep.best_labels(k_opt) for sweep in sweeps]))
    agreement = (index.sum(axis=1) - 1) / (len(sweeps) - 1)
    weighted: np.ndarray = merits * np.maximum(agreement, LEAST_AGREEMENT)
    return weighted


def _steady_separation(sweep: Sweep, k: int) -> float:
    k = k if k > 1 else silhouette_peak(sweep)
    if k == 1:
        return -np.inf
    separation = float(sweep.separation[sweep.index_of(k), sweep.best_epoch(k)])
    # a single epoch has no stability to judge by
    return separation * stability(sweep, k) if sweep.n_epochs > 1 else separation
