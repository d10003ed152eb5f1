"""What the heading of a column says: time, frame numbers, an identity, a measure of ImageJ."""

from __future__ import annotations

import re
from pathlib import Path

from umlpsd_gpu.errors import TracesError

TIME_WORD = r"(times?|zeit|temps|tiempo|tempo|elapsed|timestamps?|zeitstempel)"
TIME = re.compile(
    rf"(.*(?<![a-z])){TIME_WORD}(?![a-z])|time(?=[A-Z])|(t|seconds?|secs?|s|ms|msec|milliseconds?"
    r"|minutes?|µs|us)(?![a-z0-9])",
    re.IGNORECASE,
)
FRAME = re.compile(
    r"(frames?|index|slices?|bilder|bild|images?|time[\s_-]?(points?|steps?|bins?|index|frames?)"
    r"|timepoints?)(?![a-z0-9])",
    re.IGNORECASE,
)
IDENTITY = re.compile(
    r"((track|particle|trajector(y|ies)|traj|molecule|mol|spot|roi|cell|emitter|dot|qd|nc"
    r"|nanocrystal|object|trace|locali[sz]ation|label|fragment)s?[\s_-]?(id|no|nr|num(ber)?"
    r"|index|idx|#|name)?\.?|id|ids|uid|item|group|variable)",
    re.IGNORECASE,
)
# An identity that is one even without 'id': 'QD' alone names a trace
PLAIN_TRACES = re.compile(r"(qd|nc|dot|trace|cell|roi|mol|molecule|spot|emitter|label)s?", re.I)
MEASURES = (
    ("area", "mean", "stddev", "mode", "min", "max", "x", "y", "xm", "ym", "perim.", "bx", "by")
    + ("width", "height", "major", "minor", "angle", "circ.", "feret", "intden", "median")
    + ("skew", "kurt", "%area", "rawintden", "slice", "feretx", "ferety", "feretangle")
    + ("minferet", "ar", "round", "solidity", "minthr", "maxthr", "frame", "ch")
)
MEASURE = re.compile(
    r"({})[\s_]*(\d*|\(.*\))".format("|".join(re.escape(m) for m in MEASURES)), re.IGNORECASE
)
# Columns of both make a table of detections
POSITIONS = [
    re.compile(
        rf"({axis}|{axis}[\s_]*(position|pos|coord\w*)?[\s_]*([\[(].*[\])]|nm|px|um|µm)?"
        rf"|position[\s_]*{axis})",
        re.IGNORECASE,
    )
    for axis in "xy"
]
# Only ImageJ gives these beside an intensity
TELLING = frozenset(("area", "stddev", "mode", "min", "max", "intden", "rawintden", "%area"))
INTENSITY = "mean"


def says_time(heading: str) -> bool:
    """Return whether a heading names times.

    Parameters
    ----------
    heading : str
    """
    return bool(TIME.match(heading.strip())) and not says_frame(heading)


def says_frame(heading: str) -> bool:
    """Return whether a heading names frame numbers.

    Parameters
    ----------
    heading : str
    """
    text = heading.strip()
    is_time = re.search(rf"(?<![a-z]){TIME_WORD}(?![a-z])", text, re.IGNORECASE)
    return bool(FRAME.match(text)) and (
        is_time is None or bool(re.match(r"time[\s_-]?p|time[\s_-]?[bsif]", text, re.IGNORECASE))
    )


def is_unnamed(heading: str) -> bool:
    """Return whether a heading is empty or a number, as pandas writes it.

    Parameters
    ----------
    heading : str
    """
    return bool(re.fullmatch(r"|nan|\d+|Unnamed: \d+", heading))


def find_identity(names: list[str]) -> int | None:
    """Return the column that says which particle or trace a row is of, or None.

    Parameters
    ----------
    names : list of str
        Of all columns.
    """
    return next((j for j, n in enumerate(names) if IDENTITY.fullmatch(n.strip())), None)


def is_plain(heading: str) -> bool:
    """Return whether an identity may as well be the name of a trace, as ``QD``.

    Parameters
    ----------
    heading : str
    """
    return bool(PLAIN_TRACES.fullmatch(heading.strip()))


def refuse_other_tables(names: list[str], path: Path, with_plain: bool = False) -> None:
    """Refuse a table whose heading has an identity beside frames or times, or results.

    Parameters
    ----------
    names : list of str
        Of all columns.
    path : Path
        For messages.
    with_plain : bool
        Whether names like ``dot`` are identities.

    Raises
    ------
    TracesError
    """
    if {"cluster", "beta"} <= set(names):
        raise TracesError(
            f"{path}: it is the table of results of a study; give its study.h5, which contains the "
            "traces"
        )
    identity = find_identity(names)
    axes = [name for name in names if says_frame(name) or says_time(name)]
    if axes and all(any(pattern.fullmatch(n.strip()) for n in names) for pattern in POSITIONS):
        raise long_table(path, axes[0], None if identity is None else names[identity])
    if identity is None or not axes or len(names) < 3:
        return
    name = names[identity]
    if not is_plain(name) or (with_plain and names.count(name) == 1):
        raise long_table(path, axes[0], name)


def long_table(path: Path, axis: str, identity: str | None) -> TracesError:
    """Return the error for a table with one row for each particle and frame.

    Parameters
    ----------
    path : Path
    axis : str
        Name of the column of frames or times.
    identity : str or None
        Name of the column of particles.
    """
    per = f"each '{identity}' and '{axis}'" if identity else f"each detection, several a '{axis}'"
    columns = f"'{identity}'" if identity else "the particle"
    return TracesError(
        f"{path}: it is a long table, with one row for {per}, and traces must be columns; write "
        f"one column of intensities for each particle (in pandas table.pivot(index='{axis}', "
        f"columns={columns}, values=…))"
    )


def find_measures(names: list[str]) -> dict[str, list[int]]:
    """Return the columns of each measure in a table of ImageJ, by its name in lower case.

    Parameters
    ----------
    names : list of str
        ``Area1``, ``Mean1``, ``Min1``, …, or ``Mean(dot)``.

    Returns
    -------
    dict of str to list of int
        Empty for other tables.
    """
    found: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        match = MEASURE.fullmatch(name.strip())
        if match:
            found.setdefault(match[1].lower(), []).append(j)
    is_imagej = len(found) > 1 and bool(TELLING & set(found))
    return found if is_imagej else {}
