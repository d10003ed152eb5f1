"""Messages about wrong settings, in words of the field."""

from __future__ import annotations

import difflib
import reprlib
from typing import Any

from pydantic_core import ErrorDetails

# Longest value that a message shows
LONGEST_VALUE = 80


def shorten(value: Any) -> str:
    """Return a value as Python writes it, cut where it is long or nested deep.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> from umlpsd_gpu.settings_faults import shorten
    >>> shorten([1, [2, [3]]])
    '[1, [2, [3]]]'
    """
    words = reprlib.Repr()
    words.maxstring = words.maxother = words.maxlong = LONGEST_VALUE
    return words.repr(value)


def describe_unknown(name: str, names: list[str], where: str = "") -> str:
    """Describe an unknown setting, and suggest a similar one.

    Parameters
    ----------
    name : str
        Dotted name, as it was given.
    names : list of str
        Dotted names of all settings.
    where : str
        The file, for the message.

    Returns
    -------
    str
    """
    section, _, last = name.rpartition(".")
    known = [tuple(name.rpartition(".")[::2]) for name in names]
    namesakes = [".".join(filter(None, pair)) for pair in known if pair[1] == last]
    siblings = [field for owner, field in known if owner == section]
    near = difflib.get_close_matches(last, siblings, n=1)
    similar = namesakes + [f"{section}.{field}" if section else field for field in near]
    advice = f"did you mean {similar[0]}?" if similar else "leave it out"
    return f"unknown setting {name}{where}; {advice}"


# What a value must be, by the error type of pydantic or its first word (int_parsing, int_type, …)
_DEMANDS = {
    "greater_than": "greater than {gt}",
    "greater_than_equal": "{ge} or above",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or below",
    "literal_error": "{expected}",
    "too_short": "a list of {min_length} or more",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "string_type": "a text in quotes",
    "tuple_type": "a list",
    "model_type": "a section of settings",
}


def describe_fault(details: ErrorDetails, names: list[str], where: str, section: str = "") -> str:
    """Describe an error that pydantic found in one setting.

    Parameters
    ----------
    details : ErrorDetails
        From pydantic.
    names : list of str
        Dotted names of all settings.
    where : str
        The file, for the message.
    section : str
        Name of the section, if its settings are used by themselves.

    Returns
    -------
    str
    """
    name, kind = ".".join(map(str, details["loc"])), details["type"]
    if kind == "extra_forbidden":
        return describe_unknown(name, names, where)
    name = f"{section}.{name}" if section else name
    if kind == "value_error":
        return f"setting {name}{where}: {details['ctx']['error']}"
    demand = _DEMANDS.get(kind) or _DEMANDS.get(kind.partition("_")[0])
    given = shorten(details["input"])
    if demand:
        demand = demand.format(**details.get("ctx", {}))
        return f"setting {name}{where} must be {demand}, got {given}"
    return f"setting {name}{where} is not allowed: {details['msg']}, got {given}"
