"""What ``umlpsd live`` shows on the terminal: one line that is renewed, or plain lines in a log."""

from __future__ import annotations

import math
from types import TracebackType
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


class LiveLine:
    """Shows snapshots, warnings and the progress of the final study.

    A terminal has one line that is renewed; anything else gets a line for each snapshot.

    Parameters
    ----------
    out, err : rich.console.Console
    """

    def __init__(self, out: Console, err: Console) -> None:
        self._out, self._err = out, err
        self._area: Any = None
        self._last = ""

    def __enter__(self) -> LiveLine:
        """Reserve the line of a terminal."""
        if self._out.is_terminal:
            from rich.live import Live

            self._area = Live(console=self._out, auto_refresh=False)
            self._area.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the line as it is."""
        if self._area is not None:
            self._area.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        """
        self._last = describe(snapshot)
        if self._area is None:
            self._out.print(Text(self._last))
        else:
            self._area.update(Text(self._last), refresh=True)

    def report(self, step: str, done: int, total: int) -> None:
        """Show the progress of the final study.

        Parameters
        ----------
        step : str
        done, total : int
        """
        if self._area is not None:
            self._area.update(Text(f"{self._last} | {step}: {done}/{total}"), refresh=True)
        elif done == total:
            self._err.print(Text(f"{step}: {done}/{total}"))

    def warn(self, text: str) -> None:
        """Show a warning, which stays.

        Parameters
        ----------
        text : str
        """
        console = self._err if self._area is None else self._out
        console.print(Text(f"Warning: {text}", style="yellow"))


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
