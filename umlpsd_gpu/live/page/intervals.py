"""Intervals of mean exponents."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from umlpsd_gpu.compute.arrays import Array


def interval_95(mean: Array, stderr: Array, n: Array) -> tuple[Array, Array]:
    """Return the 95 % intervals of means by Student's t distribution.

    Parameters
    ----------
    mean, stderr : ndarray, shape (n_means,)
    n : ndarray, shape (n_means,), int
        Values behind each mean.

    Returns
    -------
    low, high : ndarray, shape (n_means,)
        NaN for a mean of fewer than two values.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.live.page.intervals import interval_95
    >>> low, high = interval_95(np.array([1.0]), np.array([0.1]), np.array([11]))
    >>> round(float(high[0]), 3)
    1.223
    """
    dof = np.where(np.asarray(n) >= 2, np.asarray(n) - 1.0, np.nan)
    reach = stdtrit(dof, 0.975) * np.asarray(stderr)
    return np.asarray(mean) - reach, np.asarray(mean) + reach
