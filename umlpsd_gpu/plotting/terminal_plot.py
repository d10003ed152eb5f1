"""Curves drawn with characters, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Bits of the dots of a braille character, by row and column (Unicode, chapter 21.1)
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BRAILLE = 0x2800
# Without braille: a dot above, below, or both
_PLAIN = " '.:"


def plot_in_characters(
    x: np.ndarray,
    y: np.ndarray,
    n_columns: int = 72,
    n_rows: int = 10,
    is_logarithmic: bool = False,
    has_braille: bool = True,
) -> list[str]:
    r"""Draw a curve with characters, with its limits at the axes.

    Parameters
    ----------
    x, y : ndarray, shape (n_samples,)
        x ascends; samples that are not finite (or not positive on logarithmic axes) leave gaps.
    n_columns, n_rows : int
        Characters of the drawing, without the numbers.
    is_logarithmic : bool
        Whether both axes are logarithmic.
    has_braille : bool
        Whether the terminal shows braille characters; points and apostrophes are used otherwise.

    Returns
    -------
    list of str
        Lines. One that says so where there is nothing to draw.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(5.0)
    >>> print(*plot_in_characters(x, x, 5, 2, has_braille=False), sep="\n")
    4 ┤  ..'
    0 ┤.'
      └─────
       0   4
    """
    keep = np.isfinite(x) & np.isfinite(y)
    if is_logarithmic:
        keep &= (x > 0) & (y > 0)
    if not keep.any():
        return ["(no values to draw)"]
    limits = float(y[keep].min()), float(y[keep].max()), float(x[keep].min()), float(x[keep].max())
    across, down = (2, 4) if has_braille else (1, 2)
    dots = _raster(x, y, keep, (n_rows * down, n_columns * across), is_logarithmic)
    blocks = dots.reshape(n_rows, down, n_columns, across)
    bits = _DOTS if has_braille else np.array([[1], [2]])
    codes = np.einsum("rdca,da->rc", blocks, bits)
    signs = [
        "".join(chr(_BRAILLE + code) if has_braille else _PLAIN[code] for code in row).rstrip(
            chr(_BRAILLE) + " "
        )
        for row in codes.tolist()
    ]
    return _frame(signs, [f"{limit:.4g}" for limit in limits], n_columns)


def _raster(
    x: np.ndarray, y: np.ndarray, keep: np.ndarray, shape: tuple[int, int], is_logarithmic: bool
) -> np.ndarray:
    """Return which dots are set: in each column from the lowest to the highest value in it."""
    heights = _positions(y, keep, shape[0], is_logarithmic)
    places = _positions(x, keep, shape[1], is_logarithmic)
    low = np.full(shape[1], shape[0], dtype=np.int64)
    high = np.full(shape[1], -1, dtype=np.int64)
    kept = np.flatnonzero(keep)
    for i in kept[:: max(1, kept.size // 200_000)].tolist():
        column, height = places[i], heights[i]
        low[column], high[column] = min(low[column], height), max(high[column], height)
        if i and keep[i - 1] and places[i - 1] != column:
            _join(low, high, (places[i - 1], heights[i - 1]), (column, height))
    rows = np.arange(shape[0])[::-1, None]
    dots: np.ndarray = (rows >= low) & (rows <= high)
    return dots.astype(np.int64)


def _join(low: np.ndarray, high: np.ndarray, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw a straight line between two dots, without a hole in any column."""
    columns = np.arange(start[0], end[0] + 1)
    line = np.interp(columns, [start[0], end[0]], [start[1], end[1]])
    heights = np.rint(line).astype(np.int64)
    before, here, place = heights[:-1], heights[1:], columns[1:]
    # from the dot above or below that of the column before
    first = np.where(here > before, before + 1, here)
    last = np.where(here < before, before - 1, here)
    low[place] = np.minimum(low[place], first)
    high[place] = np.maximum(high[place], last)


def _positions(values: np.ndarray, keep: np.ndarray, n: int, is_logarithmic: bool) -> np.ndarray:
    known = np.where(keep, values, values[keep][0]).astype(np.float64)
    if is_logarithmic:
        known = np.log(known)
    low, high = known.min(), known.max()
    share = (known - low) / (high - low) if high > low else np.full(known.shape, 0.5)
    places: np.ndarray = np.rint(share * (n - 1)).astype(np.int64)
    return places


def _frame(signs: Sequence[str], limits: Sequence[str], n_columns: int) -> list[str]:
    lowest, highest, left, right = limits
    width = max(len(lowest), len(highest))
    heads = [highest, *[""] * (len(signs) - 2), lowest] if len(signs) > 1 else [highest]
    lines = [
        f"{head:>{width}} {'┤' if head else '│'}{row}"
        for head, row in zip(heads, signs, strict=True)
    ]
    gap = " " * max(1, n_columns - len(left) - len(right))
    return [
        *lines,
        f"{'':>{width}} └{'─' * n_columns}",
        f"{'':>{width}}  {left}{gap}{right}",
    ]
