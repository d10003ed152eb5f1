"""Min-max scaling: traces of any brightness on the same scale."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.traces import ROUNDING


def minmax(values: Array, out: Array | None = None) -> Array:
    """Scale each trace to [0, 1] by its own minimum and maximum.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
        Counts, of any real type; NumPy.
    out : ndarray, shape (n_traces, n_samples), float64, optional
        Where the result is written; default: a new array.

    Returns
    -------
    ndarray, shape (n_traces, n_samples), float64
        ``(x − min) / (max − min)``. A constant trace (range within 64 ulp of its largest
        magnitude) becomes 0 throughout, never NaN. A trace with NaN or infinity becomes NaN
        throughout: it can't be scaled, and must not look as if it could.

    Raises
    ------
    TracesError
        If the traces have no samples.

    Notes
    -----
    Last part of step 2 of the method [P, M]; the value of constant traces is our choice [I].
    """
    require_samples(values.shape[1])
    low = values.min(axis=1, keepdims=True).astype(np.float64)
    high = values.max(axis=1, keepdims=True).astype(np.float64)
    finite = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(finite, low, 0.0), np.where(finite, high, 0.0)
    constant = high - low <= ROUNDING * np.maximum(abs(low), abs(high))
    scaled: Array = np.subtract(values, low, out=out)
    scaled /= np.where(constant, 1.0, high - low)
    scaled[constant[:, 0]] = 0.0
    scaled[~finite[:, 0]] = np.nan
    return scaled


def require_samples(n_samples: int) -> None:
    """Raise TracesError if there is nothing to scale.

    Parameters
    ----------
    n_samples : int
    """
    if n_samples == 0:
        raise TracesError("traces of 0 samples can't be scaled; at least 1 is needed")
