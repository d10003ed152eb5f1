"""NAME=VALUE on the command line → a name and a value."""

from __future__ import annotations

import tomllib
from typing import Any

from umlpsd_gpu.errors import SettingsError


def read_assignment(text: str, option: str, example: str) -> tuple[str, Any]:
    """Read NAME=VALUE, where the value is written as in TOML, or is text without quotes.

    Parameters
    ----------
    text : str
    option : str
        Where it was given, for the message.
    example : str

    Returns
    -------
    name : str
    value : object

    Raises
    ------
    SettingsError
        If there is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SettingsError(f"{option} needs NAME=VALUE, for example {example}, got '{text}'")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):  # no TOML, or nested too deep for it
        return name.strip(), value.strip()
