"""Binning: the mean over consecutive, non-overlapping windows of frames."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError


def bin_mean(values: Array, frames_per_bin: int) -> Array:
    """Average each trace over consecutive groups of frames.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Counts, of any real type; NumPy.
    frames_per_bin : int
        Window W, from 1 to ``n_frames``.

    Returns
    -------
    ndarray, shape (n_traces, ceil(n_frames / W)), float64
        An incomplete last window is the average of its frames. NaN and infinity affect only their
        own bins.

    Raises
    ------
    SettingsError
        If the window is not a whole number of frames from 1 to ``n_frames``.

    Notes
    -----
    Step 2 of the method [P]; incomplete last window as in the published scripts [M].
    """
    n_traces, n_frames = values.shape
    require_window(frames_per_bin, n_frames)
    n_whole, n_left = divmod(n_frames, frames_per_bin)
    binned = np.empty((n_traces, n_whole + (n_left > 0)))
    whole = values[:, : n_whole * frames_per_bin].reshape(n_traces, n_whole, frames_per_bin)
    # infinities of both signs in one bin have no mean: NaN is the intended result
    with np.errstate(invalid="ignore"):
        binned[:, :n_whole] = whole.mean(axis=2, dtype=np.float64)
        if n_left:
            rest = values[:, n_whole * frames_per_bin :]
            binned[:, n_whole] = rest.mean(axis=1, dtype=np.float64)
    return binned


def require_window(frames_per_bin: int, n_frames: int) -> None:
    """Raise SettingsError unless the window is a whole number of frames of the traces.

    Parameters
    ----------
    frames_per_bin : int
    n_frames : int
    """
    is_whole = isinstance(frames_per_bin, int | np.integer) and frames_per_bin is not True
    if not is_whole or not 1 <= frames_per_bin <= n_frames:
        raise SettingsError(
            f"frames_per_bin is {frames_per_bin}, but must be a whole number from 1 to the "
            f"{n_frames} frames of the traces; choose a smaller window"
        )
