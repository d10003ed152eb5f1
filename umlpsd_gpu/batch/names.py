"""Names of folders for movies whose own names may hold anything."""

from __future__ import annotations

import hashlib
import os
import unicodedata

MOST_BYTES = 60  # of a movie's own name; the folder names made of it stay below 255 bytes
N_DIGITS = (
    10  # of the digest: among 100,000 movies two agree with a chance of 0.5 %, and init tells
)
_KEPT = "._-"
_ENDINGS = (".ome.tif", ".ome.tiff", ".tif", ".tiff", ".btf", ".tf2", ".tf8")


def movie_id(name: str) -> str:
    """Return a name for the folders of a movie: readable, safe, and its own.

    Parameters
    ----------
    name : str
        Path of the movie within its archive, with slashes; any characters.

    Returns
    -------
    str
        Letters, digits, ``.``, ``_`` and ``-`` only, at most 71 bytes of UTF-8; different names
        give different ids, also where upper and lower case are one.
    """
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:N_DIGITS]
    return f"{_readable(name)}-{digest}"


def printable(text: str) -> str:
    """Return a name on one line: what can't be shown is written as in Python."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _readable(name: str) -> str:
    last = unicodedata.normalize("NFC", name.rstrip("/").rpartition("/")[2])
    ending = next((e for e in _ENDINGS if last.lower().endswith(e)), "")
    stem = last[: len(last) - len(ending)]
    safe = "".join(c if c.isalnum() or c in _KEPT else "_" for c in stem).lstrip("._-")
    cut = safe.encode("utf-8")[:MOST_BYTES].decode("utf-8", "ignore")
    return cut or "movie"
