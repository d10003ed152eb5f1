"""Whether the sample moved, and whether the apertures follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.motion import CORRECTED_PX, NOTED_PX, find_motion
from umlpsd_gpu.traces.streaming import STEADY_PX
from umlpsd_gpu.traces.sums import TemporalSums

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


@dataclass(frozen=True)
class Following:
    """Whether and how apertures follow the sample.

    Attributes
    ----------
    drift : ndarray, shape (n_frames, 2), or None
        In pixels; None where the apertures stay where they are.
    note : str
        What to tell the user; "" for nothing.
    is_steady : bool
        Whether the sample stays where it is, up to half a pixel.
    """

    drift: Array | None
    note: str
    is_steady: bool


def choose_drift(
    movie: Movie, settings: TracesSettings, sums: TemporalSums, n_threads: int | None = None
) -> Following:
    """Look whether the sample moved, and decide whether the apertures follow it.

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
    Following
    """
    if settings.drift_correction == "on":
        return Following(estimate_drift(movie, settings.psf_sigma_px, n_threads), "", False)
    motion = find_motion(sums.segments, sums.bin_px, settings.psf_sigma_px)
    moved_px = motion.largest_px
    if settings.drift_correction == "auto" and moved_px > CORRECTED_PX:
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads, motion)
        note = (
            f"the sample moved by {farthest_px(drift):.1f} px, and the apertures follow it "
            "(--no-drift-correction leaves them where they are)"
        )
        return Following(drift, note, False)
    return Following(None, _describe(moved_px), moved_px <= STEADY_PX)


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
