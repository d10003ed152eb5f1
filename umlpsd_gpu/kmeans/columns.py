"""Centred matrices in blocks of columns: long traces are never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Products of matrices with more columns are summed block by block. Part of the result's definition,
# since the order of a sum may touch its last bit.
COLUMNS_PER_BLOCK = 1 << 17


def centred_blocks(values: np.ndarray, is_centred: bool = False) -> Iterator[np.ndarray]:
    """Yield blocks of columns, less the mean over the rows.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_columns)
    is_centred : bool
        Whether the mean over the rows was subtracted already.

    Yields
    ------
    ndarray, shape (n_rows, n_block), float64
        Against cancellation in |x|² + |y|² − 2xy.
    """
    for first in range(0, values.shape[1], COLUMNS_PER_BLOCK):
        block = np.asarray(values[:, first : first + COLUMNS_PER_BLOCK], dtype=np.float64)
        yield block if is_centred else block - block.mean(axis=0)
