"""How an analysis runs here: its device, its progress, its clock, and who runs its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

# (step, done, total): called as the work proceeds
Progress = Callable[[str, int, int], None]
# Takes functions that make jobs, runs the jobs anywhere, and gives their results in order
RunJobs = Callable[[Sequence[Callable[[], Any]]], Iterator[Any]]


class Clock:
    """Wall seconds by step.

    Attributes
    ----------
    seconds : dict of str to float
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Add the time spent inside to the step."""
        start = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start


def report_nothing(step: str, done: int, total: int) -> None:
    """Take a report of progress and drop it."""


@dataclass
class Context:
    """How a result is computed; on one class of device nothing here changes the result.

    Attributes
    ----------
    device : {"cpu", "gpu"}
        Chosen already (`umlpsd_gpu.compute.backend.choose_device`).
    progress : callable
        Called with (step, done, total).
    clock : Clock
    run_jobs : callable or None
        Runs the jobs of a clustering elsewhere; None: here.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    progress: Progress = report_nothing
    clock: Clock = field(default_factory=Clock)
    run_jobs: RunJobs | None = None
