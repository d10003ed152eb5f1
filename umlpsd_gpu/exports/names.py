"""Names of files and of MATLAB's fields from names of movies and columns."""

from __future__ import annotations

import re
from collections.abc import Container

MATLAB_LENGTH = 63
FILE_LENGTH = 100
# words that MATLAB refuses as names of fields
KEYWORDS = frozenset(
    (
        *("break", "case", "catch", "classdef", "continue", "else", "elseif", "end", "for"),
        *("function", "global", "if", "otherwise", "parfor", "persistent", "return", "spmd"),
        *("switch", "try", "while"),
    )
)


def file_name(text: str, taken: Container[str] = ()) -> str:
    """Return a name that every file system takes.

    Parameters
    ----------
    text : str
        As the name of a movie; anything.
    taken : container of str
        Names that are in use.

    Returns
    -------
    str
        Letters, digits, ``-``, ``_`` and ``.``, without a dot at the beginning.

    Examples
    --------
    >>> from umlpsd_gpu.exports.names import file_name
    >>> file_name("<script>alert(1)</script>.tif")
    'script_alert_1_script_.tif'
    """
    clean = re.sub(r"[^\w.\-]+", "_", text).strip("_.")[:FILE_LENGTH]
    return _make_unique(clean or "unnamed", taken, FILE_LENGTH)


def matlab_name(text: str, taken: Container[str] = ()) -> str:
    """Return a valid name of a variable or field in MATLAB.

    Parameters
    ----------
    text : str
    taken : container of str
        Names that are in use.

    Returns
    -------
    str
        At most 63 letters, digits and ``_``, beginning with a letter.

    Examples
    --------
    >>> from umlpsd_gpu.exports.names import matlab_name
    >>> matlab_name("8 neighbours, raw")
    'x8_neighbours_raw'
    """
    # −0.5 V and 0.5 V stay apart
    signed = re.sub(r"[-−](?=[0-9])", "_minus_", text)
    clean = re.sub(r"[^A-Za-z0-9]+", "_", signed).strip("_")
    if not clean[:1].isalpha() or clean in KEYWORDS:
        clean = f"x{clean}"
    return _make_unique(clean[:MATLAB_LENGTH], taken, MATLAB_LENGTH)


def _make_unique(name: str, taken: Container[str], length: int) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        ending = f"_{number}"
        found = name[: length - len(ending)] + ending
    return found
