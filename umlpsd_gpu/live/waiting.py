"""How long frames wait before they are analysed, and how long none came."""

from __future__ import annotations

import time
from collections import deque


class Waiting:
    """Keeps the times at which frames were first seen."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque()
        self.n_arrived, self.lag_s = 0, 0.0
        self._last_change = time.monotonic()

    def arrive(self, n_arrived: int) -> None:
        """Note how many frames are recorded now.

        Parameters
        ----------
        n_arrived : int
        """
        if n_arrived > self.n_arrived:
            self.n_arrived, self._last_change = n_arrived, time.monotonic()
            self._seen.append((n_arrived, self._last_change))

    def analyse(self, n_frames: int) -> None:
        """Note how many frames are analysed now.

        Parameters
        ----------
        n_frames : int
        """
        now = time.monotonic()
        while self._seen and self._seen[0][0] <= n_frames:
            self.lag_s = now - self._seen.popleft()[1]
        if self._seen and n_frames < self._seen[0][0]:
            self.lag_s = max(self.lag_s, now - self._seen[0][1])

    @property
    def idle_s(self) -> float:
        """Return the time since the last frame came, in seconds."""
        return time.monotonic() - self._last_change
