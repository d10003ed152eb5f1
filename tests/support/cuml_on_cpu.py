"""A stand-in for cuML 26.10 on the CPU: the K-means that engine ``cuml`` calls, and no more.

Names, defaults and refusals are those of its ``cluster/kmeans.pyx``; the iterations, their end and
empty clusters those of ``kmeans_fit`` in cuVS (main branch, 2026). The sums run in another order
in every iteration, as atomic ones do, so that an end that waits for equal bits never comes.
"""

import sys
from numbers import Integral
from types import SimpleNamespace

import numpy as np

__version__ = "26.10.00 (stand-in on the CPU)"
global_settings = SimpleNamespace(output_type=None)
FITTED = []  # every KMeans that was fitted, for tests to look at what it was given


class KMeans:
    """Lloyd's iterations from explicit starts."""

    def __init__(
        self,
        *,
        n_clusters=8,
        max_iter=300,
        tol=1e-4,
        verbose=False,
        random_state=None,
        init="scalable-k-means++",
        n_init="auto",
        oversampling_factor=2.0,
        max_samples_per_batch=1 << 15,
        device_buffer_samples=0,
        init_size=0,
        output_type=None,
    ):
        arguments = {name: value for name, value in locals().items() if name != "self"}
        self.__dict__.update(arguments)

    def fit(self, X, y=None, sample_weight=None):
        if not isinstance(self.n_clusters, Integral) or self.n_clusters <= 0:
            raise ValueError(f"n_clusters={self.n_clusters} should be a positive integer.")
        points = checked(X, "X")
        if len(points) < self.n_clusters:
            raise ValueError(f"n_samples={len(points)} should be >= n_clusters={self.n_clusters}.")
        if isinstance(self.init, str) or sample_weight is not None:
            raise NotImplementedError("the stand-in knows explicit starts and equal weights only")
        centroids = checked(self.init, "array").astype(points.dtype)
        if centroids.shape != (self.n_clusters, points.shape[1]):
            raise ValueError(f"The shape of the initial centers {centroids.shape} does not match")
        if not isinstance(self.random_state, Integral | None):
            raise TypeError(f"`random_state` must be an `int`, got {self.random_state!r}")
        if self.tol <= 0:
            raise RuntimeError("invalid parameter (tol<=0)")
        self._input_type = "cupy" if type(X).__module__ == "cupy" else "numpy"
        self.n_iter_, centroids = lloyd(points, centroids, self.max_iter, self.tol)
        self._labels, nearest = assigned(points, centroids)
        self.inertia_ = float(nearest.sum())
        FITTED.append(self)
        return self

    @property
    def labels_(self):
        asked = global_settings.output_type or self.output_type or "input"
        output_type = self._input_type if asked == "input" else asked
        labels = self._labels.astype(np.int32)
        return sys.modules["cupy"].asarray(labels) if output_type == "cupy" else labels


cluster = SimpleNamespace(KMeans=KMeans)


def checked(array, name):
    """Return the values on the host, or refuse them as ``check_array`` does."""
    host = array.get() if type(array).__module__ == "cupy" else np.asarray(array)
    if host.ndim != 2:
        raise ValueError(f"Expected 2D array, got {host.ndim}D array instead")
    if host.dtype not in (np.float32, np.float64):
        host = host.astype(np.float32)
    if not np.isfinite(host).all():
        raise ValueError(f"Input {name} contains NaN.")
    return host


def assigned(points, centroids):
    """Return the nearest centroid of each point, and the squared distance to it."""
    gaps = points[:, None] - centroids
    sqdist = np.einsum("ncd,ncd->nc", gaps, gaps)
    return sqdist.argmin(axis=1), sqdist.min(axis=1)


def lloyd(points, centroids, max_iter, tol):
    """Return the updates done and the centroids; an empty cluster keeps its own."""
    order = np.random.default_rng(0)
    cost = None
    for iteration in range(1, max_iter + 1):
        labels, nearest = assigned(points, centroids)
        shuffled = order.permutation(len(points))
        sums, counts = np.zeros_like(centroids), np.bincount(labels, minlength=len(centroids))
        np.add.at(sums, labels[shuffled], points[shuffled])
        filled = counts[:, None] > 0
        moved = np.where(filled, sums / np.maximum(counts, 1)[:, None], centroids)
        shift = ((moved - centroids) ** 2).sum()
        before, cost, centroids = cost, np.cumsum(nearest[shuffled])[-1], moved
        fell_little = bool(before) and cost != 0 and cost / before > 1 - tol
        if fell_little or shift < tol:
            return iteration, centroids
    return max_iter, centroids
