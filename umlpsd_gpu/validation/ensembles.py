"""Simulated ensembles with the frames, interval, counts and classes of the user's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.traces import (
    BACKGROUND_COUNTS,
    ON_COUNTS,
    PAPER_MIX,
    SimulatedTraces,
    check_ensemble,
    simulate_traces,
)

# multi-state traces are outliers and do not form a cluster [P]
OUTLIER_CLASS = "MSB"
MIN_TRACES = 3
# an ensemble and its copies take about ten times 8 bytes per value [I]
MOST_VALUES = 2**30
# 12 days: telegraphs contain several dwells per second, each of which is drawn [I]
MOST_SECONDS = 1e6


@dataclass(frozen=True)
class Conditions:
    """The data for which the method is tested.

    Attributes
    ----------
    classes : mapping of str to int
        Number of traces of each blinking class; classes without traces are removed.
    n_frames : int
    dt_s : float
        Frame interval, s.
    on_counts : tuple of float
        Range of the counts per frame, above the background, of a trace that is fully ON.
    background_counts : float
        Per frame.
    origin : str
        The study from which the numbers were taken; empty for none.

    Raises
    ------
    SettingsError
        If such an ensemble can't be simulated or clustered.
    """

    classes: Mapping[str, int] = field(default_factory=lambda: dict(PAPER_MIX))
    n_frames: int = 10_000
    dt_s: float = 0.03
    on_counts: tuple[float, float] = ON_COUNTS
    background_counts: float = BACKGROUND_COUNTS
    origin: str = ""

    def __post_init__(self) -> None:
        """Check the values and remove classes without traces."""
        check_ensemble(
            self.classes, self.n_frames, self.dt_s, self.on_counts, self.background_counts
        )
        present = {name: int(n) for name, n in self.classes.items() if n > 0}
        object.__setattr__(self, "classes", present)
        if self.n_traces < MIN_TRACES:
            raise SettingsError(
                f"an ensemble needs at least {MIN_TRACES} traces, and the mix has {self.n_traces}; "
                "increase the numbers of its classes"
            )
        if self.n_traces * self.n_frames > MOST_VALUES:
            raise SettingsError(
                f"{self.n_traces} traces of {self.n_frames} frames are too many to simulate; keep "
                f"traces × frames at or below {MOST_VALUES}"
            )
        if self.n_frames * self.dt_s > MOST_SECONDS:
            raise SettingsError(
                f"{self.n_frames} frames of {self.dt_s:g} s last longer than {MOST_SECONDS:g} s, "
                "the longest simulation allowed; use fewer frames or a shorter interval"
            )

    @property
    def n_traces(self) -> int:
        """Return the number of traces of all classes."""
        return sum(self.classes.values())

    @property
    def clustered_classes(self) -> tuple[str, ...]:
        """Return the classes that should form a cluster each: all but MSB, or MSB alone."""
        others = tuple(name for name in self.classes if name != OUTLIER_CLASS)
        return others or tuple(self.classes)

    @property
    def k_true(self) -> int:
        """Return the number of clusters that a decision should give."""
        return len(self.clustered_classes)


def check_settings(conditions: Conditions, settings: Settings) -> None:
    """Check whether the true number of clusters can be found with these settings.

    Parameters
    ----------
    conditions : Conditions
    settings : Settings

    Raises
    ------
    SettingsError
        If K does not go up to the number of classes, or there are too few traces.
    """
    if settings.sweep.k_max < conditions.k_true:
        raise SettingsError(
            f"sweep.k_max is {settings.sweep.k_max}, but the mix has {conditions.k_true} classes; "
            "increase sweep.k_max or use fewer classes"
        )
    if conditions.n_traces <= conditions.k_true:
        raise SettingsError(
            f"{conditions.n_traces} traces of {conditions.k_true} classes can't be clustered; "
            "increase the numbers of traces"
        )


def draw_seeds(seed: int, purpose: int, n: int) -> list[int]:
    """Return seeds that no other seed and no other purpose share.

    Parameters
    ----------
    seed : int
    purpose : int
        One number for each use of the seeds.
    n : int
        With a smaller n, the seeds are the first ones of a larger n.

    Returns
    -------
    list of int, length n
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose,))
    return [int(drawn) for drawn in sequence.generate_state(n, np.uint64)]


def simulate_ensemble(conditions: Conditions, seed: int) -> SimulatedTraces:
    """Simulate one ensemble with its truth.

    Parameters
    ----------
    conditions : Conditions
    seed : int

    Returns
    -------
    SimulatedTraces
    """
    return simulate_traces(
        conditions.classes,
        conditions.n_frames,
        conditions.dt_s,
        seed,
        on_counts=conditions.on_counts,
        background_counts=conditions.background_counts,
    )
