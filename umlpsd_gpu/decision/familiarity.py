"""How far an ensemble's evidence is from that of the ensembles that the rule was fitted on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from umlpsd_gpu.decision.consensus import NEARLY_ONE, weaker_evidence
from umlpsd_gpu.decision.evidence import Evidence

FAMILIAR = Path(__file__).with_name("familiar.json")
# Share of the ensembles of the fit that are further from their centre than the limit
SHARE_BEYOND = 0.01
# Unfamiliar ensembles: log-odds are multiplied by this, and their interval is divided by it (our
# choice), since the calibration says nothing about them.
TRUST = 0.5


@dataclass(frozen=True)
class Familiar:
    """Where the evidence of the ensembles of the fit lies.

    Attributes
    ----------
    mean : ndarray, shape (4,)
        Gap and reproducibility at K_opt, and the same at the strongest larger K.
    inverse_covariance : ndarray, shape (4, 4)
    limit : float
        Mahalanobis distance that 1 % of them exceed.
    n_items : tuple of int
        Smallest and largest number of items.
    """

    mean: np.ndarray
    inverse_covariance: np.ndarray
    limit: float
    n_items: tuple[int, int]


@cache
def fitted_region() -> Familiar:
    """Return the region that the package comes with.

    Returns
    -------
    Familiar
    """
    found = json.loads(FAMILIAR.read_text(encoding="utf-8"))
    low, high = found["n_items"]
    return Familiar(
        np.array(found["mean"]), np.array(found["inverse_covariance"]), found["limit"], (low, high)
    )


def write_region(points: np.ndarray, n_items: Sequence[int]) -> None:
    """Replace the region that the package comes with.

    Parameters
    ----------
    points : ndarray, shape (n_ensembles, 4)
        `signature` of each ensemble of the fit.
    n_items : sequence of int
        Size of each of them.
    """
    mean = points.mean(axis=0)
    inverse = np.linalg.inv(np.cov(points.T))
    distance = _distance(points, mean, inverse)
    values = {
        "mean": mean.round(4).tolist(),
        "inverse_covariance": inverse.round(4).tolist(),
        "limit": round(float(np.quantile(distance, 1 - SHARE_BEYOND)), 3),
        "n_items": [int(min(n_items)), int(max(n_items))],
    }
    FAMILIAR.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def signature(evidence: Evidence, k_opt: int) -> np.ndarray:
    """Return the evidence that decided: that for K_opt and the strongest for a larger K.

    Parameters
    ----------
    evidence : Evidence
    k_opt : int

    Returns
    -------
    ndarray, shape (4,)
        Gap and transformed reproducibility at K_opt (K = 2 for 1), and at the larger K.
    """
    at = max(k_opt, 2) - 2
    both = weaker_evidence(evidence.gap, evidence.reproducibility) + evidence.gap
    later = both[:, at + 1 :]
    beyond = at + 1 + int(later.max(axis=0).argmax()) if later.size else at
    return np.concatenate([_strongest(evidence, both, k) for k in (at, beyond)])


def unfamiliarity(evidence: Evidence, k_opt: int, n_items: int) -> str:
    """Say in which way the evidence is outside what the rule was fitted on.

    Parameters
    ----------
    evidence : Evidence
    k_opt : int
    n_items : int

    Returns
    -------
    str
        A part of a sentence; empty if it is inside.
    """
    region = fitted_region()
    low, high = region.n_items
    if not low <= n_items <= high:
        return f"ensembles of {low} to {high} items were used for its calibration, not {n_items}"
    found = signature(evidence, k_opt)
    distance = float(_distance(found[None], region.mean, region.inverse_covariance)[0])
    if distance <= region.limit:
        return ""
    return (
        f"its evidence is unlike that of the ensembles used for its calibration (distance "
        f"{distance:.1f}, of which 99 % are within {region.limit:.1f})"
    )


def _strongest(evidence: Evidence, both: np.ndarray, at: int) -> np.ndarray:
    best = int(both[:, at].argmax())
    reproducibility = evidence.reproducibility[best, at]
    return np.array([evidence.gap[best, at], -np.log(NEARLY_ONE - reproducibility)])


def _distance(points: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    away = points - mean
    distance: np.ndarray = np.sqrt(np.einsum("ni,ij,nj->n", away, inverse, away))
    return distance
