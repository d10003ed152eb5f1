"""Movie → emitters and their trajectories, and what the user must know about both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces import gpu as on_device
from umlpsd_gpu.traces.apertures import Extras
from umlpsd_gpu.traces.emitters import (
    ELONGATED,
    SHAPES,
    Candidates,
    Detection,
    choose_emitters,
    find_candidates,
)
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice
from umlpsd_gpu.traces.images import MovieImages, leave_out, make_images
from umlpsd_gpu.traces.persistence import FEWEST_FRAMES, find_events, find_moving, may_be_brief
from umlpsd_gpu.traces.photometry import measure_emitters
from umlpsd_gpu.traces.saturation import FullScale, Largest, describe_full_scale
from umlpsd_gpu.traces.sums import TemporalSums
from umlpsd_gpu.traces.unsound import PATCH_PX, Unsound

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

MOST_ROUNDS = 4
BRIEF = f"seen in fewer than {FEWEST_FRAMES} frames"
# Spots that may be two emitters, by their shape: their centre is followed in time
SUSPICIOUS, SUSPICIOUS_BY_NOISE = 1.03, 1.5

# what is nearer to an emitter is the same spot
SAME_SPOT_PX = 1.5

Place = tuple[float, float]
Event = tuple[int, int, int]


@dataclass
class Search:
    """The search for the emitters of one movie.

    Attributes
    ----------
    movie : Movie
    settings : TracesSettings
    sums : TemporalSums
        Changed as more of the movie is left out.
    unsound : Unsound
        What is left out of the images.
    drift : ndarray, shape (n_frames, 2), or None
    is_steady : bool
        Whether the sample stays where it is. Only then a centre that moves is that of two emitters.
    n_threads : int or None
    frames : FramesOnDevice or None
        To measure on the GPU.
    """

    movie: Movie
    settings: TracesSettings
    sums: TemporalSums
    unsound: Unsound
    drift: Array | None = None
    is_steady: bool = True
    n_threads: int | None = None
    frames: FramesOnDevice | None = None
    _traces: dict[Place, Array] = field(default_factory=dict)
    _moments: dict[Place, Array] = field(default_factory=dict)
    _largest: dict[Place, Largest] = field(default_factory=dict)
    _places: Array = field(default_factory=lambda: np.empty((0, 2)))

    def find(self) -> tuple[Detection, MovieImages, Candidates]:
        """Find the emitters, and measure every spot that may be one.

        A spot made by one or two frames is left out of the images, which are searched again.

        Returns
        -------
        detection : Detection
        images : MovieImages
        candidates : Candidates
        """
        gone: list[Place] = []
        n_rounds = 0
        while True:
            n_rounds += 1
            images = make_images(self.sums, self.drift)
            candidates = find_candidates(images, self.settings)
            measured = self._find_worth_measuring(candidates)
            self._measure(candidates, measured)
            brief = self._find_brief(candidates, measured)
            if not brief or n_rounds == MOST_ROUNDS:
                return self._choose(candidates, list(brief), gone), images, candidates
            gone += [_key(candidates.positions[i]) for i in brief]
            self._leave_out([event for events in brief.values() for event in events])
            del images  # large: not kept while the next are made

    def _choose(self, candidates: Candidates, brief: list[int], gone: list[Place]) -> Detection:
        """Return the emitters among the candidates, and why the others are none."""
        reasons = np.full(len(candidates.reasons), "", dtype="U60")
        reasons[self._find_pairs(candidates)] = ELONGATED
        reasons[brief] = BRIEF
        return self._add_brief(choose_emitters(candidates, self.settings, reasons), gone)

    def traces_of(self, detection: Detection) -> Array:
        """Return the trajectories of emitters, shape (n_emitters, n_frames), counts.

        Parameters
        ----------
        detection : Detection
        """
        places = zip(detection.rows.tolist(), detection.cols.tolist(), strict=True)
        traces = [self._traces[place] for place in places]
        return np.array(traces).reshape(len(traces), self.movie.n_frames)

    def describe_full_scale(self, detection: Detection) -> str:
        """Return a sentence about emitters that touch full scale; "" for none.

        Parameters
        ----------
        detection : Detection
        """
        places = zip(detection.rows.tolist(), detection.cols.tolist(), strict=True)
        return describe_full_scale([self._largest[place] for place in places], self.movie.n_frames)

    def _find_worth_measuring(self, candidates: Candidates) -> Array:
        """Return the candidates that may be emitters, and what is near enough to disturb one."""
        alone = candidates.reasons == ""
        positions = candidates.positions
        if not alone.any():
            return np.empty(0, np.int64)
        distance_px, _ = cKDTree(positions[alone]).query(positions)
        near = distance_px <= self.settings.min_separation_px
        return np.flatnonzero(alone | (near & np.isin(candidates.reasons, SHAPES)))

    def _measure(self, candidates: Candidates, chosen: Array) -> None:
        places = candidates.positions
        new = np.array([i for i in chosen if _key(places[i]) not in self._traces], dtype=np.int64)
        unknown = places if not len(self._places) else _unlike(places, self._places)
        self._places = np.concatenate([self._places, unknown])
        if not new.size:
            return
        moments_of = np.flatnonzero(self._is_suspicious(candidates)[new])
        full_scale = FullScale(len(new))
        extras = Extras(
            valid=candidates.valid if self.drift is None else None,
            moments_of=moments_of,
            fills=self.unsound.fills,
            full_scale=full_scale,
        )
        rows, cols = places[new].T
        if self.frames is None:
            values = measure_emitters(
                self.movie,
                rows,
                cols,
                self.settings,
                self.drift,
                self._places,
                self.n_threads,
                extras,
            )
        else:
            values = on_device.measure_emitters(
                self.frames, rows, cols, self.settings, self._places, extras
            )
        for number, i in enumerate(new):
            self._traces[_key(places[i])] = values[number]
            self._largest[_key(places[i])] = full_scale.of(number)
        for number, i in enumerate(new[moments_of]):
            row = len(new) + number
            self._moments[_key(places[i])] = values[[row, row + len(moments_of)]]

    def _is_suspicious(self, candidates: Candidates) -> Array:
        if not self.is_steady:
            return np.zeros(len(candidates.snr), bool)
        limit = SUSPICIOUS + SUSPICIOUS_BY_NOISE / np.maximum(candidates.snr, 1e-300)
        suspicious: Array = candidates.elongation > limit
        return suspicious

    def _find_brief(self, candidates: Candidates, chosen: Array) -> dict[int, list[Event]]:
        """Return the events that alone make a candidate, by the candidate's number."""
        found: dict[int, list[Event]] = {}
        if not chosen.size:
            return found
        traces = np.array([self._traces[_key(candidates.positions[i])] for i in chosen])
        for i in chosen[may_be_brief(traces)].tolist():
            row, col = candidates.positions[i]
            trace = self._traces[_key(candidates.positions[i])]
            known = [t for t, r, c in self.unsound.events if self._is_at(t, r, c, row, col)]
            if known:
                trace = trace.copy()
                trace[known] = np.nan
            moved = np.zeros((trace.size, 2)) if self.drift is None else self.drift
            places = [
                (t, *(np.rint([row, col] + moved[t]).astype(int))) for t in find_events(trace)
            ]
            if places:
                found[i] = [(int(t), int(r), int(c)) for t, r, c in places]
        return found

    def _is_at(self, t: int, event_row: int, event_col: int, row: float, col: float) -> bool:
        """Return whether an event touches the surroundings of a place."""
        down, across = (0.0, 0.0) if self.drift is None else self.drift[t]
        farthest = max(abs(event_row - row - down), abs(event_col - col - across))
        return bool(farthest <= PATCH_PX)

    def _leave_out(self, brief: list[Event]) -> None:
        more = self.unsound.with_events(brief)
        parts = (self.movie, more, self.unsound, self.drift, self.n_threads)
        self.sums, self.unsound = leave_out(self.sums, *parts), more

    def _find_pairs(self, candidates: Candidates) -> Array:
        """Return the numbers of candidates whose centre moves as that of two emitters does."""
        keys = [_key(place) for place in candidates.positions]
        numbers = [i for i, key in enumerate(keys) if key in self._moments]
        if not numbers:
            return np.empty(0, np.int64)
        moments = np.array([self._moments[keys[i]] for i in numbers])
        traces = np.array([self._traces[keys[i]] for i in numbers])
        moving = find_moving(traces, moments[:, 0], moments[:, 1])
        pairs: Array = np.array(numbers)[moving]
        return pairs

    def _add_brief(self, detection: Detection, brief: list[Place]) -> Detection:
        """Return the detection with the spots that were left out of the images."""
        gone = np.array(brief).reshape(-1, 2)
        if detection.n_emitters and len(gone):
            kept = np.stack([detection.rows, detection.cols], axis=1)
            gone = gone[cKDTree(kept).query(gone)[0] > SAME_SPOT_PX]
        if not len(gone):
            return detection
        n_brief = detection.dropped.get(BRIEF, 0) + len(gone)
        return replace(
            detection,
            other_rows=np.append(detection.other_rows, gone[:, 0]),
            other_cols=np.append(detection.other_cols, gone[:, 1]),
            dropped=dict(sorted({**detection.dropped, BRIEF: n_brief}.items())),
        )


def _key(place: Array) -> Place:
    return float(place[0]), float(place[1])


def _unlike(places: Array, known: Array) -> Array:
    """Return the places that are not known yet."""
    seen = set(map(_key, known))
    return places[[_key(place) not in seen for place in places]].reshape(-1, 2)
