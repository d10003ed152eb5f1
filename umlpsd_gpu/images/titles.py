"""Which of several images of a file is meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from umlpsd_gpu.errors import MovieError

Entry = TypeVar("Entry")


def choose_image(path: Path, images: Mapping[str, Entry], title: str | None) -> Entry:
    """Return the only image of a file, or the one with a title.

    Parameters
    ----------
    path : Path
        For the message.
    images : mapping of str to anything
        By title.
    title : str or None

    Returns
    -------
    anything
        One of the values.

    Raises
    ------
    MovieError
        If there is none, or are several.
    """
    chosen = [entry for name, entry in images.items() if title in (None, name)]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(f"'{name}'" for name in images) or "nothing"
    raise MovieError(
        path,
        f"it holds {len(chosen)} images of that kind ({known}); choose one by its title with "
        "--image-title",
    )


def unique_title(title: str, taken: Mapping[str, Entry]) -> str:
    """Return a title, with a number behind it if it is taken.

    Parameters
    ----------
    title : str
    taken : mapping of str to anything
    """
    return title if title not in taken else f"{title} ({len(taken)})"
