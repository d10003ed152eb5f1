"""Movie → Traces: images, detection and photometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import Device, choose_device
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.keywords import check_keywords, override
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
    """Traces of one movie, with its mean image.

    Attributes
    ----------
    traces : Traces
    mean_image : ndarray, shape (n_rows, n_cols), float64, counts
    note : str
        Number of dropped candidates by reason, or the pixels' threshold; and what ran on another
        device than requested. May be empty.
    """

    traces: Traces
    mean_image: Array
    note: str


@check_keywords
def extract_emitters(
    movie: Movie,
    settings: TracesSettings | None = None,
    device: Device = "auto",
    *,
    psf_sigma_px: float | None = None,
    detection_snr: float | None = None,
    min_separation_px: float | None = None,
    max_size_ratio: float | None = None,
    photometry: Literal["box", "gaussian"] | None = None,
    box_radius_px: int | None = None,
    ring_inner_px: float | None = None,
    ring_outer_px: float | None = None,
    drift_correction: bool | None = None,
) -> Traces:
    """Find the isolated emitters of a movie and measure their trajectories.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings, optional
        The keywords below override its fields; a keyword that is not given (None) leaves the field
        as it is.
    device : {"auto", "cpu", "gpu"}
        Where to compute; drift is always corrected on the CPU.
    psf_sigma_px : float, optional
        Standard deviation of a spot's image, in pixels, above 0.3 and up to 10. Default: 1.3.
    detection_snr : float, optional
        A spot must exceed the image noise by this many deviations, above 0. Default: 6.
    min_separation_px : float, optional
        Spots nearer to each other are both dropped, in pixels, 1 or above. Default: 5.
    max_size_ratio : float, optional
        Spots wider than this times ``psf_sigma_px`` are dropped, above 1. Default: 1.6.
    photometry : {"box", "gaussian"}, optional
        Sum of a square box, or Gaussian-weighted sum. Default: "box".
    box_radius_px : int, optional
        The box has (2 r + 1)² pixels, r 0 or above. Default: 2.
    ring_inner_px, ring_outer_px : float, optional
        Radii of the background ring in pixels, the inner one larger than the box radius. Default:
        4 and 7.
    drift_correction : bool, optional
        Whether to register the frames first and follow the drift. Default: False.

    Returns
    -------
    Traces
        Counts per frame above the local background, float64; by row, then column. NaN in frames
        where a pixel of the emitter or its ring is NaN or infinite.

    Raises
    ------
    TracesError
        If no emitter is found; the message names the threshold and the brightest candidate.
    MovieError
        If the frame interval is unknown.
    SettingsError
        If a keyword is unknown or its value is not allowed.
    DeviceError
        If ``"gpu"`` is asked for and there is none.

    Examples
    --------
    >>> import tempfile
    >>> from umlpsd_gpu import extract_emitters, open_movie
    >>> from umlpsd_gpu.simulate.movie import simulate_movie
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = simulate_movie(
    ...         f"{folder}/movie.tif", n_frames=200, n_rows=64, n_cols=64, n_emitters=5, seed=1
    ...     )
    ...     traces = extract_emitters(open_movie(truth.path), detection_snr=5)
    >>> traces.values.shape
    (5, 200)
    """
    if settings is None:
        from umlpsd_gpu.traces.settings import TracesSettings

        settings = TracesSettings()
    keywords = {
        "psf_sigma_px": psf_sigma_px,
        "detection_snr": detection_snr,
        "min_separation_px": min_separation_px,
        "max_size_ratio": max_size_ratio,
        "photometry": photometry,
        "box_radius_px": box_radius_px,
        "ring_inner_px": ring_inner_px,
        "ring_outer_px": ring_outer_px,
        "drift_correction": drift_correction,
    }
    chosen = override(settings, keywords)
    return extract(movie, chosen, device=choose_device(device)).traces


def extract(
    movie: Movie,
    settings: TracesSettings,
    n_threads: int | None = None,
    device: Literal["cpu", "gpu"] = "cpu",
) -> Extraction:
    """Extract emitters or pixels, as ``settings.mode`` says, and keep the mean image.

    SciPy and scikit-image correct drift: the CPU extracts such a movie, and the note says so.
    Emitters are always detected on the CPU.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings
    n_threads : int, optional
        Default: all cores.
    device : {"cpu", "gpu"}

    Returns
    -------
    Extraction

    Raises
    ------
    TracesError
        If there is no emitter, or no pixel exceeds the threshold.
    MovieError
        If the frame interval is unknown, or a frame can't be read.
    SettingsError
        If the background ring begins inside the box.
    """
    movie.known_dt_s()
    drift, frames, notes = None, None, []
    region = region_of(movie, settings) if settings.mode == "pixels" else None
    if settings.drift_correction:
        drift = estimate_drift(movie, settings.psf_sigma_px, n_threads)
        if device == "gpu":
            notes.append(
                f"{movie.name}: its traces were extracted on the CPU, which corrects drift."
            )
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
            notes.append(_describe_spooled(movie, traces, settings))
    else:
        detection = detect_emitters(images, settings)
        if not detection.n_emitters:
            raise _explain_no_emitters(movie, images, detection)
        traces = _measure(movie, detection, settings, drift, n_threads, frames)
        notes.append(_describe_dropped(movie, detection))
    return Extraction(traces, images.mean, " ".join(filter(None, notes)))


def _measure(
    movie: Movie,
    detection: Detection,
    settings: TracesSettings,
    drift: Array | None,
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


def _describe_spooled(movie: Movie, traces: Traces, settings: TracesSettings) -> str:
    return (
        f"{movie.name}: its traces take {traces.values.nbytes / 1e6:,.0f} MB, more than "
        f"traces.memory_mb = {settings.memory_mb:g}: the CPU stored them in a temporary file."
    )


def _describe_dropped(movie: Movie, detection: Detection) -> str:
    dropped = [f"{count} {reason}" for reason, count in detection.dropped.items() if count]
    if not dropped:
        return ""
    return (
        f"{movie.name}: {detection.n_emitters} of {detection.n_candidates} spots are emitters; "
        f"dropped: {', '.join(dropped)}."
    )


def _explain_no_emitters(movie: Movie, images: MovieImages, detection: Detection) -> TracesError:
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
        dropped = _describe_dropped(movie, detection)
        why = f"all {detection.n_candidates} spots were dropped ({dropped})"
    else:
        why = f"no spot exceeds detection_snr = {detection.threshold:g}"
    return TracesError(
        f"{movie.path}: no emitters found: {why}; the brightest candidate has {best.snr:.2f} times "
        f"the noise, at row {best.row:.0f}, column {best.col:.0f}. Lower traces.detection_snr, or "
        "correct traces.psf_sigma_px"
    )


def _find_not_finite(movie: Movie) -> str:
    for first, frames in movie.chunks():
        bad = ~np.isfinite(frames).all(axis=(1, 2))
        if bad.any():
            return f"frame {first + int(np.argmax(bad))} contains NaN or infinity"
    return "its sum over time overflows"
