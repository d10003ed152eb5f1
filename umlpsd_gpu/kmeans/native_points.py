"""Restarts of K-means in compiled code, for ensembles of many points.

Each iteration decides most points from their leading principal coordinates;
``kernels/kmeans_points.c`` has the bounds that make this exact.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.compute.cpu_kernel import library
from umlpsd_gpu.compute.threads import stopping_point
from umlpsd_gpu.kmeans.native import Restarted
from umlpsd_gpu.kmeans.principal import SLICE, TILE, PrincipalPoints


def has_kernel() -> bool:
    """Return whether `kmeans_points` was compiled on this machine.

    Returns
    -------
    bool
    """
    return library("kmeans_points") is not None


def kmeans_points(points: PrincipalPoints, starts: np.ndarray, max_iter: int) -> Restarted:
    """Run Lloyd's iterations of several restarts, from their starting points to the last label.

    Parameters
    ----------
    points : PrincipalPoints
    starts : ndarray, shape (n_epochs, n_clusters), int
        Which points of the ensemble the centroids start at, as `starting_traces` returns them.
    max_iter : int
        Lloyd iterations at most.

    Returns
    -------
    Restarted
        Distances inside and outside are squared Euclidean ones.

    Raises
    ------
    MemoryError
        If the kernel can't allocate its work space.
    """
    stopping_point()
    n_points, width = points.points.shape
    n_epochs, n_clusters = starts.shape
    row = np.empty(n_points, dtype=np.int64)
    row[points.order] = np.arange(n_points)
    labels = np.empty((n_epochs, n_points), dtype=np.int16)
    inside, outside = np.empty((2, n_epochs, n_points))
    n_iterations = np.empty(n_epochs, dtype=np.int64)
    counts = np.empty((n_epochs, n_clusters), dtype=np.int64)
    widths = np.empty((n_epochs, n_clusters))
    work = np.empty(2, dtype=np.int64)
    failed = library("kmeans_points").kmeans_points(
        points.points,
        points.tiles,
        points.rest,
        points.lengths,
        n_points,
        width,
        points.tiles.shape[1],
        points.scale,
        row[starts],
        n_epochs,
        n_clusters,
        max_iter,
        labels,
        n_iterations,
        counts,
        widths,
        inside,
        outside,
        work,
    )
    if failed:
        raise MemoryError(f"no memory for K-means of {n_clusters} clusters and {n_points} points")
    return Restarted(
        labels=labels[:, row],
        n_iterations=n_iterations,
        counts=counts,
        widths=widths,
        inside=inside[:, row],
        outside=outside[:, row],
        n_rows=np.zeros(n_epochs, dtype=np.int64),
        flops=float(2 * SLICE * TILE * work[0] + 3 * width * work[1]),
    )
