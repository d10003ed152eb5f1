"""The progress of long steps on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress of a computation.

    Yields
    ------
    callable
        ``report(step, done, total)``, which draws bars on a terminal and prints lines elsewhere.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield partial(_plain_line, console.file)
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _plain_line(stream: IO[str], step: str, done: int, total: int) -> None:
    if done == total:
        try:
            print(f"{step}: {done}/{total}", file=stream, flush=True)
        except OSError:
            # a full or closed log must not stop the study
            return
