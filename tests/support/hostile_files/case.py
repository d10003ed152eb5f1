"""One hostile file: how it is written, and the verdict that its reader must give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.hostile_files.importers import READERS, read_movie


@dataclass(frozen=True)
class HostileFile:
    """A file and its verdict: it opens with a value, or is refused in certain words.

    Attributes
    ----------
    name : str
        What is hostile about it.
    importer : str
        A key of READERS.
    write : callable
        Takes an empty folder and returns the path to open.
    opens : object
        Value of the reader.
    refused : str
        Regular expression that the message must match.
    read : callable, optional
        Reader to use. Default: that of the importer; movies are read strictly.
    """

    name: str
    importer: str
    write: Callable[[Path], Path]
    opens: Any = None
    refused: str = ""
    read: Callable[[Path], Any] | None = None

    @property
    def reader(self) -> Callable[[Path], Any]:
        """Return the function that reads it."""
        return self.read or (read_movie if self.importer == "TIFF" else READERS[self.importer])


def from_bytes(name: str, blob: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """Return a function that writes a file of a given name and content into a folder."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(blob if isinstance(blob, bytes) else blob())
        return path

    return write
