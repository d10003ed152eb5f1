"""Folder names for inputs whose own names may contain any characters."""

from __future__ import annotations

import hashlib
import os
import unicodedata

MOST_BYTES = 60  # of an input's own name; the folder names made from it stay below 255 bytes
# Of the digest: among 100,000 inputs two agree with a chance of 0.5 %, and then init refuses
N_DIGITS = 10
_KEPT = "._-"
_ENDINGS = (".ome.tif", ".ome.tiff", ".tif", ".tiff", ".btf", ".tf2", ".tf8")


def movie_id(name: str) -> str:
    """Return the name of an input's folders: readable, safe and unique.

    Parameters
    ----------
    name : str
        Path of the input within its archive, with slashes; any characters.

    Returns
    -------
    str
        Only letters, digits, ``.``, ``_`` and ``-``; at most 71 bytes of UTF-8. Different names
        give different ids, also where the file system ignores case.
    """
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:N_DIGITS]
    return f"{_make_readable(name)}-{digest}"


def printable(text: str) -> str:
    """Return a text on one line.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Characters that can't be shown are escaped as in Python.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _make_readable(name: str) -> str:
    last = unicodedata.normalize("NFC", name.rstrip("/").rpartition("/")[2])
    ending = next((e for e in _ENDINGS if last.lower().endswith(e)), "")
    stem = last[: len(last) - len(ending)]
    safe = "".join(c if c.isalnum() or c in _KEPT else "_" for c in stem).lstrip("._-")
    cut = safe.encode("utf-8")[:MOST_BYTES].decode("utf-8", "ignore")
    return cut or "movie"
