"""Files of settings → plain values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import SettingsError

# The settings of all analyses of this package take about 3,000 bytes, with one dot in a name
MOST_BYTES, MOST_DOTS = 50_000, 50


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a settings file, without judging its names and values.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        Nested.

    Raises
    ------
    SettingsError
        If it can't be read, or is no TOML.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise SettingsError(f"settings file {path}: this is not a file; name a TOML file")
        n_bytes = path.stat().st_size
        if n_bytes > MOST_BYTES:
            raise SettingsError(
                f"settings file {path} has {n_bytes} bytes, and at most {MOST_BYTES} are read; "
                "name a TOML file of settings"
            )
        text = path.read_text(encoding="utf-8")
        if any(map(_is_deep, text.splitlines())):
            raise RecursionError  # tomllib would take memory by the square of the depth
        return tomllib.loads(text)
    except FileNotFoundError as error:
        raise SettingsError(f"settings file {path}: there is no such file") from error
    except OSError as error:
        reason = f"can't be read: {error.strerror}; name a TOML file"
        raise SettingsError(f"settings file {path} {reason}") from error
    except RecursionError as error:
        reason = "can't be read as TOML: its values are nested too deep; correct it there"
        raise SettingsError(f"settings file {path} {reason}") from error
    # of TOML, of UTF-8, and of whole numbers with thousands of digits
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        reason = f"can't be read as TOML: {error}; correct it there"
        raise SettingsError(f"settings file {path} {reason}") from error


def _is_deep(line: str) -> bool:
    """Return whether a line of TOML names something in more than so many sections."""
    names = line.split("=")[:-1] or [line]
    return not line.lstrip().startswith("#") and max(n.count(".") for n in names) > MOST_DOTS
