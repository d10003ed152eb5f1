"""When emitters are detected during a recording, in which frames, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.live.emitters import Spots
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.extract import begin_search
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.nothing_found import explain_no_emitters
from umlpsd_gpu.traces.pixels import choose_pixels, region_of

# Emitters are detected again after this time, in it alone: what was dark for long is seen then,
# and a recording of hours is not read again and again
WINDOW_S = 300.0


def next_detection(detected_at: int, dt_s: float, live: LiveSettings) -> int:
    """Return the number of frames at which emitters are detected the next time.

    Parameters
    ----------
    detected_at : int
        Frames of the last detection; 0 before the first.
    dt_s : float
        Frame interval in seconds.
    live : LiveSettings

    Returns
    -------
    int
        The first one, then twice as many each time; a multiple of five minutes where one comes
        earlier, and five minutes later from then on.
    """
    if not detected_at:
        return live.first_frames
    window = frames_of(WINDOW_S, dt_s)
    next_window = (detected_at // window + 1) * window
    doubled = live.first_frames
    while doubled <= detected_at:
        doubled *= 2
    return max(live.first_frames, min(doubled, next_window))


def frames_of(seconds: float, dt_s: float) -> int:
    """Return how many frames a time takes, 2 at least.

    Parameters
    ----------
    seconds, dt_s : float
        In seconds.
    """
    return max(2, round(seconds / dt_s))


def part_to_search(
    movie: Movie, n_frames: int, dt_s: float, check: Callable[[], None] = lambda: None
) -> Movie:
    """Return the frames in which emitters are detected: the last five minutes of the first ones.

    Parameters
    ----------
    movie : Movie
    n_frames : int
        Frames at the time of this detection.
    dt_s : float
        Frame interval in seconds.
    check : callable
        Called before frames are read; may raise an error to end the search.
    """
    first = max(0, n_frames - frames_of(WINDOW_S, dt_s))

    def read_frames(begin: int, stop: int) -> Array:
        check()
        return movie.read_frames(first + begin, first + stop)

    return replace(movie, n_frames=n_frames - first, read_frames=read_frames)


def detect(movie: Movie, settings: Settings, live: LiveSettings) -> Spots:
    """Detect emitters, or choose pixels, as the final study does.

    The places are those of a sample that stays where it is: drift is not corrected.

    Parameters
    ----------
    movie : Movie
        The frames to search.
    settings : Settings
    live : LiveSettings

    Returns
    -------
    Spots
        One at least.

    Raises
    ------
    TracesError
        If there is no emitter, no pixel above the threshold, or there are too many pixels.
    MovieError
        If a frame can't be read.
    """
    chosen = settings.traces.model_copy(update={"drift_correction": "off"})
    if chosen.mode == "pixels":
        mean = temporal_images(movie, n_threads=1).mean
        rows, cols, _ = choose_pixels(movie, chosen, mean, region_of(movie, chosen))
        _refuse_many_pixels(movie, rows.size, live)
        return Spots(np.stack([rows, cols], axis=1).astype(np.float64), np.empty((0, 2)))
    search, notes = begin_search(movie, chosen, n_threads=1)
    detection, images, _ = search.find()
    if not detection.n_emitters:
        raise explain_no_emitters(movie, images, detection, notes[0])
    return Spots(
        np.stack([detection.rows, detection.cols], axis=1),
        np.stack([detection.other_rows, detection.other_cols], axis=1),
        search.unsound.fills,
    )


class TooManyPixelsError(TracesError):
    """More pixels are above the threshold than can be followed during a recording."""


def _refuse_many_pixels(movie: Movie, n_pixels: int, live: LiveSettings) -> None:
    if n_pixels > live.max_pixels:
        raise TooManyPixelsError(
            f"{movie.name}: {n_pixels:,} pixels are above the threshold, and {live.max_pixels:,} "
            "can be followed during a recording (live.max_pixels); choose a region of interest "
            "with --roi, or a higher --threshold"
        )
