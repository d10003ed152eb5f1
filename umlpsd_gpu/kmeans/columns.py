"""Centred matrices in blocks of columns: long traces are never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of

# Products of matrices with more columns are summed block by block. Part of the result's definition,
# since the order of a sum may touch its last bit.
COLUMNS_PER_BLOCK = 1 << 17


def centred_blocks(values: Array, is_centred: bool = False) -> Iterator[Array]:
    """Yield blocks of columns, less the mean over the rows.

    Parameters
    ----------
    values : array, shape (n_rows, n_columns)
        NumPy or CuPy.
    is_centred : bool
        Whether the mean over the rows was subtracted already.

    Yields
    ------
    array, shape (n_rows, n_block), float64
        Against cancellation in |x|² + |y|² − 2xy.
    """
    xp = xp_of(values)
    for first in range(0, values.shape[1], COLUMNS_PER_BLOCK):
        block = xp.asarray(values[:, first : first + COLUMNS_PER_BLOCK], dtype=np.float64)
        yield block if is_centred else block - block.mean(axis=0)
