"""Photoluminescence trajectories: intensity against time, one row per emitter or pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.storage.blocks import row_blocks, take_rows

# A row whose range is below 64 units in its last place is constant: averages and wavelets of equal
# numbers differ by as much.
ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Traces:
    """Trajectories of one ensemble.

    Attributes
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Intensity in counts; float32 or float64. May hold NaN (flagged, see ``usable``). A memmap
        where they don't fit in memory: work through it by `umlpsd_gpu.storage.blocks.row_blocks`.
    dt_s : float
        Frame interval in seconds.
    rows, cols : ndarray, shape (n_traces,), float64
        Position in pixels in the movie; NaN for imported traces.
    source : tuple of str, length n_traces
        Movie or table each trace comes from.
    ids : tuple of str, length n_traces
        Unique within the ensemble.
    history : tuple of str
        What has been done to the values, oldest first.
    scale : str
        Smoothing scale of the values: ``"raw"``, ``"W80"``, ``"WL6"``.
    """

    values: np.ndarray
    dt_s: float
    rows: np.ndarray
    cols: np.ndarray
    source: tuple[str, ...]
    ids: tuple[str, ...]
    history: tuple[str, ...] = ()
    scale: str = "raw"

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise TracesError(
                f"traces need the shape (n_traces, n_frames), got {self.values.shape}"
            )
        if not self.dt_s > 0:
            raise TracesError(f"dt_s must be a positive number of seconds, got {self.dt_s}")
        lengths = {len(self.rows), len(self.cols), len(self.source), len(self.ids)}
        if lengths != {self.n_traces}:
            raise TracesError(
                f"rows, cols, source and ids need {self.n_traces} entries, got {sorted(lengths)}"
            )

    @classmethod
    def without_place(
        cls,
        values: np.ndarray,
        dt_s: float,
        source: str = "array",
        ids: Sequence[str] | None = None,
        history: tuple[str, ...] = (),
    ) -> Traces:
        """Wrap curves that come from no movie: ``rows`` and ``cols`` are NaN.

        Parameters
        ----------
        values : ndarray, shape (n_traces, n_frames)
        dt_s : float
        source : str
            One name for all.
        ids : sequence of str, optional
            Default: ``"<source>:0"``, ``"<source>:1"``, …
        history : tuple of str
        """
        n_traces = len(values)
        names = [f"{source}:{i}" for i in range(n_traces)] if ids is None else ids
        rows, cols = np.full((2, n_traces), np.nan)
        return cls(values, dt_s, rows, cols, (source,) * n_traces, tuple(names), history)

    @property
    def n_traces(self) -> int:
        return self.values.shape[0]

    @property
    def n_frames(self) -> int:
        return self.values.shape[1]

    def usable(self) -> np.ndarray:
        """Return which traces can be clustered: finite everywhere and not constant; (n_traces,)."""
        usable = np.zeros(self.n_traces, dtype=bool)
        for rows in row_blocks(self.values):
            values = self.values[rows]
            finite = np.isfinite(values).all(axis=1)
            usable[rows][finite] = varies(values if finite.all() else values[finite])
        return usable

    def finite(self) -> np.ndarray:
        """Return which traces hold neither NaN nor infinity; (n_traces,)."""
        finite = np.zeros(self.n_traces, dtype=bool)
        for rows in row_blocks(self.values):
            finite[rows] = np.isfinite(self.values[rows]).all(axis=1)
        return finite

    def select(self, keep: np.ndarray) -> Traces:
        """Return the traces that a boolean mask or an index array picks."""
        index = np.flatnonzero(keep) if np.asarray(keep).dtype == bool else np.asarray(keep)
        return replace(
            self,
            values=take_rows(self.values, index),
            rows=self.rows[index],
            cols=self.cols[index],
            source=tuple(self.source[i] for i in index),
            ids=tuple(self.ids[i] for i in index),
        )

    def with_values(self, values: np.ndarray, step: str, dt_s: float | None = None) -> Traces:
        """Return the same traces with new values, the step noted in the history."""
        return replace(self, values=values, dt_s=dt_s or self.dt_s, history=(*self.history, step))


def varies(values: np.ndarray) -> np.ndarray:
    """Return which finite rows have a range beyond rounding; (n_traces,) bool."""
    low, high = values.min(axis=1), values.max(axis=1)
    rounding = ROUNDING * np.abs(np.stack([low, high])).max(axis=0)
    return high - low > rounding
