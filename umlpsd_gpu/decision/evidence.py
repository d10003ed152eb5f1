"""Replications of all representations → the evidence that K clusters exist, for each K ≥ 2.

Clusters exist if the two that are least apart have a gap between them, and if random halves of the
items find each of them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.kmeans.replication import Replication

# Limits of the evidence: a deeper gap says no more.
LEAST_GAP, LARGEST_GAP = -1.5, 3.0
LEAST_REPRODUCIBILITY = 0.0
# Where pixels are clustered, the share of a cluster's pixels whose neighbours all belong to it, in
# the worst cluster. Below this share a cluster is the blurred border of two others, which has no
# inside, and not a domain (our choice).
LEAST_CORE_SHARE = 0.1


@dataclass(frozen=True)
class Evidence:
    """Evidence that K clusters exist, in each representation and for each K.

    Attributes
    ----------
    k_values : ndarray, shape (n_k,), int
        2, 3, …
    scales : tuple of str
        Names of the representations.
    gap, reproducibility, prediction_strength : ndarray, shape (n_scales, n_k)
        Of the worst cluster or pair of clusters; see `Replication`.
    """

    k_values: np.ndarray
    scales: tuple[str, ...]
    gap: np.ndarray
    reproducibility: np.ndarray
    prediction_strength: np.ndarray


def evidence_of(
    replications: Sequence[Replication], core_shares: Sequence[np.ndarray] | None = None
) -> Evidence:
    """Collect the evidence of all representations.

    Parameters
    ----------
    replications : sequence of Replication
        One for each representation.
    core_shares : sequence of ndarray, shape (n_k,), optional
        For pixels, of each representation: `core_share` of the clusters at the same K's.

    Returns
    -------
    Evidence
        For the K's that all replications have.
    """
    n_k = min(replication.k_values.size for replication in replications)
    gap = np.array([replication.gap()[:n_k] for replication in replications])
    found_again = np.array([replication.reproducibility()[:n_k] for replication in replications])
    if core_shares is not None:
        is_border = np.array([share[:n_k] for share in core_shares]) < LEAST_CORE_SHARE
        gap = np.where(is_border, LEAST_GAP, gap)
        found_again = np.where(is_border, LEAST_REPRODUCIBILITY, found_again)
    return Evidence(
        k_values=replications[0].k_values[:n_k],
        scales=tuple(replication.scale for replication in replications),
        gap=np.clip(gap, LEAST_GAP, LARGEST_GAP),
        reproducibility=found_again,
        prediction_strength=np.array([r.strength()[:n_k] for r in replications]),
    )


def core_share(labels: np.ndarray, neighbours: np.ndarray) -> float:
    """Return the share of inner pixels of the cluster that has the fewest.

    Parameters
    ----------
    labels : ndarray, shape (n_items,), int
        From 0 up.
    neighbours : ndarray, shape (n_pairs, 2), int
        Pairs of items that are neighbouring pixels.

    Returns
    -------
    float
        0…1. A pixel is inner if its neighbours all belong to its cluster.
    """
    differ = neighbours[labels[neighbours[:, 0]] != labels[neighbours[:, 1]]]
    inner = np.ones(labels.size)
    inner[differ.ravel()] = 0
    size = np.bincount(labels)
    shares = np.bincount(labels, weights=inner)[size > 0] / size[size > 0]
    return float(shares.min())
