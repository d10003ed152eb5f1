"""Min-max scaling: every trace on the same footing, whatever its brightness."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.backend import xp_of
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.traces import ROUNDING


def minmax(values: np.ndarray) -> np.ndarray:
    """Scale each trace to [0, 1] by its own minimum and maximum.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
        Counts, of any real type; NumPy or CuPy.

    Returns
    -------
    ndarray, shape (n_traces, n_samples), float64
        ``(x − min) / (max − min)``. A constant trace (range within 64 ulp of its largest
        magnitude) has no range and becomes 0 throughout, never NaN. A trace that holds NaN or
        infinity becomes NaN throughout: it can't be scaled, and must not pass for one that can.

    Raises
    ------
    TracesError
        If the traces hold no samples.

    Notes
    -----
    Last part of step 2 of the method [P, M]; what a constant trace becomes is ours [I].
    """
    xp = xp_of(values)
    if values.shape[1] == 0:
        raise TracesError("traces of 0 samples can't be scaled; at least 1 is needed")
    low = values.min(axis=1, keepdims=True).astype(xp.float64)
    high = values.max(axis=1, keepdims=True).astype(xp.float64)
    finite = xp.isfinite(low) & xp.isfinite(high)
    low, high = xp.where(finite, low, 0.0), xp.where(finite, high, 0.0)
    constant = high - low <= ROUNDING * xp.maximum(abs(low), abs(high))
    scaled = values - low
    scaled /= xp.where(constant, 1.0, high - low)
    scaled[constant[:, 0]] = 0.0
    scaled[~finite[:, 0]] = xp.nan
    return scaled
