"""Trajectories with frames that are missing → interpolated where they are few."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array

MOST_MISSING = 0.05


def fill_gaps(values: Array) -> tuple[Array, str]:
    """Interpolate missing frames linearly, in traces that lack up to 5 % of them.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts; NaN where missing. Changed in place.

    Returns
    -------
    values : ndarray
        The same.
    note : str
        About the traces that lack frames; "" if none does.
    """
    missing = np.isnan(values)
    n_missing = missing.sum(axis=1)
    few = (n_missing > 0) & (n_missing <= MOST_MISSING * values.shape[1])
    frames = np.arange(values.shape[1])
    if few.any():
        values[few] = [_interpolate(trace, frames) for trace in values[few]]
    n_filled, n_left = np.count_nonzero(few), np.count_nonzero((n_missing > 0) & ~few)
    parts = []
    if n_filled:
        parts.append(
            f"{n_filled} of {len(values)} traces lack up to {n_missing[few].max()} frames, in "
            "which their pixels are NaN or constant, and were interpolated there"
        )
    if n_left:
        parts.append(
            f"{n_left} of {len(values)} traces lack more than {100 * MOST_MISSING:.0f} % of the "
            "frames, in which their pixels are NaN or constant"
        )
    return values, "; ".join(parts)


def _interpolate(trace: Array, frames: Array) -> Array:
    gap = np.isnan(trace)
    whole: Array = np.where(gap, np.interp(frames, frames[~gap], trace[~gap]), trace)
    return whole
