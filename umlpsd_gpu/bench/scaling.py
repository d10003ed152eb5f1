"""Time and memory of the sweep against the number of traces, their length, K and epochs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from umlpsd_gpu.bench.roofline import Ceilings, Work, measure_work
from umlpsd_gpu.bench.timing import Measurement, Progress, time_in_turn
from umlpsd_gpu.kmeans.budget import SweepCost
from umlpsd_gpu.kmeans.sweep import sweep

N_TRACES, N_SAMPLES, N_EPOCHS = 204, 125, 100
K_VALUES = range(2, 16)
# longest time of a point, about; large ensembles run fewer epochs [I]
MOST_S = 1.5
# noise added to copies of a trace after min–max scaling, so that they differ [I]
SCATTER = 0.08

AXES = {
    "n_traces": "traces n",
    "n_samples": "samples d",
    "n_clusters": "clusters K",
    "n_epochs": "epochs",
}
QUICK_SIZES = {
    "n_traces": (50, 200, 800, 3200),
    "n_samples": (50, 200, 1000, 5000, 10_000),
    "n_clusters": (2, 4, 8, 16, 32),
    "n_epochs": (25, 50, 100, 200, 400),
}
FULL_SIZES = {
    "n_traces": (50, 100, 200, 400, 800, 1600, 3200, 10_000, 32_000, 100_000),
    "n_samples": (25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
    "n_clusters": (2, 3, 4, 6, 8, 12, 16, 24, 32, 48),
    "n_epochs": (12, 25, 50, 100, 200, 400, 800),
}


@dataclass(frozen=True)
class Point:
    """One size.

    Attributes
    ----------
    size : int
        Along the axis.
    seconds : Measurement
        Converted to 100 epochs, unless the axis is that of epochs.
    peak_bytes : int
        Largest memory in arrays (tracemalloc) without the curves themselves; of the epochs run.
    work : Work
        Of as many epochs as ``seconds``.
    epochs_run : int
    """

    size: int
    seconds: Measurement
    peak_bytes: int
    work: Work
    epochs_run: int


@dataclass(frozen=True)
class Curve:
    """All sizes along one axis, and the exponents fitted to them.

    Attributes
    ----------
    axis : str
        A key of `AXES`.
    points : tuple of Point
    """

    axis: str
    points: tuple[Point, ...]

    @property
    def sizes(self) -> np.ndarray:
        """Return the sizes; (n_points,)."""
        return np.array([point.size for point in self.points], dtype=float)

    @property
    def seconds(self) -> np.ndarray:
        """Return the median times; (n_points,), s."""
        return np.array([point.seconds.median for point in self.points])

    @property
    def time_exponent(self) -> float:
        """Return p of seconds ∝ size^p for the upper half of the sizes."""
        return fit_exponent(self.sizes, self.seconds)

    @property
    def memory_exponent(self) -> float:
        """Return p of bytes ∝ size^p for the upper half of the sizes."""
        return fit_exponent(self.sizes, np.array([p.peak_bytes for p in self.points]))


def fit_exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """Return the slope of log value against log size for the upper half of the sizes.

    The lower half is left out because fixed costs there hide how the work grows.

    Parameters
    ----------
    sizes, values : ndarray, shape (n_points,)
        Above 0; sizes in rising order.

    Returns
    -------
    float
    """
    upper = slice(len(sizes) // 2 if len(sizes) > 3 else 0, None)
    slope, _ = np.polyfit(np.log(sizes[upper]), np.log(values[upper]), 1)
    return float(slope)


def scaling(
    traces: np.ndarray,
    sizes: Mapping[str, Sequence[int]],
    n_rounds: int,
    report: Progress,
    seed: int = 0,
) -> tuple[Curve, ...]:
    """Measure every size of every axis.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
        Raw traces after min–max scaling.
    sizes : mapping of str to sequence of int
        By axis; the other three sizes are those of 204 traces × 125 samples, K 2…15, 100 epochs.
    n_rounds : int
    report : callable
        Called with (step, n_done, n_total).
    seed : int

    Returns
    -------
    tuple of Curve
    """
    cases = {
        (axis, size): _Case.of(axis, size, traces, seed)
        for axis, along in sizes.items()
        for size in along
    }
    # all axes in every round, so that a short disturbance affects only one round
    works = {key: case.run for key, case in cases.items()}
    seconds = time_in_turn(works, n_rounds, report=partial(report, "scaling"))
    curves = []
    for done, (axis, along) in enumerate(sizes.items()):
        report("memory", done, len(sizes))
        points = [cases[axis, size].point(size, seconds[axis, size]) for size in along]
        curves.append(Curve(axis, tuple(points)))
    report("memory", len(sizes), len(sizes))
    return tuple(curves)


def limit_share(point: Point, ceilings: Ceilings) -> float:
    """Return the share of the machine's limit that is reached: lower limit divided by time.

    Parameters
    ----------
    point : Point
    ceilings : Ceilings

    Returns
    -------
    float
    """
    return point.work.floor_s(ceilings) / point.seconds.median


@dataclass(frozen=True)
class _Case:
    values: np.ndarray
    k_values: range
    n_epochs: int
    n_epochs_wanted: int

    @classmethod
    def of(cls, axis: str, size: int, traces: np.ndarray, seed: int) -> _Case:
        n_traces = size if axis == "n_traces" else N_TRACES
        n_samples = size if axis == "n_samples" else N_SAMPLES
        ks = range(size, size + 1) if axis == "n_clusters" else K_VALUES
        n_epochs = size if axis == "n_epochs" else N_EPOCHS
        cost = SweepCost.of(n_traces, n_samples, np.array(ks), n_epochs, "sqeuclidean")
        affordable = max(1, int(n_epochs * MOST_S / cost.kmeans_s))
        values = make_ensemble(traces, n_traces, n_samples, seed)
        return cls(values, ks, min(n_epochs, affordable), n_epochs)

    def run(self) -> None:
        sweep(self.values, self.k_values, self.n_epochs)

    def point(self, size: int, seconds: Measurement) -> Point:
        factor = self.n_epochs_wanted / self.n_epochs
        tracemalloc.start()
        try:
            self.run()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        once = measure_work(self.values, self.k_values, self.n_epochs)
        return Point(
            size, seconds.multiply(factor), peak_bytes, once.multiply(factor), self.n_epochs
        )


def make_ensemble(traces: np.ndarray, n_traces: int, n_samples: int, seed: int) -> np.ndarray:
    """Return any number of curves of any length, similar to the given ones.

    They are averages over bins of the given traces. If more curves are requested than given, traces
    are drawn repeatedly and noise is added.

    Parameters
    ----------
    traces : ndarray, shape (n_given, n_frames)
    n_traces, n_samples : int
    seed : int

    Returns
    -------
    ndarray, shape (n_traces, n_samples)
    """
    n_given, n_frames = traces.shape
    edges = np.linspace(0, n_frames, n_samples + 1).astype(int)
    binned = np.add.reduceat(traces, edges[:-1], axis=1) / np.diff(edges)
    if n_traces <= n_given:
        chosen: np.ndarray = binned[np.linspace(0, n_given - 1, n_traces).round().astype(int)]
        return chosen
    rng = np.random.default_rng([seed, n_traces, n_samples])
    drawn = binned[rng.integers(n_given, size=n_traces)]
    drawn += SCATTER * rng.standard_normal(drawn.shape)
    return drawn
