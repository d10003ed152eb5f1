"""Text tables of curves: a column of the bias and one for each curve, or pairs of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.channels import LOCK_IN, Channel
from umlpsd_gpu.analyses.curves.reading.common_axis import to_common_axis
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.places import places_of
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.text_table import TextTable, read_text_table
from umlpsd_gpu.analyses.curves.reading.units import (
    BIASES,
    CURRENTS,
    LENGTHS,
    bias_factor,
    current_factor,
    factors_of_columns,
    unit_in_name,
)
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

BIAS_NAME = re.compile(r"(v|u|bias|voltage|volt|ramp|sample bias|applied bias)\b", re.IGNORECASE)
POSITION = re.compile(
    r"position\s*[:=]?\s*([-+\d.e]+)\s*,\s*([-+\d.e]+)\s*\[(\w+)\]", re.IGNORECASE
)
# Rows from which on a column that counts from 0 or 1 may be their numbers
FEWEST_NUMBERED = 3
AMONG_COLUMNS = "headings of the columns"


def read_text_curves(path: Path, settings: CurvesSettings) -> Recording:
    """Read all curves of a text file.

    Parameters
    ----------
    path : Path
    settings : CurvesSettings

    Returns
    -------
    Recording

    Raises
    ------
    CurvesError
        If the columns, units or the axis of the bias are unknown or uneven.
    """
    table = read_text_table(path, settings.decimal)
    if _are_pairs(table, settings.layout):
        return _read_pairs(table, settings)
    return _read_columns(table, settings)


def _are_pairs(table: TextTable, layout: str) -> bool:
    n_columns = table.values.shape[1]
    if layout != "auto":
        if layout == "pairs" and n_columns % 2:
            raise CurvesError(
                table.path,
                f"pairs of bias and current need an even number of columns, got {n_columns}; give "
                "--curve-layout columns",
            )
        return layout == "pairs"
    if n_columns < 4:
        return False
    if table.names:
        is_bias = [_is_bias(name) for name in table.names]
        return n_columns % 2 == 0 and all(is_bias[::2]) and not any(is_bias[1::2])
    if n_columns % 2:
        return False
    # without headings: as many bias axes as pairs, all alike and none of the currents
    axes = table.values[:, ::2]
    step = np.ptp(axes[:, 0]) / max(len(axes) - 1, 1)
    return bool(step > 0 and np.nanmax(np.abs(axes - axes[:, :1])) <= step)


def _is_bias(name: str) -> bool:
    unit = unit_in_name(name)
    return unit in BIASES if unit else bool(BIAS_NAME.match(name))


def _read_columns(table: TextTable, settings: CurvesSettings) -> Recording:
    first = table.names[0] if table.names else ""
    if table.names and not _is_bias(first) and any(map(_is_bias, table.names[1:])):
        raise CurvesError(
            table.path, f"its first column is '{first}'; put the column of the bias first"
        )
    factor, bias_origin = bias_factor(_unit(first, BIASES), settings.bias_unit, table.path)
    bias, currents = table.values[:, 0] * factor, table.values[:, 1:].T
    if np.isnan(bias).any():
        raise CurvesError(table.path, "the column of the bias has empty cells; fill them")
    if not first:
        _refuse_numbered_rows(table)
    names = table.names[1:]
    there, back, lock_in = _sort_columns(names, len(currents), settings, table.path)
    default = _unit_in_preamble(table)
    units = [_unit(name, CURRENTS) or default for name in names] or [default] * len(currents)
    size, current_origin = factors_of_columns(
        [units[i] for i in (*there, *back)], settings.current_unit, table.path, current_factor
    )
    _refuse_short_curves(bias, currents[there], table.path)
    lock_in_names = {names[i]: currents[i][None] for i in lock_in} if len(there) == 1 else {}
    return places_of(
        Recording(
            bias=bias,
            current=currents[there] * size[: len(there), None],
            current_back=currents[back] * size[len(there) :, None] if back else None,
            lock_in=lock_in_names,
            origins={
                "current": Origin(
                    names[there[0]] if names else "columns after the first", AMONG_COLUMNS
                ),
                "current unit": current_origin,
                "bias": bias_origin,
            },
            positions=_position(table),
            notes=_unread_note(names, (*there, *back, *lock_in), settings),
            paths=(table.path,),
        ),
        settings,
        table.path,
    )


def _read_pairs(table: TextTable, settings: CurvesSettings) -> Recording:
    names = table.names or ("",) * table.values.shape[1]
    factor, bias_origin = factors_of_columns(
        [_unit(name, BIASES) for name in names[::2]], settings.bias_unit, table.path, bias_factor
    )
    size, current_origin = factors_of_columns(
        [_unit(name, CURRENTS) for name in names[1::2]],
        settings.current_unit,
        table.path,
        current_factor,
    )
    axes, currents = table.values.T[::2], table.values.T[1::2]
    _refuse_short_curves(axes[0], currents, table.path)
    bias, currents, notes = to_common_axis(
        axes * factor[:, None], currents * size[:, None], table.path
    )
    return places_of(
        Recording(
            bias=bias,
            current=currents,
            origins={
                "current": Origin(names[1] or "every second column", AMONG_COLUMNS),
                "current unit": current_origin,
                "bias": bias_origin,
            },
            notes=notes,
            paths=(table.path,),
        ),
        settings,
        table.path,
    )


def _sort_columns(
    names: Sequence[str], n_columns: int, settings: CurvesSettings, path: Path
) -> tuple[list[int], list[int], list[int]]:
    """Return the columns with currents on the way there, on the way back, and lock-in channels."""
    if not names:
        return list(range(n_columns)), [], []
    channels = [Channel.parse(name) for name in names]
    lock_in = [
        i
        for i, each in enumerate(channels)
        if LOCK_IN.match(each.name) and settings.lock_in_channel in (None, each.name, each.text)
    ]
    if settings.channel is not None:
        found = [i for i, each in enumerate(channels) if settings.channel in (each.text, each.name)]
    else:
        known = [i for i, each in enumerate(channels) if each.unit in CURRENTS]
        unknown = [i for i, each in enumerate(channels) if not each.unit]
        found = [i for i in known or unknown if i not in lock_in and not channels[i].is_derived]
    if not found:
        wanted = f"called '{settings.channel}'" if settings.channel else "with a current"
        raise CurvesError(
            path,
            f"it has no column {wanted}; choose one with --current-channel: {', '.join(names)}",
        )
    back = [i for i in found if channels[i].is_backward]
    there = [i for i in found if not channels[i].is_backward]
    if back and there and len(back) != len(there):
        raise CurvesError(
            path,
            f"it has {len(there)} columns of forward and {len(back)} of backward sweeps; give "
            "both for each curve",
        )
    return (there, back, lock_in) if there else (back, [], lock_in)


def _unit(name: str, known: dict[str, float]) -> str:
    """Return the unit in a heading; nothing if its last word is no unit of this kind."""
    unit = unit_in_name(name)
    return unit if unit in known or "(" in name or "[" in name else ""


def _unread_note(
    names: Sequence[str], read: Sequence[int], settings: CurvesSettings
) -> tuple[str, ...]:
    """Return the note about columns that may be currents, but have no unit as the others do."""
    unread = [
        name
        for i, name in enumerate(names)
        if i not in read and not unit_in_name(name) and not LOCK_IN.match(name)
    ]
    if not unread or settings.channel is not None:
        return ()
    return (
        f"Not read, because other columns have a unit of current and these none: "
        f"{', '.join(unread)}.",
    )


def _unit_in_preamble(table: TextTable) -> str:
    """Return the unit of the current in a line above the table that speaks of a unit."""
    lines = [line for line in table.preamble if "unit" in line.lower()]
    found = [unit for line in lines if (unit := unit_in_name(line)) in CURRENTS]
    return found[0] if found else ""


def _refuse_short_curves(bias: np.ndarray, currents: np.ndarray, path: Path) -> None:
    """Refuse curves that end before the others: empty cells at the end of their columns."""
    if bias.size < 2:
        return
    ends = np.isnan(currents[:, -1]) & ~np.isnan(currents).all(axis=1)
    if ends.any():
        first = int(np.flatnonzero(ends)[0])
        n_values = int(np.flatnonzero(~np.isnan(currents[first]))[-1]) + 1
        raise CurvesError(
            path,
            f"the curves have unequal lengths: curve {first + 1} ends after {n_values} of "
            f"{bias.size} points; give curves of equal length",
        )


def _refuse_numbered_rows(table: TextTable) -> None:
    """Refuse a first column without heading that may number the rows instead of being the bias."""
    first = table.values[:, 0]
    if len(first) >= FEWEST_NUMBERED and first[0] in (0, 1) and (np.diff(first) == 1).all():
        raise CurvesError(
            table.path,
            f"its first column has no heading and counts {first[0]:g}, {first[1]:g}, "
            f"{first[2]:g}, …: the numbers of the rows, or a bias in steps of 1; delete the column "
            "if it numbers the rows, or write a heading such as 'Bias (V)' above it",
        )


def _position(table: TextTable) -> np.ndarray | None:
    """Return the place of a single curve in an export of Omicron MATRIX."""
    for line in table.preamble:
        match = POSITION.search(line)
        if match and match[3] in LENGTHS and table.values.shape[1] == 2:
            return np.array([[float(match[1]), float(match[2])]]) * LENGTHS[match[3]]
    return None
