"""Sums over the pixels of many particles: in compiled code, on a GPU, or in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.cpu_kernel import library
from umlpsd_gpu.compute.threads import stopping_point, thread_pool
from umlpsd_gpu.shapes.least_squares import Sums
from umlpsd_gpu.shapes.pixel_model import N_FRACTIONS, PixelData, Tasks, pixel_sums

# Fewer are not worth a thread
LEAST_TASKS = 8

PixelSums = Callable[[PixelData, Tasks, np.ndarray], Sums]


def native_pixel_sums(data: PixelData, tasks: Tasks, parameters: np.ndarray) -> Sums:
    """Return χ², gradient and normal matrix of each task, from ``kernels/particle_pixels.c``.

    Parameters
    ----------
    data : PixelData
    tasks : Tasks
    parameters : ndarray of float64, shape (n_tasks, 8)

    Returns
    -------
    Sums
        As `umlpsd_gpu.shapes.pixel_model.pixel_sums`, to rounding.

    Raises
    ------
    MemoryError
        If the kernel can't allocate its work space.
    """
    stopping_point()
    crops, n = data.crops, len(parameters)
    sums = Sums(np.empty(n), np.empty((n, 8)), np.empty((n, 8, 8)))
    failed = library("particle_pixels").particle_pixels(
        crops.values,
        data.weights,
        *(crops.starts, crops.n_rows, crops.n_cols),
        *(tasks.crop, tasks.d, tasks.n_quarter),
        np.ascontiguousarray(parameters),
        n,
        *(data.table.narrow, data.table.wide),
        N_FRACTIONS,
        data.table.width,
        *(sums.chi2, sums.gradient, sums.normal),
    )
    if failed:
        raise MemoryError(f"no memory for the pixels of {len(crops)} particles")
    return sums


def threaded_pixel_sums(
    data: PixelData, tasks: Tasks, parameters: np.ndarray, n_threads: int | None = None
) -> Sums:
    """Return the sums of each task, from compiled code in several threads, or from NumPy.

    Parameters
    ----------
    data : PixelData
    tasks : Tasks
    parameters : ndarray of float64, shape (n_tasks, 8)
    n_threads : int, optional
        Default: one for each core.

    Returns
    -------
    Sums
        The same bits for any number of threads.
    """
    evaluate = pixel_sums if library("particle_pixels") is None else native_pixel_sums
    n_parts = min(n_threads or n_cores(), len(parameters) // LEAST_TASKS)
    if n_parts < 2:
        return evaluate(data, tasks, parameters)
    bounds = np.linspace(0, len(parameters), 4 * n_parts + 1).astype(int)
    parts = [slice(*pair) for pair in pairwise(bounds)]
    with thread_pool(n_parts) as pool:
        found = list(pool.map(lambda p: evaluate(data, tasks.part(p), parameters[p]), parts))
    return Sums(
        np.concatenate([each.chi2 for each in found]),
        np.concatenate([each.gradient for each in found]),
        np.concatenate([each.normal for each in found]),
    )
