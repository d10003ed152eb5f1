"""Tables from rows of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.exports.contents import Column, Table


def table_of_rows(
    name: str, rows: Sequence[Mapping[str, Any]], units: Mapping[str, str] | None = None
) -> Table:
    """Return a table from rows of plain values.

    Parameters
    ----------
    name : str
    rows : sequence of mapping
        With equal keys; None is NaN. Values that are mappings or lists are left out.
    units : mapping of str to str, optional
        By column.

    Returns
    -------
    Table
    """
    units = units or {}
    names = [
        key
        for key in (rows[0] if rows else {})
        if not any(isinstance(row[key], Mapping | list | tuple) for row in rows)
    ]
    columns = {key: [row[key] for row in rows] for key in names}
    return Table(
        name,
        tuple(
            Column(key, _make_column(values), units.get(key, "")) for key, values in columns.items()
        ),
    )


def _make_column(values: list[Any]) -> np.ndarray | tuple[str, ...]:
    if any(isinstance(value, str) for value in values):
        return tuple("" if value is None else str(value) for value in values)
    return np.array([np.nan if value is None else value for value in values])
