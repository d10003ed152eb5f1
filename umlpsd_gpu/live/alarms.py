"""What an experimenter should look at now: drift, focus, bleaching, missing frames."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.bleaching_alarm import BleachingWatch
from umlpsd_gpu.live.focus_alarm import FocusWatch
from umlpsd_gpu.live.motion_alarm import MotionWatch
from umlpsd_gpu.live.samples import BoundedSamples
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.snapshot import Alarm
from umlpsd_gpu.movie.metadata import BY_STAMPS
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.frame_sums import RunningSums
from umlpsd_gpu.traces.settings import TracesSettings

# The darkest pixels of an image have no light from emitters
DARK_PERCENT = 5.0


class Alarms:
    """Watches a recording.

    Parameters
    ----------
    settings : TracesSettings
    live : LiveSettings
    sums : RunningSums
        Whose segments are looked at.
    """

    def __init__(self, settings: TracesSettings, live: LiveSettings, sums: RunningSums) -> None:
        self._of_pixels = settings.mode == "pixels"
        scene = (settings.psf_sigma_px, sums.bin_px, sums.n_per_segment)
        self.motion = MotionWatch(*scene, by_edges=self._of_pixels)
        self._focus = FocusWatch(*scene)
        self._bleaching = BleachingWatch(live.first_frames)

    def add_segments(self, segments: Iterable[Array]) -> None:
        """Look at the next segments.

        Parameters
        ----------
        segments : iterable of ndarray
        """
        for segment in segments:
            self.motion.add(segment)
            self._focus.add(segment)

    def holding(
        self, movie: Movie, samples: BoundedSamples | None, mean_image: Array
    ) -> tuple[Alarm, ...]:
        """Return the alarms that hold now.

        Parameters
        ----------
        movie : Movie
            So far.
        samples : BoundedSamples or None
        mean_image : ndarray, shape (n_rows, n_cols)
        """
        moved = self.motion.alarm()
        # apertures that the sample has left measure less: that is no bleaching
        if samples is not None and moved is None:
            dark = float(np.nanpercentile(mean_image, DARK_PERCENT)) if self._of_pixels else 0.0
            self._bleaching.look_at(samples.values, samples.factor, dark)
        bleached = self._bleaching.alarm() if moved is None else None
        found = (moved, self._focus.alarm(), bleached, find_missing_frames(movie))
        return tuple(alarm for alarm in found if alarm is not None)


def find_missing_frames(movie: Movie) -> Alarm | None:
    """Return an alarm if the time stamps of a movie say that frames are missing, or None.

    Parameters
    ----------
    movie : Movie
    """
    for note in movie.notes:
        if note.startswith(BY_STAMPS):
            return Alarm("frames", 0, note)
    return None
