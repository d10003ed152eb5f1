"""Whether the sample moved, and whether the apertures follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.motion import CORRECTED_PX, NOTED_PX, find_motion
from umlpsd_gpu.traces.sums import TemporalSums

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


def choose_drift(
    movie: Movie, settings: TracesSettings, sums: TemporalSums, n_threads: int | None = None
) -> tuple[Array | None, str]:
    """Return the drift that the apertures follow, and what to tell the user.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings
    sums : TemporalSums
        Of the movie, without drift.
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    drift : ndarray, shape (n_frames, 2), or None
        In pixels; None where the apertures stay where they are.
    note : str
        "" if nothing is to be said.
    """
    if settings.drift_correction == "on":
        return estimate_drift(movie, settings.psf_sigma_px, n_threads), ""
    moved_px = find_motion(sums.segments, sums.bin_px, settings.psf_sigma_px).largest_px
    if settings.drift_correction == "auto" and moved_px > CORRECTED_PX:
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads, only_sure=True)
        return drift, (
            f"the sample moved by {farthest_px(drift):.1f} px, and the apertures follow it "
            "(--no-drift-correction leaves them where they are)"
        )
    return None, _describe(moved_px)


def describe_motion(sums: TemporalSums, settings: TracesSettings) -> str:
    """Return a sentence about a sample that moved by more than 1 px; "" for less.

    Parameters
    ----------
    sums : TemporalSums
        Of the movie.
    settings : TracesSettings
    """
    moved_px = find_motion(sums.segments, sums.bin_px, settings.psf_sigma_px).largest_px
    if moved_px <= NOTED_PX:
        return ""
    return f"the sample moved by {moved_px:.1f} px, and its pixels do not follow it"


def farthest_px(drift: Array) -> float:
    """Return the largest distance of the sample from its first place, in pixels.

    Parameters
    ----------
    drift : ndarray, shape (n_frames, 2)
    """
    return float(np.hypot(*drift.T).max())


def _describe(moved_px: float) -> str:
    if moved_px <= NOTED_PX:
        return ""
    return (
        f"the sample moved by {moved_px:.1f} px, and the apertures stay where they are; "
        "--drift-correction makes them follow it"
    )
