"""Movie → Traces: images, detection and photometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import Device, choose_device
from umlpsd_gpu.keywords import check_keywords, override
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.storage.blocks import is_spooled
from umlpsd_gpu.traces import gpu as on_device
from umlpsd_gpu.traces.emitters import Detection
from umlpsd_gpu.traces.follow import choose_drift
from umlpsd_gpu.traces.gaps import fill_gaps
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice
from umlpsd_gpu.traces.images import leave_out, make_images, temporal_sums
from umlpsd_gpu.traces.nothing_found import describe_reasons, explain_no_emitters
from umlpsd_gpu.traces.pixels import pixel_traces, region_of
from umlpsd_gpu.traces.registered import register, seen_throughout
from umlpsd_gpu.traces.roi import Region
from umlpsd_gpu.traces.saturation import describe_full_scale, largest_counts
from umlpsd_gpu.traces.search import Search
from umlpsd_gpu.traces.traces import Traces
from umlpsd_gpu.traces.unsound import Unsound, find_unsound
from umlpsd_gpu.traces.validity import describe_left_out

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


ON_CPU = "its traces were extracted on the CPU, which corrects drift"


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
    drift_correction: Literal["auto", "on", "off"] | bool | None = None,
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
    drift_correction : {"auto", "on", "off"} or bool, optional
        Whether to register the frames first and follow the drift: always, if the sample moved by
        more than 2 pixels, or never. Default: "auto".

    Returns
    -------
    Traces
        Counts per frame above the local background, float64; by row, then column. Frames in which
        a pixel of the emitter is NaN or infinite, or in a constant area that comes and goes, are
        interpolated up to 5 % of the movie, NaN otherwise.

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
    if settings.mode == "pixels":
        return _extract_pixels(movie, settings, n_threads, device)
    search, notes = begin_search(movie, settings, n_threads, device)
    detection, images, candidates = search.find()
    if not detection.n_emitters:
        raise explain_no_emitters(movie, images, detection, notes[0])
    values, gaps_note = fill_gaps(search.traces_of(detection))
    traces = _wrap(movie, values, detection, settings, search.drift)
    notes += [
        _describe_dropped(detection),
        describe_left_out(candidates.valid, candidates.n_lines),
        search.unsound.describe(),
        gaps_note,
        search.describe_full_scale(detection),
    ]
    note = " ".join(f"{movie.name}: {part}." for part in notes if part)
    return Extraction(traces, images.mean, note)


def begin_search(
    movie: Movie,
    settings: TracesSettings,
    n_threads: int | None = None,
    device: Literal["cpu", "gpu"] = "cpu",
) -> tuple[Search, list[str]]:
    """Add up the frames of a movie, and prepare the search for its emitters.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings
    n_threads : int, optional
        Default: all cores.
    device : {"cpu", "gpu"}

    Returns
    -------
    search : Search
    notes : list of str
        What to tell the user about the drift, "" for nothing, and about the device.

    Raises
    ------
    MovieError
        If a frame can't be read.
    """
    frames = FramesOnDevice(movie, n_threads) if device == "gpu" else None
    if frames is not None and settings.drift_correction != "on":
        sums = on_device.temporal_sums(frames)
    else:
        sums = temporal_sums(movie, n_threads=n_threads)
    unsound = find_unsound(sums.samples) if sums.samples is not None else Unsound()
    if unsound:
        sums = leave_out(sums, movie, unsound, n_threads=n_threads)
    following = choose_drift(movie, settings, sums, n_threads)
    drift, notes = following.drift, [following.note]
    if drift is not None:
        sums = temporal_sums(movie, drift, n_threads, unsound)
        if frames is not None:
            notes.append(ON_CPU)
            frames = None
    search = Search(movie, settings, sums, unsound, drift, following.is_steady, n_threads, frames)
    return search, notes


def _extract_pixels(
    movie: Movie,
    settings: TracesSettings,
    n_threads: int | None,
    device: Literal["cpu", "gpu"],
) -> Extraction:
    region = region_of(movie, settings)
    frames = FramesOnDevice(movie, n_threads) if device == "gpu" else None
    sums = (
        temporal_sums(movie, n_threads=n_threads)
        if frames is None
        else on_device.temporal_sums(frames)
    )
    following, on_cpu = choose_drift(movie, settings, sums, n_threads), ""
    if following.drift is not None:
        seen = seen_throughout((movie.n_rows, movie.n_cols), following.drift)
        region = Region.within(seen, "the part that every frame shows", region)
        movie = register(movie, following.drift)
        sums = temporal_sums(movie, n_threads=n_threads)
        frames, on_cpu = None, ON_CPU if frames else ""
    images = make_images(sums)
    traces = pixel_traces(movie, settings, images.mean, region, frames)
    notes = [f"{movie.name}: {traces.n_traces} {traces.history[-1]}."]
    if is_spooled(traces.values):
        notes.append(_describe_spooled(movie, traces, settings))
    more = [describe_full_scale(largest_counts(traces.values), movie.n_frames, "pixels")]
    more += [following.note, on_cpu]
    notes += [f"{movie.name}: {part}." for part in more if part]
    return Extraction(traces, images.mean, " ".join(notes))


def _wrap(
    movie: Movie,
    values: Array,
    detection: Detection,
    settings: TracesSettings,
    drift: Array | None,
) -> Traces:
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
        rows=detection.rows,
        cols=detection.cols,
        source=(movie.name,) * n_emitters,
        ids=tuple(f"{movie.name}:{i}" for i in range(n_emitters)),
        history=(step,),
    )


def _describe_spooled(movie: Movie, traces: Traces, settings: TracesSettings) -> str:
    return (
        f"{movie.name}: its traces take {traces.values.nbytes / 1e6:,.0f} MB, more than "
        f"traces.memory_mb = {settings.memory_mb:g}: the CPU stored them in a temporary file."
    )


def _describe_dropped(detection: Detection) -> str:
    dropped = describe_reasons(detection)
    if not dropped:
        return ""
    return (
        f"{detection.n_emitters} of {detection.n_candidates} spots are emitters; dropped: {dropped}"
    )
