"""Whether the sample moved, and whether apertures or pixels follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.motion import CORRECTED_PX, NOTED_PX, find_motion, largest_distance
from umlpsd_gpu.traces.streaming import STEADY_PX
from umlpsd_gpu.traces.sums import TemporalSums
from umlpsd_gpu.traces.texture_motion import find_texture_motion

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


@dataclass(frozen=True)
class Following:
    """Whether and how apertures or pixels follow the sample.

    Attributes
    ----------
    drift : ndarray, shape (n_frames, 2), or None
        In pixels; None where they stay where they are.
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
    """Look whether the sample moved, and decide whether apertures or pixels follow it.

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
    if settings.mode == "pixels":
        return _follow_edges(movie, settings, sums, n_threads)
    if settings.drift_correction == "on":
        return Following(estimate_drift(movie, settings.psf_sigma_px, n_threads), "", False)
    motion = find_motion(sums.segments, sums.bin_px, settings.psf_sigma_px)
    moved_px = motion.largest_px
    if settings.drift_correction == "auto" and moved_px > CORRECTED_PX:
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads, motion)
        return Following(drift, _describe_following(drift, "apertures"), False)
    return Following(None, _describe(moved_px, "apertures"), moved_px <= STEADY_PX)


def _follow_edges(
    movie: Movie, settings: TracesSettings, sums: TemporalSums, n_threads: int | None
) -> Following:
    """Decide whether the pixels of extended objects follow them."""
    path = find_texture_motion(sums.segments, sums.bin_px)
    moved_px = largest_distance(path)
    chosen = settings.drift_correction
    if chosen == "on" or (chosen == "auto" and moved_px > CORRECTED_PX):
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads, edges_path_px=path)
        return Following(drift, _describe_following(drift, "pixels"), False)
    return Following(None, _describe(moved_px, "pixels"), moved_px <= STEADY_PX)


def farthest_px(drift: Array) -> float:
    """Return the largest distance of the sample from its first place, in pixels.

    Parameters
    ----------
    drift : ndarray, shape (n_frames, 2)
    """
    return float(np.hypot(*drift.T).max())


def _describe_following(drift: Array, followers: str) -> str:
    return (
        f"the sample moved by {farthest_px(drift):.1f} px, and the {followers} follow it "
        "(--no-drift-correction leaves them where they are)"
    )


def _describe(moved_px: float, followers: str) -> str:
    if moved_px <= NOTED_PX:
        return ""
    return (
        f"the sample moved by {moved_px:.1f} px, and the {followers} stay where they "
        "are; --drift-correction makes them follow it"
    )
