"""Time works in turn, round after round, so that what disturbs the machine meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")
Key = TypeVar("Key")
# a round of a work lasts so long at least: other processes take the core for some milliseconds [I]
LEAST_ROUND_S = 0.05
# (step, done, total): called as the work proceeds
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measurement:
    """Seconds of one work, measured several times.

    Attributes
    ----------
    seconds : tuple of float
        One for each round.
    ours : bool
        Whether it is this package that was timed; other work tells how fast the machine was.
    """

    seconds: tuple[float, ...]
    ours: bool = True

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def low(self) -> float:
        return min(self.seconds)

    @property
    def high(self) -> float:
        return max(self.seconds)

    def ratio_to(self, other: Measurement) -> float:
        """Return how many times longer this took: the median over rounds of both.

        A machine that is slower for a minute is so for both works of a round.
        """
        pairs = zip(self.seconds, other.seconds, strict=False)
        return float(np.median([own / others for own, others in pairs]))

    def multiply(self, factor: float) -> Measurement:
        """Return the same for so many times the work."""
        return Measurement(tuple(factor * s for s in self.seconds), self.ours)


def time_call(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the wall seconds of a call and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def time_in_turn(
    works: Mapping[Key, Callable[[], Any]],
    n_rounds: int,
    warm_up: bool = True,
    report: Callable[[int, int], None] | None = None,
) -> dict[Key, Measurement]:
    """Time every work in each round; the first calls, untimed, warm up.

    Short works are called several times in a round, for `LEAST_ROUND_S`: the median is its time.
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
    """Return a duration with three digits, in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{format_number(seconds / size)} {unit}"
    return f"{format_number(seconds / 1e-6)} µs"


def format_number(value: float) -> str:
    """Return a number with three digits, or all before the point, as 1,234, 56.7, 0.0891."""
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"
