"""The circumstances of a run: device, progress, clock, and where its jobs are run."""

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
    """Wall time of each step of a run.

    Attributes
    ----------
    seconds : dict of str to float
        By step, s.
    """

    def __init__(self) -> None:
        """Start without any steps."""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Add the time spent in the ``with`` block to a step.

        Parameters
        ----------
        step : str
        """
        start = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start


def report_nothing(step: str, done: int, total: int) -> None:
    """Ignore a report of progress.

    Parameters
    ----------
    step : str
    done, total : int
    """


@dataclass
class Context:
    """The circumstances of a run; on one kind of device they do not change the result.

    Attributes
    ----------
    device : {"cpu", "gpu"}
        As returned by `umlpsd_gpu.compute.backend.choose_device`.
    progress : callable
        Called with (step, done, total).
    clock : Clock
    run_jobs : callable or None
        Runs the jobs of a clustering on other machines; None runs them in this process.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    progress: Progress = report_nothing
    clock: Clock = field(default_factory=Clock)
    run_jobs: RunJobs | None = None
