"""Several movies or tables → one ensemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.storage.blocks import stacked
from umlpsd_gpu.traces.traces import Traces

# Measured intervals of one camera setting differ by less than this share
LARGEST_INTERVAL_GAP = 1e-3


def pool_traces(parts: Sequence[Traces], unequal_lengths: str = "refuse") -> Traces:
    """Put the traces of several sources into one ensemble.

    Parameters
    ----------
    parts : sequence of Traces
        With frame intervals equal to 0.1 %; the first one's is kept.
    unequal_lengths : {"refuse", "crop"}
        Traces of different lengths: refuse them, or cut all to the shortest.

    Returns
    -------
    Traces
        In the order of the parts. Repeated ids get ``#2``, ``#3``, …; NaN is kept.

    Raises
    ------
    TracesError
        If there is nothing to pool, or intervals or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import Traces, pool_traces
    >>> parts = [Traces.without_place(np.ones((2, n)), 0.03, f"{n}.csv") for n in (50, 60)]
    >>> pool_traces(parts, unequal_lengths="crop").values.shape
    (4, 50)
    """
    if not parts:
        raise TracesError("there are no traces to pool; give at least one movie or table")
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    lengths = [part.n_frames for part in parts]
    shortest = common_length(
        [_name_source(part) for part in parts],
        [part.dt_s for part in parts],
        lengths,
        unequal_lengths,
    )
    step = f"pooled from {len(parts)} sources"
    if max(lengths) > shortest:
        step += f", cut to {shortest} frames"
    return Traces(
        values=stacked([part.values[:, :shortest] for part in parts]),
        dt_s=first.dt_s,
        rows=np.concatenate([part.rows for part in parts]),
        cols=np.concatenate([part.cols for part in parts]),
        source=tuple(name for part in parts for name in part.source),
        ids=unique_ids([name for part in parts for name in part.ids]),
        history=(*dict.fromkeys(line for part in parts for line in part.history), step),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        files=tuple(file for part in parts for file in part.files),
    )


def crop_ends(traces: Traces) -> Traces:
    """Cut traces of a table to the shortest one, where some end in NaN before the others.

    Parameters
    ----------
    traces : Traces
        Ones without any number are ignored, and gaps within traces are kept.

    Returns
    -------
    Traces
        The same object where all have one length.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import Traces
    >>> from umlpsd_gpu.traces.pool import crop_ends
    >>> crop_ends(Traces.without_place(np.array([[1, 2, 3, 4], [5, 6, 7, np.nan]]), 0.1)).n_frames
    3
    """
    finite = np.isfinite(traces.values)
    lengths = traces.n_frames - np.argmax(finite[:, ::-1], axis=1)
    lengths = lengths[finite.any(axis=1)]
    shortest = int(lengths.min(initial=traces.n_frames))
    if shortest == traces.n_frames:
        return traces
    note = f"Traces of up to {traces.n_frames} frames were cut to {shortest}, the shortest trace."
    cut = traces.with_values(
        np.ascontiguousarray(traces.values[:, :shortest]), f"cut to {shortest} frames"
    )
    return replace(cut, notes=(*traces.notes, note))


def common_length(
    names: Sequence[str], dts_s: Sequence[float], lengths: Sequence[int], unequal_lengths: str
) -> int:
    """Return the number of frames of an ensemble of these sources.

    Parameters
    ----------
    names : sequence of str
        Of the sources, for messages.
    dts_s : sequence of float
        Frame intervals in seconds.
    lengths : sequence of int
        Frames of each source.
    unequal_lengths : {"refuse", "crop"}

    Raises
    ------
    TracesError
        If the frame intervals differ, or the lengths do and ``unequal_lengths`` is ``"refuse"``.
    """
    for name, dt_s in zip(names, dts_s, strict=True):
        if abs(dt_s / dts_s[0] - 1) > LARGEST_INTERVAL_GAP:
            raise TracesError(
                f"{name} has dt_s = {dt_s:.6g} s where {names[0]} has {dts_s[0]:.6g} s; an "
                "ensemble needs one frame interval: analyse them separately, or give the true one "
                "with --dt-s (dt_s=… in Python)"
            )
    shortest, longest = min(lengths), max(lengths)
    if longest > shortest and unequal_lengths == "refuse":
        short, long = names[lengths.index(shortest)], names[lengths.index(longest)]
        raise TracesError(
            f"{short} has {shortest} frames where {long} has {longest}; an ensemble needs one "
            "length: add --unequal-lengths crop (unequal_lengths='crop' in Python) to cut all to "
            "the shortest"
        )
    return shortest


def _name_source(part: Traces) -> str:
    return part.source[0] if part.source else "an empty source"


def unique_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Return names, the second, third, … of equal ones numbered: ``a``, ``a#2``, ``a#3``.

    Parameters
    ----------
    ids : sequence of str
    """
    taken: set[str] = set()
    seen: Counter[str] = Counter()
    unique = []
    for name in ids:
        seen[name] += 1
        candidate = name if seen[name] == 1 else f"{name}#{seen[name]}"
        while candidate in taken:
            seen[name] += 1
            candidate = f"{name}#{seen[name]}"
        taken.add(candidate)
        unique.append(candidate)
    return tuple(unique)
