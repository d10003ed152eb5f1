"""Sources of live runs whose movie grows by a script or by the clock."""

import time
from collections.abc import Iterable
from dataclasses import replace

from umlpsd_gpu.live.source import Arrival


class ScriptedSource:
    """A finished movie of which more frames are seen at every poll; it ends with the last."""

    def __init__(self, movie, counts: Iterable[int], names=None, last_state="finished", reason=""):
        self.movie, self.counts = movie, list(counts)
        self.names = [str(movie.path)] if names is None else names
        self.last_state, self.reason = last_state, reason
        self.n_polls, self.is_closed = 0, False

    def poll(self):
        n_frames = self.counts[min(self.n_polls, len(self.counts) - 1)]
        is_last = self.n_polls >= len(self.counts) - 1
        self.n_polls += 1
        if n_frames < 2:
            return Arrival(None, self.last_state if is_last else "waiting", self.reason)
        state = self.last_state if is_last else "recording"
        seen = replace(self.movie, n_frames=n_frames)
        return Arrival(seen, state, self.reason if is_last else "")

    def inputs(self):
        return self.names

    def close(self):
        self.is_closed = True


class TimedSource(ScriptedSource):
    """A finished movie whose frames are seen at its frame rate, times a speed."""

    def __init__(self, movie, speed=1.0):
        super().__init__(movie, [movie.n_frames])
        self.speed, self.start = speed, None

    def poll(self):
        now = time.monotonic()
        self.start = now if self.start is None else self.start
        seconds = (now - self.start) * self.speed
        n_frames = min(self.movie.n_frames, int(seconds / self.movie.known_dt_s()))
        if n_frames < 2:
            return Arrival(None, "waiting")
        state = "finished" if n_frames == self.movie.n_frames else "recording"
        return Arrival(replace(self.movie, n_frames=n_frames), state)
