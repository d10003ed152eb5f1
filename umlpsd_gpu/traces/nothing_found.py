"""What to say when a movie has no emitter."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.emitters import Detection
from umlpsd_gpu.traces.images import MovieImages


def describe_reasons(detection: Detection) -> str:
    """Return how many candidates were dropped for each reason; "" for none.

    Parameters
    ----------
    detection : Detection
    """
    return ", ".join(f"{count} {reason}" for reason, count in detection.dropped.items() if count)


def explain_no_emitters(
    movie: Movie, images: MovieImages, detection: Detection, motion_note: str = ""
) -> TracesError:
    """Return the error for a movie without emitters.

    Parameters
    ----------
    movie : Movie
    images : MovieImages
    detection : Detection
    motion_note : str
        That the sample moved.
    """
    finite = np.isfinite(images.mean)
    if not finite.any():
        return TracesError(
            f"{movie.path}: no emitters found: {_find_not_finite(movie)}; remove or "
            "correct those frames, or export the movie again"
        )
    if np.ptp(images.mean[finite]) == 0 and not images.variance[finite].any():
        return TracesError(
            f"{movie.path}: no emitters found: every pixel of the movie is constant at "
            f"{images.mean[finite][0]:.6g} counts; check the channel and how the movie was exported"
        )
    best = detection.brightest
    if detection.n_candidates:
        why = f"all {detection.n_candidates} spots were dropped ({describe_reasons(detection)})"
    else:
        why = f"no spot exceeds detection_snr = {detection.threshold:g}"
    moved = f"; {motion_note}" if motion_note else ""
    return TracesError(
        f"{movie.path}: no emitters found: {why}; the brightest candidate has {best.snr:.2f} times "
        f"the noise, at row {best.row:.0f}, column {best.col:.0f}{moved}. Lower "
        "traces.detection_snr, or correct traces.psf_sigma_px"
    )


def _find_not_finite(movie: Movie) -> str:
    for first, frames in movie.chunks():
        bad = ~np.isfinite(frames).all(axis=(1, 2))
        if bad.any():
            return f"frame {first + int(np.argmax(bad))} contains NaN or infinity"
    return "its sum over time overflows"
