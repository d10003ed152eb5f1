"""Traces so far → whether their mean signal has fallen."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.snapshot import Alarm

# Mean of all traces, compared with its start (our choice)
LEAST_SHARE = 0.5
# Blinking alone changes the mean: the fall must be as many of its standard errors over the traces
LEAST_DEVIATIONS = 4.0
FEWEST_TRACES = 5
# The recording is as many times as long as the stretches that are compared
LEAST_LENGTH = 3


class BleachingWatch:
    """Compares the recent signal of all traces with that at the start.

    Parameters
    ----------
    n_compared : int
        Frames at the start, and at the end, that are averaged.
    """

    def __init__(self, n_compared: int) -> None:
        self._n_compared = n_compared
        self._alarm: Alarm | None = None

    def look_at(self, values: Array, factor: int, dark: float = 0.0) -> None:
        """Look at the traces so far.

        Parameters
        ----------
        values : ndarray, shape (n_traces, n_samples), counts
        factor : int
            Frames in each sample.
        dark : float
            Counts of a pixel without any light from emitters.
        """
        n = max(1, self._n_compared // factor)
        since = self._alarm.since_frame if self._alarm else max(0, values.shape[1] - n) * factor
        self._alarm = None
        if values.shape[1] < LEAST_LENGTH * n:
            return
        start, recent = values[:, :n].mean(axis=1) - dark, values[:, -n:].mean(axis=1) - dark
        known = np.isfinite(start) & np.isfinite(recent)
        n_traces = int(np.count_nonzero(known))
        if n_traces < FEWEST_TRACES:
            return
        change = (recent - start)[known]
        error = float(change.std(ddof=1)) / np.sqrt(n_traces)
        before, now = float(start[known].mean()), float(recent[known].mean())
        if now >= LEAST_SHARE * before or change.mean() > -LEAST_DEVIATIONS * error:
            return
        text = (
            f"The mean signal of {n_traces:,} traces has fallen to {100 * now / before:.0f} % of "
            f"its start, from {before:.0f} to {now:.0f} counts per frame, since about frame "
            f"{since:,}: bleaching, or less light."
        )
        self._alarm = Alarm("bleaching", since, text)

    def alarm(self) -> Alarm | None:
        """Return the alarm that holds now, or None."""
        return self._alarm
