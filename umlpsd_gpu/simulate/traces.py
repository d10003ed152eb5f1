"""Ensembles of blinking traces whose class is known."""

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
# Poisson numbers are 64-bit integers, and no camera reaches this [I]
MOST_COUNTS = 1e12


@dataclass(frozen=True)
class SimulatedTraces:
    """Traces with their truth.

    Attributes
    ----------
    traces : Traces
    classes : ndarray of str, shape (n_traces,)
        ``"PEB"``, ``"TSB"``, ``"PBB"`` or ``"MSB"``.
    on_counts : ndarray, shape (n_traces,), counts per frame
        Signal above the background when fully ON.
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
        Number of traces of each class, in this order.
    n_frames : int
    dt_s : float
        Frame interval, s.
    seed : int
        The j-th trace of a class depends only on the seed, the class and j.
    noise : bool
        Whether to add EM-CCD noise (see ``emccd_counts``); without it the values are the expected
        counts.
    on_counts : (low, high)
        Range of the counts per frame, above the background, of a trace that is fully ON. Each trace
        draws its own from a uniform distribution.
    background_counts : float
        Per frame, the same in all frames.

    Returns
    -------
    SimulatedTraces
        Values in counts, float64.

    Raises
    ------
    SettingsError
        If a class is not known, or a number of traces, frames, seconds or counts is not allowed.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> ensemble = simulate_traces({"PEB": 1, "TSB": 2}, n_frames=500, dt_s=0.03)
    >>> ensemble.classes.tolist()
    ['PEB', 'TSB', 'TSB']
    >>> ensemble.traces.values.shape
    (3, 500)
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
    traces = simulated_traces(
        values, dt_s, [f"{name}:{j}" for name, j in members], f"simulated {mix}, seed {seed}"
    )
    return SimulatedTraces(traces, np.array(names, dtype=np.str_), on, shapes)


def class_member_rng(seed: int, name: str, j: int) -> np.random.Generator:
    """Return the random generator of the j-th member of a class, independent of all other traces.

    Parameters
    ----------
    seed : int
    name : str
        Blinking class.
    j : int
        From 0.

    Returns
    -------
    numpy.random.Generator
    """
    class_number = list(BLINKING_CLASSES).index(name)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(class_number, j)))


def simulated_traces(values: np.ndarray, dt_s: float, ids: list[str], step: str) -> Traces:
    """Return values as traces without a position.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_frames)
    dt_s : float
        Frame interval, s.
    ids : list of str, length n_traces
    step : str
        Entry for the history.

    Returns
    -------
    Traces
    """
    return Traces.without_place(values, dt_s, "simulated", ids, (step,))


def check_ensemble(
    classes: Mapping[str, int],
    n_frames: int,
    dt_s: float,
    on_counts: tuple[float, float] = ON_COUNTS,
    background_counts: float = BACKGROUND_COUNTS,
) -> None:
    """Check whether an ensemble can be simulated.

    Parameters
    ----------
    classes : mapping of str to int
        Number of traces of each class.
    n_frames : int
    dt_s : float
        Frame interval, s.
    on_counts : (low, high)
        Counts per frame, above the background.
    background_counts : float
        Counts per frame.

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
            f"classes {dict(classes)} contain no trace; give each class a number of at least 0, "
            "and at least one of them a number above 0"
        )
    if n_frames < 1 or not dt_s > 0:
        raise SettingsError(f"n_frames and dt_s must be above 0, got {n_frames} frames of {dt_s} s")
    low, high = on_counts
    if not 0 < low <= high <= MOST_COUNTS:
        raise SettingsError(
            "ON counts must be in rising order, "
            f"above 0 and at most {MOST_COUNTS:g}, "
            f"got {low:g} to {high:g}"
        )
    if not 0 <= background_counts <= MOST_COUNTS:
        raise SettingsError(
            f"the background must be 0 to {MOST_COUNTS:g} counts per frame, "
            f"got {background_counts:g}"
        )
