"""What is simulated: ensembles with the frames, interval, counts and classes of the user's data."""

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

# Multi-state traces are outliers and no cluster of their own [P].
OUTLIER_CLASS = "MSB"
MIN_TRACES = 3
# An ensemble and its copies take some ten times 8 bytes for each of these [I].
MOST_VALUES = 2**30
# 12 days: telegraphs hold several dwells a second, each of which is drawn [I]
MOST_SECONDS = 1e6


@dataclass(frozen=True)
class Conditions:
    """The data that the method is tried on.

    Attributes
    ----------
    classes : mapping of str to int
        Traces of each blinking class; those without traces are dropped.
    n_frames : int
    dt_s : float
        Frame interval in seconds.
    on_counts : tuple of float
        Range of the counts per frame, above the background, of a trace that is fully ON.
    background_counts : float
        Per frame.
    origin : str
        The study that the numbers were taken from; empty for none.

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
        check_ensemble(
            self.classes, self.n_frames, self.dt_s, self.on_counts, self.background_counts
        )
        present = {name: int(n) for name, n in self.classes.items() if n > 0}
        object.__setattr__(self, "classes", present)
        if self.n_traces < MIN_TRACES:
            raise SettingsError(
                f"an ensemble needs {MIN_TRACES} traces at least, the mix has {self.n_traces}; "
                "give its classes more"
            )
        if self.n_traces * self.n_frames > MOST_VALUES:
            raise SettingsError(
                f"{self.n_traces} traces of {self.n_frames} frames are too many to simulate; keep "
                f"traces × frames to {MOST_VALUES} at most"
            )
        if self.n_frames * self.dt_s > MOST_SECONDS:
            raise SettingsError(
                f"{self.n_frames} frames of {self.dt_s:g} s last longer than {MOST_SECONDS:g} s, "
                "the most that is simulated; give fewer frames or a shorter interval"
            )

    @property
    def n_traces(self) -> int:
        return sum(self.classes.values())

    @property
    def clustered_classes(self) -> tuple[str, ...]:
        """Return the classes that should each be a cluster: MSB is none beside others."""
        others = tuple(name for name in self.classes if name != OUTLIER_CLASS)
        return others or tuple(self.classes)

    @property
    def k_true(self) -> int:
        """Return the number of clusters that a decision should find."""
        return len(self.clustered_classes)


def check_settings(conditions: Conditions, settings: Settings) -> None:
    """Refuse settings by which the true number of clusters can't be found.

    Raises
    ------
    SettingsError
    """
    if settings.sweep.k_max < conditions.k_true:
        raise SettingsError(
            f"sweep.k_max is {settings.sweep.k_max} and the mix has {conditions.k_true} classes to "
            "find; raise sweep.k_max or give fewer classes"
        )
    if conditions.n_traces <= conditions.k_true:
        raise SettingsError(
            f"{conditions.n_traces} traces of {conditions.k_true} classes can't be clustered; give "
            "the classes more"
        )


def drawn_seeds(seed: int, purpose: int, n: int) -> list[int]:
    """Return n seeds that neither another seed nor another purpose shares; fewer are the first."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose,))
    return [int(drawn) for drawn in sequence.generate_state(n, np.uint64)]


def simulated_ensemble(conditions: Conditions, seed: int) -> SimulatedTraces:
    """Return one ensemble, with its truth."""
    return simulate_traces(
        conditions.classes,
        conditions.n_frames,
        conditions.dt_s,
        seed,
        on_counts=conditions.on_counts,
        background_counts=conditions.background_counts,
    )
