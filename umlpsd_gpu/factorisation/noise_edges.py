"""How large a singular value of pure noise gets."""

from __future__ import annotations

from math import sqrt

# Quantile 0.9999 of the Tracy–Widom distribution of real matrices (Bejan, arXiv:math/0504049): of
# several binnings hardly one shows a component that is noise
TRACY_WIDOM_QUANTILE = 4.1


def largest_of_noise(n_rows: int, n_columns: int) -> float:
    """Return what the largest singular value of white noise of unit variance hardly exceeds.

    The edge of Marchenko and Pastur with the fluctuation of Johnstone, Ann. Stat. 29, 295 (2001).

    Parameters
    ----------
    n_rows, n_columns : int

    Returns
    -------
    float
    """
    edge = noise_edge(n_rows, n_columns)
    spread = edge * (1 / sqrt(n_rows) + 1 / sqrt(n_columns)) ** (1 / 3)
    return sqrt(edge**2 + TRACY_WIDOM_QUANTILE * spread)


def noise_edge(n_rows: int, n_columns: int) -> float:
    """Return the largest singular value of white noise of unit variance for large matrices.

    Parameters
    ----------
    n_rows, n_columns : int

    Returns
    -------
    float
    """
    return sqrt(n_rows) + sqrt(n_columns)


def optimal_threshold(n_rows: int, n_columns: int) -> float:
    """Return the singular value above which keeping a component lowers the error of the estimate.

    Gavish and Donoho, IEEE Trans. Inf. Theory 60, 5040 (2014), for noise of unit variance.

    Parameters
    ----------
    n_rows, n_columns : int

    Returns
    -------
    float
    """
    ratio = min(n_rows, n_columns) / max(n_rows, n_columns)
    middle = ratio + 1 + sqrt(ratio**2 + 14 * ratio + 1)
    return sqrt(2 * (ratio + 1) + 8 * ratio / middle) * sqrt(max(n_rows, n_columns))
