"""A finished movie whose frames come when they are due, as if it were recorded now."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from umlpsd_gpu.live.source import Arrival
from umlpsd_gpu.movie.movie import Movie, Verdict


class ReplaySource:
    """Gives the frames of a movie by the clock.

    Parameters
    ----------
    movie : Movie
    speed : float
        How many times faster than it was recorded; 0 or infinity: all frames at once.
    names : sequence of str, optional
        What ``umlpsd run`` is given. Default: the path of the movie.
    clock : callable
        Returns the time in seconds.

    Raises
    ------
    MovieError
        If the frame interval is unknown.
    """

    def __init__(
        self,
        movie: Movie,
        speed: float,
        names: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._movie, self._names = movie, list(names) or [str(movie.path)]
        self._rate_hz = speed / movie.known_dt_s() if 0 < speed < math.inf else math.inf
        self._clock = clock
        self._start_s: float | None = None

    def poll(self) -> Arrival:
        """Return the frames that are due.

        Returns
        -------
        Arrival
        """
        now_s = self._clock()
        self._start_s = now_s if self._start_s is None else self._start_s
        n_total = self._movie.n_frames
        if math.isinf(self._rate_hz):
            n_frames = n_total
        else:
            # Half a part in a million: a frame is not late by rounding.
            n_frames = min(n_total, math.floor((now_s - self._start_s) * self._rate_hz + 5e-7))
        if n_frames == n_total:
            return Arrival(self._movie, "finished")
        if n_frames < 2:
            return Arrival(None, "recording" if n_frames else "waiting")
        so_far = Verdict("whole", n_frames, n_frames)
        return Arrival(replace(self._movie, n_frames=n_frames, verdict=so_far), "recording")

    def inputs(self) -> list[str]:
        """Return what ``umlpsd run`` is given: the movie itself."""
        return list(self._names)

    def close(self) -> None:
        """Let go of the movie; its files are never kept open."""
