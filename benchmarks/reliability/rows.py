"""Figures of reliability: measured rows, kept as JSON, shown as a table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
HEADING = """# Reliability and cost of batches

`python -m benchmarks.reliability all` (Linux, strace, root for the full file system). A row is
written only if everything it says held; seconds are those of the machine named below.
"""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : str
    n : int
    result : str
    seconds : float
    """

    what: str
    n: int
    result: str
    seconds: float


class Clock:
    """Wall seconds of a block."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    """Measure a block; the clock is right when it is left."""
    clock, start = Clock(), time.perf_counter()
    yield clock
    clock.seconds = time.perf_counter() - start


def keep(rows: list[Row], machine: str) -> Path:
    """Add rows to those measured before, the new ones in place of the old; write the table."""
    kept = RESULTS / "reliability.json"
    known = {r["what"]: r for r in json.loads(kept.read_text())} if kept.exists() else {}
    known |= {row.what: {**asdict(row), "machine": machine} for row in rows}
    kept.write_text(json.dumps(list(known.values()), indent=1, ensure_ascii=False) + "\n")
    lines = [HEADING, "| What | n | Result | s |", "|---|---|---|---|"]
    lines += [
        f"| {r['what']} | {r['n']} | {r['result']} | {r['seconds']:.0f} |" for r in known.values()
    ]
    machines = dict.fromkeys(r["machine"] for r in known.values())
    table = RESULTS / "reliability.md"
    table.write_text("\n".join([*lines, "", f"Machine: {'; '.join(machines)}."]) + "\n")
    return table
