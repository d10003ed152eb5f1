"""Which other sweeps a decision needs besides those of the curves themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.decision.consensus import weighed_scales
from umlpsd_gpu.decision.profiles import MOST_K
from umlpsd_gpu.kmeans.resamples import half_samples, n_drawn

# Epochs of a surrogate's sweep: those that the weights of the consensus were fitted with.
SURROGATE_EPOCHS = 20
# Epochs of the sweep of a sample of the curves (our choice).
RESAMPLE_EPOCHS = 10
# Representations at which samples are swept: the first, middle and last weighed one (our choice).
RESAMPLED_SCALES = 3


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
        Which curves each sample holds, the same in all representations; None where no samples are
        swept. Each is swept in `RESAMPLE_EPOCHS` epochs, or in those of the curves where these are
        fewer.
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
        Samples of the curves; 0 for none. None are drawn where a sample would hold no more curves
        than there are clusters to weigh.
    seed : int
        Of the samples.

    Returns
    -------
    dict of str to EvidenceNeeded
        One for each name. Representations that the consensus doesn't weigh (`weighed_scales`) need
        nothing; samples are swept at three of the others at most.

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
    resampled, samples = [], None
    if n_resamples and n_drawn(n_curves) > min(MOST_K, k_max):
        resampled = _pick_evenly(weighed)
        samples = half_samples(n_curves, seed, n_resamples)
    return {
        name: EvidenceNeeded(
            k_values,
            n_surrogates if name in weighed else 0,
            samples if name in resampled else None,
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


def _pick_evenly(names: Sequence[str]) -> list[str]:
    """Return `RESAMPLED_SCALES` of the names, the first and the last among them; or all."""
    picked = np.unique(np.linspace(0, len(names) - 1, RESAMPLED_SCALES).round().astype(int))
    return [names[i] for i in picked]
