"""Comparison with an older benchmark: what became slower, beyond noise.

The speed of the machine follows from work that is not ours: scikit-learn, plain products, copies
and reading. A measurement counts as slower if, after dividing by the largest slowdown of that other
work, all its rounds are above the older ones and its median rose by more than a tenth. The largest
slowdown is used because a machine may change its speed during a benchmark.
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

# medians of few rounds on a shared machine scatter by some percent [I]
LEAST_CHANGE = 0.10


@dataclass(frozen=True)
class Change:
    """One measurement of ours, now and before.

    Attributes
    ----------
    name : str
    before, now : Measurement
    factor : float
        Median now divided by median before, and by the same ratio of the machine.
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
        In order of falling ``factor``.
    machine_factor : float
        Median ratio for work that is not ours; 1 if there is none in common.
    notes : tuple of str
        Reasons to doubt the comparison.
    """

    changes: tuple[Change, ...]
    machine_factor: float
    notes: tuple[str, ...]

    def of(self, verdict: str) -> tuple[Change, ...]:
        """Return the changes with a verdict.

        Parameters
        ----------
        verdict : {"slower", "faster", "as before"}

        Returns
        -------
        tuple of Change
        """
        return tuple(change for change in self.changes if change.verdict == verdict)


def read_bench(path: str | Path) -> dict[str, Any]:
    """Read the JSON file of an older benchmark.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        As written by `report.write_bench`.

    Raises
    ------
    SettingsError
        If there is no such file, or it is not a benchmark.
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
            f"{path} is JSON, but not a benchmark; give the file that an earlier umlpsd bench wrote"
        )
    return found


def compare(older: dict[str, Any], result: BenchResult) -> Comparison:
    """Compare a benchmark with an older one.

    Parameters
    ----------
    older : dict
        From `read_bench`.
    result : BenchResult

    Returns
    -------
    Comparison
    """
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
        notes.append(
            "One of the benchmarks is quick, the other is not: they share few measurements."
        )
    now = measurements(result)
    for which, found in (("The older", before), ("This", now)):
        spread = max((m.high / m.low for m in found.values() if not m.ours), default=1.0)
        if spread > DISTURBED_FROM:
            notes.append(
                f"{which} benchmark was disturbed: rounds of work that is not ours differ by "
                f"up to {spread:.1f} times, and changes below may be noise."
            )
    return compare_measurements(before, now, tuple(notes))


def compare_measurements(
    before: Mapping[str, Measurement], now: Mapping[str, Measurement], notes: tuple[str, ...] = ()
) -> Comparison:
    """Compare measurements with the same names.

    Parameters
    ----------
    before, now : mapping of str to Measurement
    notes : tuple of str

    Returns
    -------
    Comparison
    """
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
    """Compare one measurement; ``of_machine`` is in rising order."""
    least, most = now.multiply(1 / of_machine[-1]), now.multiply(1 / of_machine[0])
    verdict = "as before"
    if least.median > (1 + LEAST_CHANGE) * before.median and least.low > before.high:
        verdict = "slower"
    elif most.median < before.median / (1 + LEAST_CHANGE) and most.high < before.low:
        verdict = "faster"
    factor = now.median / before.median / float(np.median(of_machine))
    return Change(name, before, now, factor, verdict)


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return what became slower or faster, in sentences.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    list of str
    """
    slower, faster = comparison.of("slower"), comparison.of("faster")
    lines = [
        *comparison.notes,
        f"Work that is not ours took {comparison.machine_factor:.2f} times as long as before "
        "(median); the factors below are corrected for that.",
    ]
    for word, changes in (("slower", slower), ("faster", faster)):
        for change in changes:
            times = change.factor if word == "slower" else 1 / change.factor
            lines.append(
                f"{times:.2f} times {word}: {change.name} "
                f"({format_duration(change.before.median)} → {format_duration(change.now.median)})"
            )
    n_same = len(comparison.of("as before"))
    if not slower:
        lines.append(f"Nothing became slower beyond noise; {n_same} measurements are as before.")
    else:
        lines.append(f"{len(slower)} slower, {len(faster)} faster, {n_same} as before.")
    return lines
