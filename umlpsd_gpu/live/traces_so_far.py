"""The traces of a recording: several groups of emitters, measured in every frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.emitters import Emitters, Group
from umlpsd_gpu.live.meters import Meter, make_meter, value_type
from umlpsd_gpu.live.samples import BoundedSamples
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.gaps import fill_gaps
from umlpsd_gpu.traces.settings import TracesSettings
from umlpsd_gpu.traces.streaming import frames_at_once
from umlpsd_gpu.traces.traces import Traces

# A new group is measured in rounds, since frames arrive meanwhile, until few are left
MOST_ROUNDS, FEW_FRAMES = 4, 32


class Measured:
    """A group, what measures it, and its traces so far.

    Parameters
    ----------
    group : Group
    movie : Movie
    settings : TracesSettings
    live : LiveSettings
    """

    def __init__(
        self, group: Group, movie: Movie, settings: TracesSettings, live: LiveSettings
    ) -> None:
        self.group = group
        self._meter: Meter = make_meter(group, movie, settings)
        self.samples = BoundedSamples(len(group.ids), live.max_samples, value_type(settings))

    def add(self, frames: Array) -> None:
        """Measure the next frames.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts
        """
        self.samples.add(self.measure(frames))

    def measure(self, frames: Array) -> Array:
        """Return the values of frames, shape (n_traces, n).

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts
        """
        return self._meter.measure(frames)

    def read_up_to(self, movie: Movie, n_frames: int, check: Callable[[], None]) -> None:
        """Read frames that were not measured yet, and measure them.

        Parameters
        ----------
        movie : Movie
        n_frames : int
            One past the last frame.
        check : callable
            Called from time to time.
        """
        n_at_once = frames_at_once(movie, 1)
        while self.samples.n_frames < n_frames:
            first = self.samples.n_frames
            self.add(movie.read_frames(first, min(first + n_at_once, n_frames)))
            check()

    def follow(
        self, so_far: Callable[[], tuple[Movie, int]], check: Callable[[], None]
    ) -> Measured:
        """Read the movie from its first frame until almost all that was analysed is measured.

        Parameters
        ----------
        so_far : callable
            Returns the movie, and the number of its frames that were analysed.
        check : callable
            Called from time to time.
        """
        for _ in range(MOST_ROUNDS):
            movie, n_frames = so_far()
            self.read_up_to(movie, n_frames, check)
            if so_far()[1] - n_frames <= FEW_FRAMES:
                break
        return self


class TracesSoFar:
    """All groups that are measured in every frame that arrives."""

    def __init__(self) -> None:
        self._measured: list[Measured] = []
        self.samples: BoundedSamples | None = None

    def add(self, frames: Array) -> None:
        """Measure the next frames.

        Parameters
        ----------
        frames : ndarray, shape (n, n_rows, n_cols), counts
        """
        if self.samples is not None:
            values = [measured.measure(frames) for measured in self._measured]
            self.samples.add(np.concatenate(values))

    def join(self, measured: Measured) -> None:
        """Add a group whose frames so far have been measured.

        Parameters
        ----------
        measured : Measured
            Of as many frames as the others.
        """
        self._measured.append(measured)
        if self.samples is None:
            self.samples = measured.samples
        else:
            self.samples = self.samples.with_more(measured.samples)

    @property
    def n_traces(self) -> int:
        """Return the number of traces."""
        return sum(len(measured.group.ids) for measured in self._measured)

    def as_traces(self, movie: Movie, emitters: Emitters) -> Traces | None:
        """Return the traces so far; None if there is none, or no sample yet.

        Parameters
        ----------
        movie : Movie
        emitters : Emitters
        """
        if self.samples is None or not self.samples.n_samples:
            return None
        values, factor = self.samples.values, self.samples.factor
        if self.samples.has_gaps:
            values, _ = fill_gaps(values.copy())
        groups = [measured.group for measured in self._measured]
        places = np.concatenate([group.spots.places for group in groups])
        history = [f"live: {len(places)} traces, found in up to {groups[-1].found_at:,} frames"]
        if factor > 1:
            history.append(f"means of {factor} frames")
        notes: tuple[str, ...] = ()
        if emitters.lost:
            notes = (
                f"{len(emitters.lost)} emitters were not found again in "
                f"{emitters.detected_at:,} frames and are measured further: "
                f"{', '.join(emitters.lost[:5])}{', …' if len(emitters.lost) > 5 else ''}",
            )
        return Traces(
            values=values,
            dt_s=movie.known_dt_s() * factor,
            rows=places[:, 0],
            cols=places[:, 1],
            source=(movie.name,) * len(places),
            ids=tuple(name for group in groups for name in group.ids),
            history=tuple(history),
            notes=notes,
        )
