"""Traces that are equal: the same data twice, or axes that were taken for traces."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.storage.blocks import row_blocks

# Samples by which traces are compared first, and digits to which they must agree
N_SAMPLED, DIGITS = 64, 9


def find_twins(values: Array, usable: Array) -> list[tuple[int, int]]:
    """Return traces that equal an earlier one after scaling to 0…1.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
    usable : ndarray, shape (n_traces,), bool
        Traces that are compared: finite and not constant.

    Returns
    -------
    list of (int, int)
        The first of a kind and the later one, by index.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.traces.twins import find_twins
    >>> find_twins(np.array([[1, 2, 4], [3, 1, 2], [10, 20, 40]]), np.ones(3, dtype=bool))
    [(0, 2)]
    """
    columns = np.unique(np.linspace(0, values.shape[1] - 1, N_SAMPLED).round().astype(int))
    groups: dict[bytes, list[int]] = defaultdict(list)
    for rows in row_blocks(values):
        chosen = np.flatnonzero(usable[rows])
        block = values[rows][chosen]
        if not len(block):
            continue
        sampled = _scale(block, columns)
        for row, key in zip(chosen.tolist(), sampled, strict=True):
            groups[key.tobytes()].append(rows.start + row)
    twins = []
    for members in groups.values():
        first_of: dict[bytes, int] = {}
        for row in members if len(members) > 1 else ():
            digest = hashlib.blake2b(_scale(values[row : row + 1]).tobytes()).digest()
            first = first_of.setdefault(digest, row)
            if first != row:
                twins.append((first, row))
    return sorted(twins, key=lambda pair: pair[1])


def _scale(block: Array, columns: Array | None = None) -> Array:
    """Return rows scaled to 0…1 and rounded, perhaps of some columns only."""
    low = block.min(axis=1, keepdims=True).astype(np.float64)
    high = block.max(axis=1, keepdims=True).astype(np.float64)
    shown = block if columns is None else block[:, columns]
    # adding 0 makes −0 equal to 0
    scaled: Array = np.round((shown - low) / (high - low), DIGITS) + 0.0
    return scaled
