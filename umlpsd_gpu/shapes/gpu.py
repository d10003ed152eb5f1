"""Sums over the pixels of particles on the GPU; the version for the CPU is ``pixel_engines.py``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from umlpsd_gpu.compute.device_memory import in_blocks
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.shapes.least_squares import Sums
from umlpsd_gpu.shapes.pixel_model import N_FRACTIONS, PixelData, Tasks

THREADS = 128
WARP = 32
# Tasks at a time; each has its own scratch memory
MOST_WARPS = 4096


class GpuPixelSums:
    """χ², gradients and normal matrices of particles from ``kernels/particle_pixels.cu``.

    An object is a function for `umlpsd_gpu.shapes.pixel_fit.fit_shapes`; it keeps the pixels of the
    last data on the device.
    """

    def __init__(self) -> None:
        self._data: PixelData | None = None
        self._on_device: tuple[Any, ...] = ()

    def __call__(self, data: PixelData, tasks: Tasks, parameters: np.ndarray) -> Sums:
        """Return the sums of each task.

        Parameters
        ----------
        data : PixelData
        tasks : Tasks
        parameters : ndarray of float64, shape (n_tasks, 8)

        Returns
        -------
        Sums
            NumPy, as from `umlpsd_gpu.shapes.pixel_model.pixel_sums`, to rounding.
        """
        cupy, n = import_module("cupy"), len(parameters)
        if data is not self._data:
            crops, table = data.crops, data.table
            arrays = crops.values, data.weights, crops.starts, crops.n_rows, crops.n_cols
            self._data = data
            self._on_device = tuple(cupy.asarray(a) for a in (*arrays, table.narrow, table.wide))
        *pixels, narrow, wide = self._on_device
        width = data.table.width
        found = Sums(np.empty(n), np.empty((n, 8)), np.empty((n, 8, 8)))
        if n == 0:
            return found
        rows, columns = data.crops.n_rows[tasks.crop], data.crops.n_cols[tasks.crop]
        n_places = int((rows * (columns + 2 * width)).max())
        n_points = int((2 * tasks.d * tasks.n_quarter).max())
        launch = kernel("particle_pixels")

        def work(start: int, stop: int) -> None:
            n_blocks = -(-min(stop - start, MOST_WARPS) // (THREADS // WARP))
            scratch = cupy.empty(n_blocks * (THREADS // WARP) * (8 * n_places + 4 * n_points))
            part, m = tasks.part(slice(start, stop)), stop - start
            sums = [cupy.empty(shape) for shape in ((m,), (m, 8), (m, 8, 8))]
            launch(
                n_blocks,
                THREADS,
                *pixels,
                *(cupy.asarray(each) for each in (part.crop, part.d, part.n_quarter)),
                cupy.asarray(np.ascontiguousarray(parameters[start:stop])),
                *(m, narrow, wide, N_FRACTIONS, width, n_places, n_points, scratch, *sums),
            )
            for ours, theirs in zip((found.chi2, found.gradient, found.normal), sums, strict=True):
                ours[start:stop] = cupy.asnumpy(theirs)

        in_blocks(n, 8 * (8 * n_places + 4 * n_points + 200), work)
        return found
