"""Times → the frame interval; uneven ones are refused, rounded and jittering ones are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError

# A time may be off its even grid by less than this share of a step: rounding and jitter, no gap
LARGEST_OFFSET = 0.5
# A step this much longer than the median may be a gap; rows on either side then decide
LONGEST_STEP, N_BESIDE = 1.5, 8
N_FIRST_ROWS = 1000
# Steps of an axis that nothing names agree within this share
LARGEST_JITTER = 0.01


def counts(column: Array) -> bool:
    """Return whether a column contains frame numbers: whole numbers that rise by 1.

    Parameters
    ----------
    column : ndarray, shape (n_rows,)
    """
    return bool((column == np.round(column)).all() and (np.diff(column) == 1).all())


def rises(column: Array) -> bool:
    """Return whether every number is above the one before; False with a NaN.

    Parameters
    ----------
    column : ndarray, shape (n_rows,)
    """
    return bool(np.isfinite(column).all() and (np.diff(column) > 0).all())


def rises_evenly(column: Array) -> bool:
    """Return whether a column rises by equal steps, within 1 %.

    Parameters
    ----------
    column : ndarray, shape (n_rows,)
    """
    if len(column) < 2 or not rises(column):
        return False
    steps = np.diff(column)
    return not (np.abs(steps - np.median(steps)) > LARGEST_JITTER * steps.mean()).any()


def is_axis(column: Array, fewest: int) -> bool:
    """Return whether a column can only be an axis: it rises evenly over many rows.

    Rounded times pass too.

    Parameters
    ----------
    column : ndarray, shape (n_rows,)
    fewest : int
        Rows that are needed for that.
    """
    # nearly every column that doesn't rise shows so in its first rows
    if len(column) < fewest or not rises(column[:N_FIRST_ROWS].astype(np.float64)):
        return False
    column = column.astype(np.float64)
    if not rises(column):
        return False
    step = (column[-1] - column[0]) / (len(column) - 1)
    return _find_uneven(column, step) is None


def measure_even_step(
    column: Array, path: Path, name_row: Callable[[int], str] | None = None
) -> float:
    """Return the mean step of times, in their unit.

    Parameters
    ----------
    column : ndarray, shape (n_frames,)
    path : Path
        For messages.
    name_row : callable, optional
        Takes an index; returns words for that row of the file. Default: ``row 1``, ….

    Returns
    -------
    float

    Raises
    ------
    TracesError
        If a time is missing, they don't rise, or one is half a step or more off the even grid.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from umlpsd_gpu.traces.time_steps import measure_even_step
    >>> times_s = np.round(np.arange(91) / 30, 2)  # 30 Hz, two decimals
    >>> round(measure_even_step(times_s, Path("a.csv")), 5)
    0.03333
    """
    name = name_row or (lambda i: f"row {i + 1}")
    if not np.isfinite(column).all():
        at = int(np.argmin(np.isfinite(column)))
        raise TracesError(
            f"{path}: the time is missing in its {name(at)}; fill it in, or remove that row"
        )
    steps = np.diff(column)
    if (steps < 0).all():
        raise TracesError(
            f"{path}: the times fall from row to row (from {column[0]:.6g} in {name(0)} to "
            f"{column[-1]:.6g}); sort the rows by time"
        )
    step = float((column[-1] - column[0]) / len(steps))
    uneven = _find_uneven(column, step)
    if uneven is not None:
        raise TracesError(
            f"{path}: the times are uneven: the step after {name(uneven)} is "
            f"{steps[uneven]:.6g} where the median is {np.median(steps):.6g}; resample them "
            "evenly, or give each stretch as a table of its own"
        )
    return step


def _find_uneven(column: Array, step: float) -> int | None:
    """Return the row after which the times leave their even grid, or None."""
    steps = np.diff(column)
    if (steps < 0).any() or step <= 0:
        return int(np.argmin(steps))
    offset = column - column[0] - step * np.arange(len(column))
    offset -= (offset.max() + offset.min()) / 2
    long_steps = np.flatnonzero(steps > LONGEST_STEP * np.median(steps))
    for at in long_steps:
        before = offset[max(0, at + 1 - N_BESIDE) : at + 1]
        after = offset[at + 1 : at + 1 + N_BESIDE]
        if np.median(after) - np.median(before) > LARGEST_OFFSET * step:
            return int(at)
    if np.abs(offset).max() >= LARGEST_OFFSET * step * (1 + 1e-9):
        widest = np.abs(steps - step)
        return int(np.argmax(widest))
    return None
