"""Curves as a file holds them → a map of curves: sweeps told apart, bias rising."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD, CurveMap, Origin
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError

FEWEST_POINTS = 3
# Two axes are the same if they differ by less than this share of a step
SAME_AXIS = 0.05


@dataclass(frozen=True, eq=False)
class Recording:
    """Curves as a file holds them.

    Attributes
    ----------
    bias : ndarray, shape (n_points,)
        In volts, in the order in which it was applied.
    current : ndarray, shape (n_curves, n_points)
        In amperes, in that order.
    current_back : ndarray, shape (n_curves, n_points), or None
        Recorded on the way back, at the points of ``bias``.
    lock_in, lock_in_back : mapping of str to ndarray, shape (n_curves, n_points)
    is_on_way_back : bool
        Whether ``current`` was recorded while the bias went the other way.
    shape, positions, height, origins, notes, paths
        As in `CurveMap`.
    """

    bias: np.ndarray
    current: np.ndarray
    current_back: np.ndarray | None = None
    lock_in: Mapping[str, np.ndarray] = field(default_factory=dict)
    lock_in_back: Mapping[str, np.ndarray] = field(default_factory=dict)
    is_on_way_back: bool = False
    shape: tuple[int, int] | None = None
    positions: np.ndarray | None = None
    height: np.ndarray | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()


def to_curve_map(recording: Recording, place: Path) -> CurveMap:
    """Tell the sweeps of a recording apart, and let the bias rise.

    Parameters
    ----------
    recording : Recording
    place : Path
        For messages.

    Returns
    -------
    CurveMap

    Raises
    ------
    CurvesError
        If the bias axis is missing, too short or not monotone within a sweep.
    """
    _check(recording, place)
    runs = split_sweeps(recording.bias, place)
    notes = list(recording.notes)
    if len(runs) == 1:
        (sweep, order), *_ = runs.items()
        if recording.is_on_way_back:
            sweep = _other(sweep)
        bias = recording.bias[order]
        current = {sweep: recording.current[:, order]}
        lock_in = {f"{n} {sweep}": v[:, order] for n, v in recording.lock_in.items()}
        if recording.current_back is not None:
            current[_other(sweep)] = recording.current_back[:, order]
        back = recording.lock_in_back.items()
        lock_in |= {f"{n} {_other(sweep)}": v[:, order] for n, v in back}
    else:
        if recording.current_back is not None:
            raise CurvesError(
                place,
                "the bias goes up and down within each of two channels; give one channel with "
                "--current-channel",
            )
        bias = recording.bias[runs[FORWARD]]
        _require_same_axes(bias, recording.bias[runs[BACKWARD]], place)
        current = {sweep: recording.current[:, order] for sweep, order in runs.items()}
        lock_in = {
            f"{name} {sweep}": values[:, order]
            for name, values in recording.lock_in.items()
            for sweep, order in runs.items()
        }
        notes.append("The bias goes up and down within each curve: its sweeps were told apart.")
    origins = {
        "sweep direction": Origin(" and ".join(current), "order of the bias in the file"),
        **recording.origins,
    }
    return CurveMap(
        bias=bias.astype(np.float64),
        current={s: current[s].astype(np.float64) for s in (FORWARD, BACKWARD) if s in current},
        lock_in={name: values.astype(np.float64) for name, values in lock_in.items()},
        shape=recording.shape,
        positions=recording.positions,
        height=recording.height,
        origins=origins,
        notes=tuple(notes),
        paths=recording.paths,
    )


def split_sweeps(bias: np.ndarray, place: Path) -> dict[str, np.ndarray]:
    """Find the sweeps in the order of the bias.

    Parameters
    ----------
    bias : ndarray, shape (n_points,)
        In the order in which it was applied. It may start within its range, as in a loop
        0 → +V → −V → 0.
    place : Path
        For messages.

    Returns
    -------
    dict of str to ndarray of int
        For ``"forward"`` and ``"backward"``, or one of them: the indices of its points in the
        order of rising bias.

    Raises
    ------
    CurvesError
        If the bias sweeps the same range twice in one direction.
    """
    steps = np.sign(np.diff(bias))
    if not steps.any():
        raise CurvesError(place, "the bias is the same at all points; give curves with a bias axis")
    # a bias that is held keeps its direction
    held = np.flatnonzero(steps)
    steps = steps[held[np.clip(np.searchsorted(held, np.arange(steps.size)), 0, held.size - 1)]]
    turns = np.flatnonzero(np.diff(steps)) + 1
    edges = [0, *turns.tolist(), bias.size - 1]
    runs: dict[str, list[np.ndarray]] = {}
    for first, last in pairwise(edges):
        sweep = FORWARD if steps[first] > 0 else BACKWARD
        runs.setdefault(sweep, []).append(np.arange(first, last + 1))
    return {sweep: _join(bias, parts, place) for sweep, parts in runs.items()}


def _join(bias: np.ndarray, parts: list[np.ndarray], place: Path) -> np.ndarray:
    """Return the points of one direction by rising bias, each value of the bias once."""
    sorted_parts = (part[np.argsort(bias[part], kind="stable")] for part in parts)
    rising = sorted(sorted_parts, key=lambda part: float(bias[part[0]]))
    for below, above in pairwise(rising):
        if bias[above[0]] < bias[below[-1]]:
            raise CurvesError(
                place,
                f"the bias is not monotone: it goes {len(parts)} times through "
                f"{bias[above[0]]:.4g} to {bias[below[-1]]:.4g} V in the same direction; give one "
                "sweep, or one up and one down",
            )
    order = np.concatenate(rising)
    # of a bias that was held, the last point counts
    is_last = np.concatenate([np.diff(bias[order]) > 0, [True]])
    found: np.ndarray = order[is_last]
    return found


def _other(sweep: str) -> str:
    return BACKWARD if sweep == FORWARD else FORWARD


def _check(recording: Recording, place: Path) -> None:
    n_points = recording.bias.size
    if n_points < FEWEST_POINTS:
        raise CurvesError(
            place,
            f"the curves have {n_points} point{'s' * (n_points != 1)} each; give curves with at "
            f"least {FEWEST_POINTS}",
        )
    if not np.isfinite(recording.bias).all():
        raise CurvesError(place, "the bias axis has values that are no numbers; correct them")
    if recording.current.shape[1:] != (n_points,):
        raise CurvesError(
            place,
            f"the curves have {recording.current.shape[1]} points, but the bias has {n_points}; "
            "give one bias for each point",
        )
    if np.isinf(recording.current).any():
        raise CurvesError(place, "some currents are infinite; write NaN where there is no value")


def _require_same_axes(forward: np.ndarray, backward: np.ndarray, place: Path) -> None:
    is_same = forward.size == backward.size and np.allclose(
        forward, backward, rtol=0, atol=SAME_AXIS * np.ptp(forward) / (forward.size - 1)
    )
    if not is_same:
        raise CurvesError(
            place,
            f"the bias goes up through {forward.size} points and down through {backward.size} "
            "others; give both sweeps at the same biases",
        )
