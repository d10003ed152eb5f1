"""Which other sweeps a decision needs besides those of the curves themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.decision.consensus import weighed_scales
from umlpsd_gpu.kmeans.halves import MOST_K
from umlpsd_gpu.kmeans.resamples import half_samples, n_drawn

# Epochs of a surrogate's sweep (our choice).
SURROGATE_EPOCHS = 20
# Halves of fewer items hold too few of each cluster
LEAST_DRAWN = 4
# The consensus compares K = 2 with K = 3 at least
LEAST_K = 3


@dataclass(frozen=True, eq=False)
class EvidenceNeeded:
    """What is to be swept in one representation besides the curves themselves.

    Attributes
    ----------
    k_values : range
        Numbers of clusters of these sweeps.
    n_surrogates : int
        How many ensembles without clusters (`gaussian_surrogates`); 0 for none. Each is swept in
        `SURROGATE_EPOCHS` epochs, or in those of the curves where these are fewer.
    samples : ndarray, shape (n_samples, n_drawn), int, or None
        Which curves each half holds, the same in all representations; None where no halves are
        swept.
    """

    k_values: range
    n_surrogates: int = 0
    samples: np.ndarray | None = None


def evidence_plan(
    names: Sequence[str],
    n_curves: int,
    k_max: int,
    rule: str,
    n_surrogates: int,
    n_resamples: int,
    seed: int,
) -> dict[str, EvidenceNeeded]:
    """Plan the sweeps of surrogates and samples that the consensus reads.

    Parameters
    ----------
    names : sequence of str
        Names of all representations (smoothing scales) whose curves are swept, in their order.
    n_curves : int
        Curves of the ensemble; at least 2.
    k_max : int
        Largest number of clusters tried.
    rule : str
        Rule of the decision: all but ``"consensus"`` need nothing.
    n_surrogates : int
        Surrogates of each weighed representation; 0 for none.
    n_resamples : int
        Halves of the curves; 0 for none. None are drawn where a half would hold fewer than four
        curves.
    seed : int
        Of the samples.

    Returns
    -------
    dict of str to EvidenceNeeded
        One for each name. Representations that the consensus doesn't weigh (`weighed_scales`) need
        nothing.

    Examples
    --------
    >>> plan = evidence_plan(["raw", "W80"], 40, 15, "consensus", 2, 0, seed=0)
    >>> plan["W80"]
    EvidenceNeeded(k_values=range(1, 11), n_surrogates=2, samples=None)
    """
    k_values = weighed_k_values(n_curves, k_max)
    if rule != "consensus":
        return {name: EvidenceNeeded(k_values) for name in names}
    weighed = weighed_scales(names)
    samples = None
    if n_resamples >= 2 and n_drawn(n_curves) >= LEAST_DRAWN and k_max >= LEAST_K:
        samples = half_samples(n_curves, seed, n_resamples)
    return {
        name: EvidenceNeeded(
            k_values,
            n_surrogates if name in weighed else 0,
            samples if name in weighed else None,
        )
        for name in names
    }


def weighed_k_values(n_curves: int, k_max: int) -> range:
    """Return the numbers of clusters that the consensus weighs.

    Parameters
    ----------
    n_curves : int
        Curves of the ensemble; at least 2.
    k_max : int
        Largest number of clusters tried.

    Returns
    -------
    range
        From 1 to 10 at most, and to fewer than there are curves.
    """
    return range(1, min(MOST_K, k_max, n_curves - 1) + 1)
