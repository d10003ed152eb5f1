"""Movie → Traces: images, detection and photometry in one verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from umlpsd_gpu.compute.backend import Device, choose_device
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.storage.blocks import is_spooled
from umlpsd_gpu.traces import gpu as on_device
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.emitters import Detection, detect_emitters
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice
from umlpsd_gpu.traces.images import MovieImages, temporal_images
from umlpsd_gpu.traces.photometry import measure_emitters
from umlpsd_gpu.traces.pixels import pixel_traces, region_of
from umlpsd_gpu.traces.traces import Traces

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


@dataclass(frozen=True)
class Extraction:
    """Traces of one movie, with the image they were found in.

    Attributes
    ----------
    traces : Traces
    mean_image : ndarray, shape (n_rows, n_cols), float64, counts
    note : str
        How many candidates were dropped and why, or the pixels' threshold; and what was done on
        another device than the one asked for. Empty where there is nothing to say.
    """

    traces: Traces
    mean_image: np.ndarray
    note: str


def extract_emitters(
    movie: Movie, settings: TracesSettings | None = None, device: Device = "auto"
) -> Traces:
    """Find the isolated emitters of a movie and measure their trajectories.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings, optional
    device : {"auto", "cpu", "gpu"}
        Where to compute; drift is corrected on the CPU in any case.

    Returns
    -------
    Traces
        Counts per frame above the local background, float64; by row, then column.

    Raises
    ------
    TracesError
        If no emitter is found; the message names the threshold and the brightest candidate.
    MovieError
        If the frame interval is unknown.
    DeviceError
        If ``"gpu"`` is asked for and there is none.
    """
    if settings is None:
        from umlpsd_gpu.traces.settings import TracesSettings

        settings = TracesSettings()
    return extract(movie, settings, device=choose_device(device)).traces


def extract(
    movie: Movie,
    settings: TracesSettings,
    n_threads: int | None = None,
    device: Literal["cpu", "gpu"] = "cpu",
) -> Extraction:
    """Do what ``settings.mode`` says, emitters or pixels, and keep the mean image.

    Drift is registered and followed by SciPy and scikit-image: a movie that is corrected for it is
    worked on by the CPU alone, and the note says so. Emitters are looked for on the CPU always.
    """
    movie.known_dt_s()
    drift, frames, notes = None, None, []
    region = region_of(movie, settings) if settings.mode == "pixels" else None
    if settings.drift_correction:
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads)
        if device == "gpu":
            notes.append(f"{movie.name}: drift is corrected, so the CPU extracted its traces.")
    elif device == "gpu":
        frames = FramesOnDevice(movie, n_threads)
    if frames is None:
        images = temporal_images(movie, drift, n_threads)
    else:
        images = on_device.temporal_images(frames)
    if settings.mode == "pixels":
        traces = pixel_traces(movie, settings, images.mean, region, frames)
        notes.append(f"{movie.name}: {traces.n_traces} {traces.history[-1]}.")
        if is_spooled(traces.values):
            notes.append(_spooled(movie, traces, settings))
    else:
        detection = detect_emitters(images, settings)
        if not detection.n_emitters:
            raise _nothing_found(movie, images, detection)
        traces = _measured(movie, detection, settings, drift, n_threads, frames)
        notes.append(_dropped(movie, detection))
    return Extraction(traces, images.mean, " ".join(filter(None, notes)))


def _measured(
    movie: Movie,
    detection: Detection,
    settings: TracesSettings,
    drift: np.ndarray | None,
    n_threads: int | None,
    frames: FramesOnDevice | None,
) -> Traces:
    rows, cols = detection.rows, detection.cols
    others = np.stack([detection.other_rows, detection.other_cols], axis=1)
    if frames is None:
        values = measure_emitters(movie, rows, cols, settings, drift, others, n_threads)
    else:
        values = on_device.measure_emitters(frames, rows, cols, settings, others)
    n_emitters = detection.n_emitters
    step = (
        f"{n_emitters} emitters above {detection.threshold:g} times the noise, "
        f"{settings.photometry} photometry minus ring background"
    )
    if drift is not None:
        step += f", following a drift of {np.hypot(*drift.T).max():.2f} px"
    return Traces(
        values=values,
        dt_s=movie.known_dt_s(),
        rows=rows,
        cols=cols,
        source=(movie.name,) * n_emitters,
        ids=tuple(f"{movie.name}:{i}" for i in range(n_emitters)),
        history=(step,),
    )


def _spooled(movie: Movie, traces: Traces, settings: TracesSettings) -> str:
    return (
        f"{movie.name}: its traces take {traces.values.nbytes / 1e6:,.0f} MB, more than "
        f"traces.memory_mb = {settings.memory_mb:g}: the CPU kept them in a temporary file."
    )


def _dropped(movie: Movie, detection: Detection) -> str:
    dropped = [f"{count} {reason}" for reason, count in detection.dropped.items() if count]
    if not dropped:
        return ""
    return (
        f"{movie.name}: {detection.n_emitters} of {detection.n_candidates} spots are emitters; "
        f"dropped: {', '.join(dropped)}."
    )


def _nothing_found(movie: Movie, images: MovieImages, detection: Detection) -> TracesError:
    finite = np.isfinite(images.mean)
    if not finite.any():
        return TracesError(
            f"{movie.path}: no emitters found: {_what_is_not_finite(movie)}; cut or mend those "
            "frames, or export the movie again"
        )
    if np.ptp(images.mean[finite]) == 0 and not images.variance[finite].any():
        return TracesError(
            f"{movie.path}: no emitters found: every pixel of the movie is constant at "
            f"{images.mean[finite][0]:.6g} counts; check the channel and how the movie was exported"
        )
    best = detection.brightest
    if detection.n_candidates:
        why = f"all {detection.n_candidates} spots were dropped ({_dropped(movie, detection)})"
    else:
        why = f"no spot exceeds detection_snr = {detection.threshold:g}"
    return TracesError(
        f"{movie.path}: no emitters found: {why}; the brightest candidate has {best.snr:.2f} times "
        f"the noise, at row {best.row:.0f}, column {best.col:.0f}. Lower traces.detection_snr, or "
        "mend traces.psf_sigma_px"
    )


def _what_is_not_finite(movie: Movie) -> str:
    for first, frames in movie.chunks():
        bad = ~np.isfinite(frames).all(axis=(1, 2))
        if bad.any():
            return f"frame {first + int(np.argmax(bad))} holds NaN or infinity"
    return "its sum over time overflows"
