"""Timing of several works in turn, round after round, so that disturbances affect all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")
Key = TypeVar("Key")
# shortest round of a work, since other processes occupy the core for some milliseconds [I]
LEAST_ROUND_S = 0.05
# (step, done, total): called as the work proceeds
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measurement:
    """Seconds of one work, measured several times.

    Attributes
    ----------
    seconds : tuple of float
        One per round.
    ours : bool
        Whether this package was timed; other work shows the speed of the machine.
    """

    seconds: tuple[float, ...]
    ours: bool = True

    @property
    def median(self) -> float:
        """Return the median over rounds, s."""
        return float(np.median(self.seconds))

    @property
    def low(self) -> float:
        """Return the shortest round, s."""
        return min(self.seconds)

    @property
    def high(self) -> float:
        """Return the longest round, s."""
        return max(self.seconds)

    def ratio_to(self, other: Measurement) -> float:
        """Return the time divided by that of another work: the median over common rounds.

        If the machine is slower for a minute, it is slower for both works of a round.

        Parameters
        ----------
        other : Measurement

        Returns
        -------
        float
        """
        pairs = zip(self.seconds, other.seconds, strict=False)
        return float(np.median([own / others for own, others in pairs]))

    def multiply(self, factor: float) -> Measurement:
        """Return the time of a multiple of the work.

        Parameters
        ----------
        factor : float

        Returns
        -------
        Measurement
        """
        return Measurement(tuple(factor * s for s in self.seconds), self.ours)


def time_call(work: Callable[[], Result]) -> tuple[float, Result]:
    """Call a function and measure the wall time.

    Parameters
    ----------
    work : callable
        Without arguments.

    Returns
    -------
    seconds : float
    result : object
        Returned by the function.
    """
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def time_in_turn(
    works: Mapping[Key, Callable[[], Any]],
    n_rounds: int,
    warm_up: bool = True,
    report: Callable[[int, int], None] | None = None,
) -> dict[Key, Measurement]:
    """Time every work in each round, after a warm-up that is not timed.

    Short works are called several times per round, for `LEAST_ROUND_S`, and their median counts.

    Parameters
    ----------
    works : mapping of object to callable
        Without arguments.
    n_rounds : int
    warm_up : bool
    report : callable, optional
        Called with (n_done, n_rounds).

    Returns
    -------
    dict of object to Measurement
        With the keys of ``works``.
    """
    if warm_up:
        for work in works.values():
            work()
    seconds: dict[Key, list[float]] = {name: [] for name in works}
    for number in range(n_rounds):
        for name, work in works.items():
            seconds[name].append(_one_round(work))
        if report:
            report(number + 1, n_rounds)
    return {name: Measurement(tuple(found)) for name, found in seconds.items()}


def _one_round(work: Callable[[], Any]) -> float:
    spent: list[float] = []
    end = time.perf_counter() + LEAST_ROUND_S
    while not spent or time.perf_counter() < end:
        spent.append(time_call(work)[0])
    return float(np.median(spent))


def format_duration(seconds: float) -> str:
    """Return a duration with three digits in a suitable unit.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str

    Examples
    --------
    >>> from umlpsd_gpu.bench.timing import format_duration
    >>> format_duration(0.0456)
    '45.6 ms'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{format_number(seconds / size)} {unit}"
    return f"{format_number(seconds / 1e-6)} µs"


def format_number(value: float) -> str:
    """Return a number with three digits, or with all digits before the point.

    Parameters
    ----------
    value : float

    Returns
    -------
    str
        As 1,234, 56.7, 0.0891; a dash for NaN.
    """
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
