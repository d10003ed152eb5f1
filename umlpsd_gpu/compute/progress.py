"""Progress of long steps: bars in a notebook or on a terminal, lines in a log, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from threading import Lock
from typing import IO, Any

from umlpsd_gpu.compute.context import Progress, report_nothing

# A notebook is sent new bars no more often than this
SHORTEST_INTERVAL_S = 0.2


def choose_progress(progress: Progress | None) -> Progress:
    """Return the function to report to: the caller's, bars in a notebook, or one that is silent.

    Parameters
    ----------
    progress : callable, optional
        Of the caller.
    """
    if progress is not None:
        return progress
    return NotebookProgress() if in_notebook() else report_nothing


@contextmanager
def notebook_or_terminal_progress() -> Iterator[Progress]:
    """Yield a function to report to: bars in a notebook or on a terminal, lines elsewhere.

    Yields
    ------
    callable
        Takes (step, done, total); from any thread.

    Examples
    --------
    >>> with notebook_or_terminal_progress() as report:
    ...     report("sweep", 1, 2)
    ...     report("sweep", 2, 2)
    """
    if in_notebook():
        yield NotebookProgress()
        return
    with _terminal_progress() as report:
        yield report


def in_notebook() -> bool:
    """Return whether this code runs in a Jupyter kernel; IPython on a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class NotebookProgress:
    """Bars under a notebook cell, one per step; plain HTML, which needs no widgets.

    The last state stays in the notebook, so that a saved notebook shows how far it came.
    """

    def __init__(self) -> None:
        self._steps: dict[str, tuple[int, int]] = {}
        self._seconds: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._lock = Lock()
        self._handle: Any = None
        self._last = float("-inf")

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` parts of a step are done."""
        with self._lock:
            now = time.perf_counter()
            is_news = step not in self._steps or done >= total
            self._started.setdefault(step, now)
            self._steps[step] = (done, total)
            self._seconds[step] = now - self._started[step]
            if is_news or now - self._last >= SHORTEST_INTERVAL_S:
                self._last = now
                self._show()

    def _show(self) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        """Return the state of every step on one line."""
        steps = (f"{step}: {done}/{total}" for step, (done, total) in self._steps.items())
        return ", ".join(steps) or "nothing done yet"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(step)}</td>"
            f'<td><progress value="{done}" max="{max(total, 1)}"></progress></td>'
            f"<td>{done:,} of {total:,}</td><td>{self._seconds[step]:.1f} s</td></tr>"
            for step, (done, total) in self._steps.items()
        )
        return f"<table>{rows}</table>"


@contextmanager
def _terminal_progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if not console.is_terminal:
        yield partial(_print_when_done, console.file)
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _print_when_done(stream: IO[str], step: str, done: int, total: int) -> None:
    if done == total:
        try:
            print(f"{step}: {done}/{total}", file=stream, flush=True)
        except OSError:
            # a full or closed log must not end the study
            return
