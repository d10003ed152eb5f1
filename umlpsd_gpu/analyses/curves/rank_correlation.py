"""Spearman's rank correlation of quantities with the height of the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from umlpsd_gpu.analyses.curves.result import CurveStudy

LEAST_CURVES = 20
Z_95 = 1.959964


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation of a quantity with the height.

    Attributes
    ----------
    title : str
        Of the quantity.
    rho : float
        −1…1.
    low, high : float
        95 % interval.
    n : int
        Curves in which the quantity is valid.
    """

    title: str
    rho: float
    low: float
    high: float
    n: int


def correlate_with_height(study: CurveStudy) -> list[RankCorrelation]:
    """Correlate every quantity with the height.

    Neighbouring pixels are alike, so that there are fewer independent ones than pixels: the
    interval counts as many as the correlation of the ranks of neighbours in both maps leaves
    (Dutilleul, Biometrics 49, 305, 1993, with neighbours only). Its width is that of Bonett and
    Wright (Psychometrika 65, 23, 2000).

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    list of RankCorrelation
        Without quantities that are valid in fewer than 20 curves, or constant; empty without
        topography.
    """
    height = study.map.height
    if height is None:
        return []
    found = []
    for name, quantity in study.quantities.items():
        use = quantity.is_valid & np.isfinite(height)
        n = int(np.count_nonzero(use))
        if n < LEAST_CURVES or name.startswith("transport_"):
            continue
        values, heights = quantity.values[use], height[use]
        if np.ptp(values) == 0 or np.ptp(heights) == 0:
            continue
        ranks = np.full((2, height.size), np.nan)
        ranks[:, use] = [_standard(rankdata(each)) for each in (values, heights)]
        rho = float(np.mean(ranks[0, use] * ranks[1, use]))
        low, high = _interval(rho, _independent(ranks, n, study.map.shape))
        found.append(RankCorrelation(quantity.title, rho, low, high, n))
    return found


def _standard(ranks: np.ndarray) -> np.ndarray:
    standard: np.ndarray = (ranks - ranks.mean()) / ranks.std()
    return standard


def _independent(ranks: np.ndarray, n: int, shape: tuple[int, int] | None) -> float:
    """Return the number of independent pixels, from the correlation of neighbours."""
    if shape is None or min(shape) < 2:
        return float(n)
    first, second = ranks.reshape(2, *shape)
    product = 1.0
    for image in (first, second):
        across, down = image[:, 1:] * image[:, :-1], image[1:] * image[:-1]
        pairs = np.concatenate([across.ravel(), down.ravel()])
        known = pairs[np.isfinite(pairs)]
        product *= float(np.clip(known.mean(), 0, 0.99)) if known.size else 0.0
    # in two dimensions, of a correlation that decays as the power of the distance
    one_way = (1 - product) / (1 + product)
    return max(4.0, n * one_way**2)


def _interval(rho: float, n: float) -> tuple[float, float]:
    if n <= 4:
        return -1.0, 1.0
    half = Z_95 * np.sqrt((1 + rho**2 / 2) / (n - 3))
    middle = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))
