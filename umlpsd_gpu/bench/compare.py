"""This benchmark against an older one: what got slower, beyond noise.

How fast the machine was is told by the work that isn't ours: scikit-learn, plain products, copies
and reading. A measurement is slower where, even less what any of these got slower, its rounds lie
wholly above the older ones and its median rose by more than a tenth: a machine may change its speed
within a benchmark, and then they differ among each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.bench.result import FORMAT, BenchResult, measurements
from umlpsd_gpu.bench.timing import Measurement, format_duration
from umlpsd_gpu.bench.verdict import DISTURBED_FROM
from umlpsd_gpu.errors import SettingsError

# Medians of few rounds on a shared machine scatter by some percent [I]
LEAST_CHANGE = 0.10


@dataclass(frozen=True)
class Change:
    """One measurement of ours, now and before.

    Attributes
    ----------
    name : str
    before, now : Measurement
    factor : float
        Median now over median before, divided by that of the machine.
    verdict : {"slower", "faster", "as before"}
    """

    name: str
    before: Measurement
    now: Measurement
    factor: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """All measurements that both benchmarks have.

    Attributes
    ----------
    changes : tuple of Change
        The most slowed down first.
    machine_factor : float
        Median change of the work that isn't ours; 1 where there is none in common.
    notes : tuple of str
        What makes the comparison doubtful.
    """

    changes: tuple[Change, ...]
    machine_factor: float
    notes: tuple[str, ...]

    def of(self, verdict: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict == verdict)


def read_bench(path: str | Path) -> dict[str, Any]:
    """Read the JSON file of an older benchmark.

    Raises
    ------
    SettingsError
        If there is no such file, or it is no benchmark's.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} can't be read as a benchmark ({error}); give the JSON file that an earlier "
            "umlpsd bench wrote"
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise SettingsError(
            f"{path} is JSON, but not of a benchmark; give the file that an earlier umlpsd bench "
            "wrote"
        )
    return found


def compare(older: dict[str, Any], result: BenchResult) -> Comparison:
    """Compare a benchmark with an older one, read by `read_bench`."""
    before = {
        name: Measurement(tuple(m["seconds"]), m["ours"])
        for name, m in older["measurements"].items()
    }
    notes = []
    for fact in ("processor", "n_cores", "gpu"):
        was, is_now = older["machine"].get(fact), result.machine.get(fact)
        if was != is_now:
            notes.append(f"Another machine: {fact} was {was} and is {is_now}.")
    if older["quick"] != result.quick:
        notes.append("One of the two is quick, the other is not: few measurements are shared.")
    now = measurements(result)
    for which, found in (("The older", before), ("This", now)):
        spread = max((m.high / m.low for m in found.values() if not m.ours), default=1.0)
        if spread > DISTURBED_FROM:
            notes.append(
                f"{which} benchmark was disturbed: rounds of the same work of others differ by up "
                f"to {spread:.1f} times, and what is said of ours below may be noise."
            )
    return compare_measurements(before, now, tuple(notes))


def compare_measurements(
    before: Mapping[str, Measurement], now: Mapping[str, Measurement], notes: tuple[str, ...] = ()
) -> Comparison:
    """Compare measurements of the same names."""
    shared = [name for name in now if name in before]
    of_machine = [now[n].median / before[n].median for n in shared if not now[n].ours]
    of_machine = sorted(of_machine) or [1.0]
    machine_factor = float(np.median(of_machine))
    changes = [
        _change(name, before[name], now[name], of_machine) for name in shared if now[name].ours
    ]
    changes.sort(key=lambda change: -change.factor)
    return Comparison(tuple(changes), machine_factor, notes)


def _change(
    name: str, before: Measurement, now: Measurement, of_machine: Sequence[float]
) -> Change:
    """Judge one measurement; ``of_machine`` in ascending order."""
    least, most = now.multiply(1 / of_machine[-1]), now.multiply(1 / of_machine[0])
    verdict = "as before"
    if least.median > (1 + LEAST_CHANGE) * before.median and least.low > before.high:
        verdict = "slower"
    elif most.median < before.median / (1 + LEAST_CHANGE) and most.high < before.low:
        verdict = "faster"
    factor = now.median / before.median / float(np.median(of_machine))
    return Change(name, before, now, factor, verdict)


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return what got slower or faster, in sentences."""
    slower, faster = comparison.of("slower"), comparison.of("faster")
    lines = [
        *comparison.notes,
        f"Work that is not ours took {comparison.machine_factor:.2f} times as long as before "
        "(median); the factors below are apart from that.",
    ]
    for word, changes in (("slower", slower), ("faster", faster)):
        for change in changes:
            times = change.factor if word == "slower" else 1 / change.factor
            lines.append(
                f"{times:.2f} times {word}: {change.name} "
                f"({format_duration(change.before.median)} → "
                f"{format_duration(change.now.median)})"
            )
    n_same = len(comparison.of("as before"))
    if not slower:
        lines.append(f"Nothing got slower beyond noise; {n_same} measurements are as before.")
    else:
        lines.append(f"{len(slower)} slower, {len(faster)} faster, {n_same} as before.")
    return lines
