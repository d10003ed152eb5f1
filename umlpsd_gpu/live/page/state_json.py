"""A snapshot as plain values for JSON: how far the run is, and what is decided.

Keys of a state, all of them always there:

``number``, ``state``, ``name``, ``n_frames``, ``n_arrived``, ``dt_s``, ``lag_s``, ``hint``,
``message``
    As in `Snapshot`.
``time_s``
    Time of the movie that is analysed, in seconds; null while the frame interval is unknown.
``n_emitters``
    Emitters so far.
``decision``
    Null before the first one; else ``k``, ``is_undecided``, ``confidence`` (probability that K is
    right), ``scale``, ``unchanged_s`` (movie time since K changed; null if unknown).
``alarms``
    A list of ``kind``, ``since_s`` (null if unknown) and ``text``.
"""

from __future__ import annotations

from typing import Any

from umlpsd_gpu.live.page.plain import plain_number
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.traces.traces import Traces


def state_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return how far a run is and what is decided.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    dict
        With the keys in the documentation of this module.
    """
    traces = shown_traces(snapshot)
    return {
        "number": snapshot.number,
        "state": snapshot.state,
        "name": snapshot.name,
        "n_frames": snapshot.n_frames,
        "n_arrived": snapshot.n_arrived,
        "dt_s": plain_number(snapshot.dt_s),
        "time_s": _seconds(snapshot, snapshot.n_frames),
        "lag_s": plain_number(snapshot.lag_s),
        "n_emitters": 0 if traces is None else traces.n_traces,
        "decision": _decision(snapshot),
        "alarms": [
            {
                "kind": alarm.kind,
                "since_s": _seconds(snapshot, alarm.since_frame),
                "text": alarm.text,
            }
            for alarm in snapshot.alarms
        ],
        "hint": snapshot.hint,
        "message": snapshot.message,
    }


def shown_traces(snapshot: Snapshot) -> Traces | None:
    """Return the traces that a page shows: those so far, or those of the study without them.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    Traces or None
        None before emitters are found.
    """
    if snapshot.traces is not None:
        return snapshot.traces
    return None if snapshot.study is None else snapshot.study.traces


def _seconds(snapshot: Snapshot, n_frames: int) -> float | None:
    return None if snapshot.dt_s is None else plain_number(n_frames * snapshot.dt_s)


def _decision(snapshot: Snapshot) -> dict[str, Any] | None:
    if snapshot.study is None:
        return None
    decision = snapshot.study.decision
    return {
        "k": int(decision.k_opt),
        "is_undecided": bool(decision.is_undecided),
        "confidence": plain_number(decision.confidence),
        "scale": decision.scale,
        "unchanged_s": _unchanged_s(snapshot, int(decision.k_opt)),
    }


def _unchanged_s(snapshot: Snapshot, k: int) -> float | None:
    """Return the movie time since the first of the latest decisions that all say K = k."""
    first = None
    for decided in reversed(snapshot.history):
        if decided.k != k:
            break
        first = decided
    if first is None:
        return None
    return _seconds(snapshot, max(0, snapshot.n_frames - first.n_frames))
