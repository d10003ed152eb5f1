"""Time by the device's events and by the host's clock: warm, medians, every measurement twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu.proof import Proof

# Cards clock down when idle, and come back within some hundredths of a second
WARM_S = 0.1
# One measurement lasts at least this long: an event resolves half a microsecond
LEAST_MEASURED_S = 2e-3
MOST_CALLS = 1000


@dataclass(frozen=True)
class Timing:
    """Median seconds of a call, and of the same measurement again: the difference is noise.

    ``again`` is NaN where it was measured once.
    """

    seconds: float
    again: float

    def __str__(self) -> str:
        """Return both times as text."""
        again = f" (again {text(self.again)})" if self.again == self.again else ""
        return f"{text(self.seconds)}{again}"


def text(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def on_device(proof: Proof, work: Callable[[], Any]) -> Timing:
    """Time what a call keeps the current stream busy for, by events around it.

    Short calls are launched many at a time, so that the host's share shows only where the host is
    what bounds them.
    """
    events = [proof.cupy.cuda.Event() for _ in range(2)]

    def measured(n_calls: int) -> float:
        events[0].record()
        for _ in range(n_calls):
            work()
        events[1].record()
        events[1].synchronize()
        return proof.cupy.cuda.get_elapsed_time(*events) / 1e3 / n_calls

    _warm_up(proof, work)
    n_calls = 1
    if not proof.rehearse:
        n_calls = int(min(MOST_CALLS, max(1, LEAST_MEASURED_S / max(measured(1), 1e-9))))
    return _twice(proof, lambda: measured(n_calls))


def on_host(proof: Proof, work: Callable[[], Any]) -> Timing:
    """Time a call by the wall, from an idle device to an idle device."""

    def measured() -> float:
        start = time.perf_counter()
        work()
        proof.cupy.cuda.runtime.deviceSynchronize()
        return time.perf_counter() - start

    _warm_up(proof, work)
    return _twice(proof, measured)


def once(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of one call by the wall, and what it returned."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _twice(proof: Proof, measured: Callable[[], float]) -> Timing:
    medians = [float(np.median([measured() for _ in range(proof.n_repeats)])) for _ in range(2)]
    return Timing(*medians)


def _warm_up(proof: Proof, work: Callable[[], Any]) -> None:
    """Compile, allocate and plan; then go on until the card's clocks are up."""
    start = time.perf_counter()
    work()
    while not proof.rehearse and time.perf_counter() - start < WARM_S:
        work()
        proof.cupy.cuda.runtime.deviceSynchronize()
    proof.cupy.cuda.runtime.deviceSynchronize()
