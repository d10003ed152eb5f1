"""Frames of a growing movie → traces, emitters, decisions and alarms at every moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import MovieError, OutputError, UmlpsdError
from umlpsd_gpu.live.alarms import Alarms
from umlpsd_gpu.live.background import Background
from umlpsd_gpu.live.decisions import Decisions, Outcome, decide_on, quick_settings
from umlpsd_gpu.live.detection import TooManyPixelsError, detect, next_detection, part_to_search
from umlpsd_gpu.live.emitters import Emitters, Spots
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.snapshot import Snapshot, State
from umlpsd_gpu.live.store import EmitterStore
from umlpsd_gpu.live.traces_so_far import Measured, TracesSoFar
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.frame_sums import RunningSums
from umlpsd_gpu.traces.streaming import frames_at_once
from umlpsd_gpu.traces.traces import Traces


class Engine:
    """Analyses a movie as it grows.

    Frames are added up and measured in the thread that calls `take`. Detection and decisions run
    in one background thread.

    Parameters
    ----------
    settings : Settings
        Of the final study.
    live : LiveSettings
    folder : Path
        For emitters.json.
    warn : callable
        Takes a sentence for the user.

    Attributes
    ----------
    movie : Movie or None
        So far; None before the first frames.
    n_frames : int
        Frames analysed.
    background : Background
    """

    def __init__(
        self,
        settings: Settings,
        live: LiveSettings,
        folder: Path,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._settings, self._live, self._folder, self._warn = settings, live, folder, warn
        self._quick = quick_settings(settings, live)
        self.movie: Movie | None = None
        self.n_frames, self._n_snapshots = 0, 0
        self.background = Background()
        self._decisions = Decisions(live.enough_s)
        self._traces = TracesSoFar()
        self._tried_at = 0
        self._problem = ""

    def take(self, movie: Movie, until: float = float("inf")) -> int:
        """Analyse frames that are new, and see to the background thread.

        Parameters
        ----------
        movie : Movie
            As far as it is recorded.
        until : float
            When to return, by `time.monotonic`, even if there are more; a few frames are always
            analysed.

        Returns
        -------
        int
            Number of frames that were analysed.

        Raises
        ------
        MovieError
            If the frame interval is unknown, the movie shrank, or a frame can't be read.
        TracesError
            If there are too many pixels to follow.
        OutputInUseError
            If the folder holds a live run of another movie.
        """
        if self.movie is None:
            self._begin(movie)
        elif movie.n_frames < self.n_frames:
            raise MovieError(
                movie.path,
                f"it had {self.n_frames} frames and now has {movie.n_frames}: it was replaced or "
                "cut while it was analysed; start again with another --out",
            )
        self.movie, before = movie, self.n_frames
        n_at_once = frames_at_once(movie, 1)
        while self.n_frames < movie.n_frames:
            stop = min(self.n_frames + n_at_once, movie.n_frames)
            frames = movie.read_frames(self.n_frames, stop)
            self._sums.add(frames)
            self._traces.add(frames)
            self.n_frames = stop
            self._alarms.add_segments(self._sums.take_segments())
            if time.monotonic() >= until:
                break
        self._see_to_background()
        return self.n_frames - before

    def _begin(self, movie: Movie) -> None:
        movie.known_dt_s()
        chosen = self._settings.traces
        self._sums = RunningSums((movie.n_rows, movie.n_cols), movie.dtype)
        self._alarms = Alarms(chosen, self._live, self._sums)
        self._emitters = Emitters(movie.name, chosen.min_separation_px, chosen.mode == "pixels")
        self._store = EmitterStore(self._folder, movie, self._settings, self._live)
        self._store.load(self._emitters)
        self._tried_at = self._emitters.detected_at
        for group in self._emitters.groups:
            self._traces.join(Measured(group, movie, chosen, self._live))

    def _see_to_background(self) -> None:
        """Take what the background thread has found, and give it something to do."""
        try:
            found = self.background.take()
        except (TooManyPixelsError, MovieError):
            raise
        except UmlpsdError as error:
            self._problem = str(error)
            self._decisions.end()
            found = None
        if isinstance(found, Spots):
            self._add_emitters(found)
        elif isinstance(found, Measured):
            self._join(found)
        elif isinstance(found, Outcome):
            self._problem = ""
            self._decisions.end()
            self._decisions.add(found)
        if self.background.is_free:
            self._start_next()

    def _start_next(self) -> None:
        assert self.movie is not None
        if self._is_detection_due():
            n_frames = self._next_detection()
            self._tried_at = n_frames
            if self._alarms.motion.was_away(n_frames) and self._emitters.groups:
                return  # what moved would get a second name
            dt_s, check = self.movie.known_dt_s(), self.background.check
            part = part_to_search(self.movie, n_frames, dt_s, check)
            self.background.start(partial(detect, part, self._settings, self._live))
        elif self._decisions.is_due(self._traces.n_traces, self.n_frames):
            traces = self._traces.as_traces(self.movie, self._emitters)
            if traces is not None:
                self._decisions.begin(self.n_frames)
                check = self.background.check
                job = partial(decide_on, traces, self.n_frames, self._quick, check)
                self.background.start(job)

    def _next_detection(self) -> int:
        assert self.movie is not None
        return next_detection(self._tried_at, self.movie.known_dt_s(), self._live)

    def _is_detection_due(self) -> bool:
        # pixels are chosen once
        is_complete = self._settings.traces.mode == "pixels" and bool(self._emitters.groups)
        return not is_complete and self.n_frames >= self._next_detection()

    def _add_emitters(self, found: Spots) -> None:
        assert self.movie is not None
        group = self._emitters.add(found, self._tried_at)
        try:
            self._store.save(self._emitters)
        except OutputError as error:
            self._warn(str(error))
        if group is None:
            return
        measured = Measured(group, self.movie, self._settings.traces, self._live)
        job = partial(measured.follow, self._so_far, self.background.check)
        self.background.start(job)

    def _so_far(self) -> tuple[Movie, int]:
        # in this order: the movie has these frames, whatever arrives in between
        n_frames, movie = self.n_frames, self.movie
        assert movie is not None
        return movie, n_frames

    def _join(self, measured: Measured) -> None:
        assert self.movie is not None
        measured.read_up_to(self.movie, self.n_frames, lambda: None)
        self._traces.join(measured)
        self._problem = ""

    def snapshot(
        self, state: State, n_arrived: int = 0, lag_s: float = 0.0, message: str = ""
    ) -> Snapshot:
        """Return what is known now.

        Parameters
        ----------
        state : str
        n_arrived : int
            Frames recorded.
        lag_s : float
            How long the last analysed frame had been waiting, in seconds.
        message : str
            Where it is empty, it says what keeps from a decision.
        """
        self._n_snapshots += 1
        if self.movie is None or not self.n_frames:
            return Snapshot(
                self._n_snapshots, state, "", 0, n_arrived, None, lag_s, message=message
            )
        mean, dt_s = self._sums.mean(), self.movie.known_dt_s()
        return Snapshot(
            number=self._n_snapshots,
            state=state,
            name=self.movie.name,
            n_frames=self.n_frames,
            n_arrived=n_arrived,
            dt_s=dt_s,
            lag_s=lag_s,
            mean_image=mean,
            traces=self._traces.as_traces(self.movie, self._emitters),
            study=self._decisions.study,
            history=self._decisions.history,
            alarms=self._alarms.holding(self.movie, self._traces.samples, mean),
            hint=self._decisions.hint(dt_s),
            message=message or self._problem,
        )

    def name_like(self, traces: Traces) -> tuple[str, ...]:
        """Return names for the traces of a study of the movie: those of the same emitters here.

        Parameters
        ----------
        traces : Traces
        """
        return self._emitters.name_like(np.stack([traces.rows, traces.cols], axis=1))

    def close(self) -> None:
        """End the background thread early; snapshots can still be made."""
        self.background.close()
