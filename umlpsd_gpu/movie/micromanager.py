"""The JSON metadata of Micro-Manager and others."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one if there is none.

    Parameters
    ----------
    text : str
    """
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def number(note: dict[str, Any], *names: str) -> float | None:
    """Return the first of the named fields that is a finite number, or text of one.

    Micro-Manager 2 sometimes wraps a value as ``{"PropVal": value}``.

    Parameters
    ----------
    note : dict
    *names : str
        In order of preference.
    """
    for name in names:
        value = note.get(name)
        if isinstance(value, dict):
            value = value.get("PropVal")
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            parsed = float(value)
        except (ValueError, OverflowError):
            continue
        if abs(parsed) < float("inf"):
            return parsed
    return None
