"""Studies of a batch that stand out, by a robust rule that the page states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.protocol import Column
from umlpsd_gpu.batch.report.table import MovieRow

# Modified z-score beyond which a value is outlying (Iglewicz & Hoaglin, How to Detect and Handle
# Outliers, 1993)
LIMIT = 3.5
# Median absolute deviation of a Gaussian, in standard deviations, inverted
TO_SD = 1.4826
# A median of fewer studies says too little
FEWEST = 8
RULE = (
    f"further than {LIMIT:g} robust standard deviations from the median of all studies; the robust "
    f"standard deviation is {TO_SD:g} × the median absolute deviation"
)
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, eq=False)
class Spread:
    """How a number is distributed over the studies of a batch.

    Attributes
    ----------
    column : Column
    values : ndarray, shape (n_studies,)
        NaN where a study has no such number.
    median, sd : float
        NaN without any number; sd is robust, and at least ``column.least_spread``.
    low, high : float
        Numbers outside are outlying; infinite for fewer than 8 studies.
    is_outlying : ndarray of bool, shape (n_studies,)
    """

    column: Column
    values: np.ndarray
    median: float
    sd: float
    low: float
    high: float
    is_outlying: np.ndarray


@dataclass(frozen=True)
class Outlying:
    """A number of a study that stands out.

    Attributes
    ----------
    row : MovieRow
    heading : str
        What the number is.
    value, median, low, high : float
        The number, the median of all studies, and the limits.
    """

    row: MovieRow
    heading: str
    value: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Failures:
    """Inputs without a result for one reason.

    Attributes
    ----------
    reason : str
        Of the first; the others differ from it by numbers at most.
    rows : tuple of MovieRow
    """

    reason: str
    rows: tuple[MovieRow, ...]


def spreads_of(rows: Sequence[MovieRow], columns: Sequence[Column]) -> list[Spread]:
    """Return the distributions of the numbers that are judged.

    Parameters
    ----------
    rows : sequence of MovieRow
        With a result.
    columns : sequence of Column
        Those with a ``least_spread`` are judged.

    Returns
    -------
    list of Spread
    """
    judged = [column for column in columns if column.least_spread is not None]
    return [_spread_of(rows, column) for column in judged] if rows else []


def _spread_of(rows: Sequence[MovieRow], column: Column) -> Spread:
    found = [column.value(row.entry.facts, row.summary) for row in rows]
    values = np.array([np.nan if value is None else float(value) for value in found])
    known = values[np.isfinite(values)]
    nowhere = np.zeros(values.shape, dtype=bool)
    if not known.size:
        return Spread(column, values, np.nan, np.nan, -np.inf, np.inf, nowhere)
    median = float(np.median(known))
    sd = max(TO_SD * float(np.median(np.abs(known - median))), column.least_spread or 0.0)
    if known.size < FEWEST:
        return Spread(column, values, median, sd, -np.inf, np.inf, nowhere)
    low, high = median - LIMIT * sd, median + LIMIT * sd
    return Spread(column, values, median, sd, low, high, (values < low) | (values > high))


def list_outlying(rows: Sequence[MovieRow], spreads: Sequence[Spread]) -> list[Outlying]:
    """Return what stands out, the furthest from the median first.

    Parameters
    ----------
    rows : sequence of MovieRow
        Those of `spreads_of`.
    spreads : sequence of Spread

    Returns
    -------
    list of Outlying
    """
    found = [
        (abs(spread.values[i] - spread.median) / spread.sd, rows[i], spread, spread.values[i])
        for spread in spreads
        for i in np.flatnonzero(spread.is_outlying).tolist()
    ]
    found.sort(key=lambda each: -each[0])
    return [
        Outlying(row, spread.column.heading, float(value), spread.median, spread.low, spread.high)
        for _, row, spread, value in found
    ]


def group_failures(rows: Sequence[MovieRow]) -> list[Failures]:
    """Group inputs that failed or were set aside by their reason, the most frequent first.

    Parameters
    ----------
    rows : sequence of MovieRow

    Returns
    -------
    list of Failures
    """
    groups: dict[str, list[MovieRow]] = {}
    for row in rows:
        if row.status.state in ("failed", "set aside"):
            groups.setdefault(_NUMBER.sub("#", row.reason), []).append(row)
    failures = [Failures(members[0].reason, tuple(members)) for members in groups.values()]
    return sorted(failures, key=lambda each: -len(each.rows))
