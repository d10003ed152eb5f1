"""Photoluminescence trajectories: intensity against time, one row per emitter or pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.display import Displayed, Outline, count, shorten
from umlpsd_gpu.compute.export import Exported, Labelled, LabelledArrays
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.storage.blocks import row_blocks, take_rows
from umlpsd_gpu.traces.values import as_values

# The square of the largest value, and spectra of it, must be numbers of float64
LARGEST, SMALLEST = 1e70, 1e-70
# A row whose range is below 64 units in its last place is constant: averages and wavelets of equal
# numbers differ by that much.
ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, repr=False, eq=False)
class Traces(Displayed, Exported):
    """Trajectories of one ensemble.

    Attributes
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Intensity in counts; float32 or float64, NumPy's or CuPy's. Tensors of other libraries on a
        GPU (``__cuda_array_interface__``, DLPack) are wrapped without a copy. Lists, DataFrames and
        masked arrays (masked: NaN) are converted. May contain NaN (see ``usable``). A memmap if
        they don't fit in memory: work through it by `umlpsd_gpu.storage.blocks.row_blocks`.
    dt_s : float
        Frame interval in seconds.
    rows, cols : ndarray, shape (n_traces,), float64
        Position in pixels in the movie; NaN for imported traces, and by default.
    source : tuple of str, length n_traces
        Movie or table each trace comes from. Default: "array".
    ids : tuple of str, length n_traces
        Unique within the ensemble. Default: source and number.
    history : tuple of str
        Steps of processing, the first one first.
    scale : str
        Smoothing scale of the values: ``"raw"``, ``"W80"``, ``"WL6"``.
    notes : tuple of str
        What the reader of a file tells the user; a study repeats it in its own notes, and it is not
        stored with the traces.
    files : tuple of Path
        Files that the values were read from; not stored either.
    """

    values: Array
    dt_s: float
    rows: Array = None  # type: ignore[assignment]
    cols: Array = None  # type: ignore[assignment]
    source: tuple[str, ...] = None  # type: ignore[assignment]
    ids: tuple[str, ...] = None  # type: ignore[assignment]
    history: tuple[str, ...] = ()
    scale: str = "raw"
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Fill in what was not given, and check that the arrays belong together."""
        object.__setattr__(self, "values", as_values(self.values))
        if self.values.ndim != 2:
            raise TracesError(
                f"traces need the shape (n_traces, n_frames), got {self.values.shape}"
            )
        if not isinstance(self.dt_s, int | float | np.number) or not self.dt_s > 0:
            raise TracesError(f"dt_s must be a positive number of seconds, got {self.dt_s}")
        self._fill_in()
        lengths = {len(self.rows), len(self.cols), len(self.source), len(self.ids)}
        if lengths != {self.n_traces}:
            raise TracesError(
                f"rows, cols, source and ids need {self.n_traces} entries, got {sorted(lengths)}"
            )

    def _fill_in(self) -> None:
        """Set the defaults of attributes that were not given."""
        n = self.n_traces
        source = ("array",) * n if self.source is None else tuple(self.source)
        defaults = {
            "rows": np.full(n, np.nan),
            "cols": np.full(n, np.nan),
            "source": source,
            "ids": tuple(f"{name}:{i}" for i, name in enumerate(source)),
        }
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def _describe(self) -> Outline:
        size = f"{count(self.n_traces, 'trace')} of {count(self.n_frames, 'sample')}"
        return Outline(
            line=f"{size}, dt {self.dt_s:.6g} s, {self.scale}, {shorten(self.source, 2)}",
            rows=[
                ("Traces", size),
                ("Interval", f"{self.dt_s:.6g} s"),
                ("Scale", self.scale),
                ("Source", shorten(self.source)),
                *(("Step", step) for step in self.history),
            ],
        )

    def _labelled(self) -> LabelledArrays:
        is_scaled = bool(self.history) and self.history[-1].endswith("minmax")
        unit = "1" if is_scaled else "counts"
        time_s = self.dt_s * np.arange(self.n_frames)
        return LabelledArrays(
            coords={
                "trace": Labelled(("trace",), np.array(self.ids, dtype=object), "", "Name"),
                "time_s": Labelled(("time_s",), time_s, "s", "Time since the first frame"),
                "row": Labelled(("trace",), self.rows, "px", "Row in the movie, from 0"),
                "col": Labelled(("trace",), self.cols, "px", "Column in the movie, from 0"),
            },
            variables={"intensity": Labelled(("trace", "time_s"), self.values, unit, "Intensity")},
            attrs={"dt_s": self.dt_s, "scale": self.scale, "history": "; ".join(self.history)},
            table="wide",
        )

    @classmethod
    def without_place(
        cls,
        values: Array,
        dt_s: float,
        source: str = "array",
        ids: Sequence[str] | None = None,
        history: tuple[str, ...] = (),
    ) -> Traces:
        """Wrap curves that are not from a movie: ``rows`` and ``cols`` are NaN.

        Parameters
        ----------
        values : array, masked array, DataFrame or lists, shape (n_traces, n_frames)
            Counts. Masked entries become NaN.
        dt_s : float
            Frame interval in seconds, above 0.
        source : str
            One name for all.
        ids : sequence of str, optional
            Default: ``"<source>:0"``, ``"<source>:1"``, …
        history : tuple of str
            Steps of processing.

        Returns
        -------
        Traces

        Raises
        ------
        TracesError
            If the shape, the interval or the number of ids is wrong.
        """
        values = as_values(values)
        n_traces = len(values)
        names = [f"{source}:{i}" for i in range(n_traces)] if ids is None else ids
        rows, cols = np.full((2, n_traces), np.nan)
        return cls(values, dt_s, rows, cols, (source,) * n_traces, tuple(names), history)

    @property
    def n_traces(self) -> int:
        """Return the number of traces."""
        return int(self.values.shape[0])

    @property
    def n_frames(self) -> int:
        """Return the number of samples of a trace."""
        return int(self.values.shape[1])

    def usable(self) -> Array:
        """Return which traces can be clustered: finite everywhere and not constant.

        Returns
        -------
        ndarray, shape (n_traces,), bool
            NumPy's, also for values on a GPU.
        """
        usable, xp = np.zeros(self.n_traces, dtype=bool), xp_of(self.values)
        for rows in row_blocks(self.values):
            values = self.values[rows]
            with np.errstate(invalid="ignore"):  # infinity − infinity
                usable[rows] = on_host(xp.isfinite(values).all(axis=1) & varies(values))
        return usable

    def finite(self) -> Array:
        """Return which traces contain neither NaN nor infinity.

        Returns
        -------
        ndarray, shape (n_traces,), bool
            NumPy's, also for values on a GPU.
        """
        finite, xp = np.zeros(self.n_traces, dtype=bool), xp_of(self.values)
        for rows in row_blocks(self.values):
            finite[rows] = on_host(xp.isfinite(self.values[rows]).all(axis=1))
        return finite

    def select(self, keep: Array) -> Traces:
        """Return some of the traces.

        Parameters
        ----------
        keep : ndarray, shape (n_traces,) of bool, or any length of int
            Mask, or indices from 0 in the order wanted.

        Returns
        -------
        Traces
        """
        index = np.flatnonzero(keep) if np.asarray(keep).dtype == bool else np.asarray(keep)
        return replace(
            self,
            values=take_rows(self.values, index),
            rows=self.rows[index],
            cols=self.cols[index],
            source=tuple(self.source[i] for i in index),
            ids=tuple(self.ids[i] for i in index),
        )

    def with_values(self, values: Array, step: str, dt_s: float | None = None) -> Traces:
        """Return the same traces with new values, the step added to the history.

        Parameters
        ----------
        values : ndarray, shape (n_traces, n_samples)
        step : str
        dt_s : float, optional
            Interval of the samples in seconds. Default: the old one.

        Returns
        -------
        Traces
        """
        return replace(self, values=values, dt_s=dt_s or self.dt_s, history=(*self.history, step))


def require_moderate(traces: Traces) -> None:
    """Check that the squares of the values can be held, and don't vanish, in float64.

    Parameters
    ----------
    traces : Traces
        On the CPU.

    Raises
    ------
    TracesError
        If the largest finite value is beyond 1e±70, and not 0.
    """
    values = traces.values
    if values.dtype.kind != "f" or values.dtype.itemsize < 8:  # float32 is within these limits
        return
    largest = 0.0
    for rows in row_blocks(values):
        size = np.abs(values[rows])
        largest = max(largest, float(np.max(size, where=np.isfinite(size), initial=0)))
    if largest and not SMALLEST <= largest <= LARGEST:
        raise TracesError(
            f"the largest value of the traces ({largest:.3g}) must be between {SMALLEST:g} and "
            f"{LARGEST:g}, or its square has no place in a number; give the traces in another unit"
        )


def varies(values: Array) -> Array:
    """Return which rows of finite values are not constant, up to rounding; (n_traces,) bool.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
        Finite.
    """
    xp, low, high = xp_of(values), values.min(axis=1), values.max(axis=1)
    rounding = ROUNDING * xp.maximum(xp.abs(low), xp.abs(high))
    varying: Array = high - low > rounding
    return varying


def require_traces(traces: object, verb: str) -> None:
    """Check that a public function was given Traces.

    Parameters
    ----------
    traces : object
    verb : str
        Name of the function, for the message.

    Raises
    ------
    TracesError
        With the call that makes Traces of an array.
    """
    if not isinstance(traces, Traces):
        raise TracesError(
            f"{verb}() takes Traces, got {type(traces).__name__}; wrap an array (n_traces, "
            "n_frames) by Traces(values, dt_s), with the frame interval in seconds"
        )
