"""Averages of consecutive segments of a recording → whether the sample moved."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.snapshot import Alarm
from umlpsd_gpu.traces.motion import NOTED_PX, Registration
from umlpsd_gpu.traces.texture_motion import EdgeRegistration

# A place is believed if two segments in a row agree on it within this distance
SAME_PLACE_PX = 1.0
# The scene is learnt anew after as many segments, so that memory stays bounded
SEGMENTS_PER_SCENE = 100


class MotionWatch:
    """Follows the place of the sample.

    Parameters
    ----------
    psf_sigma_px : float
        Standard deviation of a spot's image in pixels of the movie.
    bin_px : int
        Pixels of the movie in each pixel of a segment, along each axis.
    n_per_segment : int
        Frames of a segment.
    by_edges : bool
        Whether the movie shows extended objects instead of spots.
    """

    def __init__(
        self, psf_sigma_px: float, bin_px: int, n_per_segment: int, by_edges: bool = False
    ) -> None:
        self._psf_sigma_px, self._bin_px = psf_sigma_px, bin_px
        self._n_per_segment, self._by_edges = n_per_segment, by_edges
        self._n_segments = 0
        self._origin = np.zeros(2)
        self._begin_scene()
        self.place_px, self._before_px = np.zeros(2), np.zeros(2)
        self._moved: list[tuple[int, int | None]] = []

    def _begin_scene(self) -> None:
        self._spots = Registration(self._psf_sigma_px / self._bin_px, self._bin_px)
        self._edges = EdgeRegistration()
        self._path: list[Array] = []
        self._candidate: Array | None = None

    def add(self, segment: Array) -> None:
        """Look at the next segment.

        Parameters
        ----------
        segment : ndarray, shape (n_rows, n_cols)
            Average of its frames, binned.
        """
        self._n_segments += 1
        if len(self._path) == SEGMENTS_PER_SCENE:
            self._origin = self.place_px
            self._begin_scene()
        found = self._locate(segment)
        if found is not None:
            place = self._origin + found * self._bin_px
            if self._candidate is not None and _distance(place, self._candidate) <= SAME_PLACE_PX:
                self._before_px, self.place_px = self.place_px, place
            self._candidate = place
        self._note_moved()

    def _locate(self, segment: Array) -> Array | None:
        """Return the displacement in the present scene, in its pixels; None if it is not sure."""
        if self._by_edges:
            found = self._edges.locate(segment)
            self._path.append(self._edges.last)
            return found
        found = self._spots.locate(segment)
        self._path.append(found)
        is_sure = self._spots.is_sure and self._spots.is_needed(np.array(self._path))
        return found if is_sure else None

    def _note_moved(self) -> None:
        stop = self._n_segments * self._n_per_segment
        is_away = _distance(self.place_px, np.zeros(2)) > NOTED_PX
        was_away = bool(self._moved) and self._moved[-1][1] is None
        if is_away and not was_away:
            self._moved.append((stop - self._n_per_segment, None))
        elif was_away and not is_away:
            self._moved[-1] = (self._moved[-1][0], stop)

    def was_away(self, n_frames: int) -> bool:
        """Return whether the sample was away from its first place after so many frames.

        Parameters
        ----------
        n_frames : int
        """
        return any(
            begin < n_frames and (end is None or n_frames < end) for begin, end in self._moved
        )

    def alarm(self) -> Alarm | None:
        """Return the alarm that holds now, or None."""
        if not self._moved or self._moved[-1][1] is not None:
            return None
        since = self._moved[-1][0]
        far_px, step_px = (
            _distance(self.place_px, other) for other in (np.zeros(2), self._before_px)
        )
        how = "has jumped" if step_px > SAME_PLACE_PX else "has moved"
        text = (
            f"The sample {how}: it is {far_px:.1f} px away from its first place "
            f"(rows {self.place_px[0]:+.1f}, columns {self.place_px[1]:+.1f} px), first seen at "
            f"frame {since:,}; during the recording, traces are measured where they were."
        )
        return Alarm("drift", since, text)


def _distance(one: Array, other: Array) -> float:
    return float(np.hypot(*(one - other)))
