"""Which item a user means: by its number from 0, its name, or its row and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from umlpsd_gpu.errors import SettingsError

_NUMBER = re.compile(r"\d+")
_PLACE = re.compile(r"(\d+)\s*,\s*(\d+)")


def find_item(
    wanted: str,
    noun: str,
    n_items: int,
    names: Sequence[str] = (),
    places: np.ndarray | None = None,
) -> int:
    """Return the index of the item that a user means.

    Parameters
    ----------
    wanted : str
        A number from 0, in the order of the tables; a name; or ``"ROW,COLUMN"``.
    noun : str
        What an item is, in the singular.
    n_items : int
    names : sequence of str
        Names of the items; may be empty.
    places : ndarray, shape (n_items, 2), optional
        Row and column of each item, whole numbers from 0.

    Returns
    -------
    int

    Raises
    ------
    SettingsError
        If there is no such item.
    """
    text = wanted.strip()
    if text in names:
        return list(names).index(text)
    place = _PLACE.fullmatch(text)
    if place is not None and places is not None:
        here = np.flatnonzero((places == (int(place[1]), int(place[2]))).all(axis=1))
        if here.size == 1:
            return int(here[0])
        found = "no" if not here.size else f"{here.size} times a"
        raise SettingsError(
            f"there is {found} {noun} at row {place[1]}, column {place[2]}; "
            f"{_ways(noun, n_items, names, places)}"
        )
    if _NUMBER.fullmatch(text) and int(text) < n_items:
        return int(text)
    near = get_close_matches(text, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise SettingsError(
        f"there is no {noun} '{wanted}'{hint}; {_ways(noun, n_items, names, places)}"
    )


def _ways(noun: str, n_items: int, names: Sequence[str], places: np.ndarray | None) -> str:
    ways = [f"a number from 0 to {n_items - 1}"]
    if names:
        ways.append(f"a name such as {names[0]}")
    if places is not None:
        ways.append("ROW,COLUMN")
    return f"give {' or '.join(ways)}"
