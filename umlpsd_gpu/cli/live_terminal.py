"""What ``umlpsd live`` shows on the terminal: one line that is renewed, or plain lines in a log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from umlpsd_gpu.live.snapshot import Decided, Snapshot

STATES = {
    "waiting": "waiting for the first frames",
    "recording": "recording",
    "stalled": "no new frames",
    "finishing": "analysing the finished movie",
    "finished": "finished",
    "failed": "failed",
}


@contextmanager
def live_line(console: Console) -> Iterator[Any]:
    """Yield a function that shows snapshots.

    Parameters
    ----------
    console : rich.console.Console
        A terminal has one line that is renewed; anything else gets a line for each snapshot.

    Yields
    ------
    callable
        Takes a `Snapshot`.
    """
    if not console.is_terminal:
        yield lambda snapshot: console.print(Text(describe(snapshot)))
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as area:
        yield lambda snapshot: area.update(Text(describe(snapshot)), refresh=True)


def describe(snapshot: Snapshot) -> str:
    """Return a snapshot in words, on one line.

    Parameters
    ----------
    snapshot : Snapshot
    """
    parts = [STATES[snapshot.state]]
    if snapshot.dt_s is not None:
        seconds = snapshot.n_frames * snapshot.dt_s
        parts.append(f"{snapshot.n_frames:,} frames ({seconds:.1f} s)")
        n_waiting = snapshot.n_arrived - snapshot.n_frames
        if n_waiting > 0:
            parts.append(f"{n_waiting:,} frames wait")
        parts.append(f"{snapshot.lag_s:.1f} s behind")
    if snapshot.traces is not None:
        parts.append(f"{snapshot.traces.n_traces:,} traces")
    if snapshot.history:
        parts.append(_describe_decision(snapshot.history[-1]))
    parts += [alarm.text for alarm in snapshot.alarms]
    parts += [text for text in (snapshot.hint, snapshot.message) if text]
    return " | ".join(parts)


def _describe_decision(decided: Decided) -> str:
    clusters = ", ".join(
        f"{size} with β = {_number(beta)} ± {_number(error)}"
        for size, beta, error in zip(
            decided.sizes, decided.betas, decided.beta_errors, strict=False
        )
    )
    return f"K = {decided.k} ({100 * decided.confidence:.0f} %): {clusters}"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "?"
