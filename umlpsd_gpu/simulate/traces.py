"""Ensembles of blinking trajectories whose class is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.classes import BLINKING_CLASSES
from umlpsd_gpu.traces.traces import Traces

PAPER_MIX = {"PEB": 68, "TSB": 68, "PBB": 68}
BACKGROUND_COUNTS = 20.0
ON_COUNTS = (150.0, 400.0)
# Poisson numbers are drawn as 64-bit integers, and no camera counts so far [I]
MOST_COUNTS = 1e12


@dataclass(frozen=True)
class SimulatedTraces:
    """Trajectories with their truth.

    Attributes
    ----------
    traces : Traces
    classes : ndarray of str, shape (n_traces,)
        ``"PEB"``, ``"TSB"``, ``"PBB"`` or ``"MSB"``.
    on_counts : ndarray, shape (n_traces,)
        Counts per frame above the background when fully ON.
    shapes : ndarray, shape (n_traces, n_frames)
        Noiseless brightness, 0…1.
    """

    traces: Traces
    classes: np.ndarray
    on_counts: np.ndarray
    shapes: np.ndarray


def simulate_traces(
    classes: Mapping[str, int] = PAPER_MIX,
    n_frames: int = 10_000,
    dt_s: float = 0.03,
    seed: int = 0,
    noise: bool = True,
    on_counts: tuple[float, float] = ON_COUNTS,
    background_counts: float = BACKGROUND_COUNTS,
) -> SimulatedTraces:
    """Simulate an ensemble like the published one of 204 nanocrystals.

    Parameters
    ----------
    classes : mapping of str to int
        How many traces of each class, in this order.
    n_frames : int
    dt_s : float
        Frame interval in seconds.
    seed : int
        The j-th trace of a class depends on the seed, the class and j only.
    noise : bool
        EM-CCD noise (see ``emccd_counts``); without it the values are the expected counts.
    on_counts : (low, high)
        Counts per frame of a trace that is fully ON, above the background: each trace draws its
        own, evenly between the two.
    background_counts : float
        Per frame, in all frames alike.

    Returns
    -------
    SimulatedTraces
        Values in counts, float64.

    Raises
    ------
    SettingsError
        As `check_ensemble`.
    """
    check_ensemble(classes, n_frames, dt_s, on_counts, background_counts)
    members = [(name, j) for name, n in classes.items() for j in range(n)]
    values = np.empty((len(members), n_frames))
    shapes = np.empty_like(values)
    on = np.empty(len(members))
    for i, (name, j) in enumerate(members):
        rng = class_member_rng(seed, name, j)
        on[i] = rng.uniform(*on_counts)
        shapes[i] = BLINKING_CLASSES[name](rng, n_frames, dt_s)
        expected = background_counts + on[i] * shapes[i]
        values[i] = emccd_counts(rng, expected) if noise else expected
    names = [name for name, _ in members]
    mix = ", ".join(f"{n} {name}" for name, n in classes.items())
    traces = simulated(
        values, dt_s, [f"{name}:{j}" for name, j in members], f"simulated {mix}, seed {seed}"
    )
    return SimulatedTraces(traces, np.array(names, dtype=np.str_), on, shapes)


def class_member_rng(seed: int, name: str, j: int) -> np.random.Generator:
    """Return the random stream of the j-th member of a class, whatever else is simulated."""
    class_number = list(BLINKING_CLASSES).index(name)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(class_number, j)))


def simulated(values: np.ndarray, dt_s: float, ids: list[str], step: str) -> Traces:
    """Wrap values (n_traces, n_frames) as traces that have no place in any movie."""
    return Traces.without_place(values, dt_s, "simulated", ids, (step,))


def check_ensemble(
    classes: Mapping[str, int],
    n_frames: int,
    dt_s: float,
    on_counts: tuple[float, float] = ON_COUNTS,
    background_counts: float = BACKGROUND_COUNTS,
) -> None:
    """Refuse what can't be simulated.

    Raises
    ------
    SettingsError
        If a class is not known, or a number of traces, frames, seconds or counts is not allowed.
    """
    unknown = sorted(set(classes) - set(BLINKING_CLASSES))
    if unknown:
        raise SettingsError(
            f"class {unknown[0]!r} is not known; choose from {', '.join(BLINKING_CLASSES)}"
        )
    if min(classes.values(), default=0) < 0 or sum(classes.values()) < 1:
        raise SettingsError(
            f"classes {dict(classes)} hold no trace; give each class a number from 0 up, "
            "at least one of them above 0"
        )
    if n_frames < 1 or not dt_s > 0:
        raise SettingsError(
            f"{n_frames} frames of {dt_s} s were asked for; both numbers must be above 0"
        )
    low, high = on_counts
    if not 0 < low <= high <= MOST_COUNTS:
        raise SettingsError(
            f"ON counts must rise, from above 0 to {MOST_COUNTS:g} at most, got {low:g} to {high:g}"
        )
    if not 0 <= background_counts <= MOST_COUNTS:
        raise SettingsError(
            f"the background must be 0 to {MOST_COUNTS:g} counts a frame, got {background_counts:g}"
        )
