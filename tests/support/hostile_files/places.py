"""What is no regular file, can't be read, or changes while it is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.importers import READERS
from tests.support.hostile_files.movie_structure import paged
from tests.support.hostile_files.seeds import FRAMES
from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.movie.open import open_movie

SUFFIXES = {"TIFF": ".tif", "CSV": ".csv", "HDF5": ".h5", "NumPy": ".npy", "MATLAB": ".mat"}
SUFFIXES |= {"Excel": ".xlsx", "ROI": ".roi", "TOML": ".toml"}


def _make(kind: str, suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / f"x{suffix}"
        if kind == "a FIFO":
            os.mkfifo(path)
        elif kind == "a folder":
            path.mkdir()
        elif kind == "a device":
            path.symlink_to("/dev/zero")
        elif kind == "a link to itself":
            path.symlink_to(path)
        elif kind == "an empty file":
            path.touch()
        elif kind == "zeros":
            path.write_bytes(bytes(5000))
        return path

    return write


def _read_shrinking(path: Path) -> Any:
    """Cut the file after it was opened."""
    movie = open_movie(path)
    os.truncate(path, path.stat().st_size // 2)
    return [frames.sum() for _, frames in movie.chunks()]


def _read_growing(path: Path) -> Any:
    """Add pages to the file after it was opened: the frames that it had are read."""
    movie = open_movie(path)
    with tifffile.TiffWriter(path, append=True) as writer:
        writer.write(FRAMES[0], contiguous=False, metadata=None)
    return sum(len(frames) for _, frames in movie.chunks())


def _read_vanishing(path: Path) -> Any:
    movie = open_movie(path)
    path.unlink()
    return [frames.sum() for _, frames in movie.chunks()]


def _read_replaced(path: Path) -> Any:
    """Write noise over the pages of a packed movie after it was opened."""
    movie = open_movie(path)
    size = path.stat().st_size
    path.write_bytes(np.random.default_rng(0).bytes(size))
    return [frames.sum() for _, frames in movie.chunks()]


def _while_written(importer: str) -> Callable[[Path], str]:
    """Return a reader that reads again and again while another thread cuts and completes it."""

    def read(path: Path) -> str:
        blob, is_over = path.read_bytes(), threading.Event()

        def write() -> None:
            random = np.random.default_rng(0)
            while not is_over.is_set():
                os.truncate(path, int(random.integers(0, len(blob))))
                path.write_bytes(blob)

        writer = threading.Thread(target=write)
        writer.start()
        kinds = set()
        try:
            for _ in range(100):
                try:
                    READERS[importer](path)
                    kinds.add("opened")
                except UmlpsdError:
                    kinds.add("refused")
        finally:
            is_over.set()
            writer.join()
        return "read" if kinds <= {"opened", "refused"} else "never"

    return read


def _lzw(folder: Path) -> Path:
    tifffile.imwrite(folder / "movie.tif", FRAMES, compression="zlib")
    return folder / "movie.tif"


NO_FILE = "not a file|Too many levels of symbolic links|there is no such file"
KINDS = {
    "a FIFO": NO_FILE,
    "a folder": f"{NO_FILE}|there is no movie",
    "a device": NO_FILE,
    "a link to itself": NO_FILE,
    "an empty file": "can't be read",
    "zeros": "can't be read|zero bytes",
}
CASES = [
    HostileFile(f"{kind} named x{suffix}", importer, _make(kind, suffix), refused=words)
    for importer, suffix in SUFFIXES.items()
    for kind, words in KINDS.items()
    if (importer, kind) != ("TOML", "an empty file")  # all settings have defaults
]

MOVIE = from_bytes("movie.tif", paged())
PACKED = "unpacked|can't be read as TIFF"
CASES += [
    HostileFile("cut after it was opened", "TIFF", MOVIE, refused="shorter", read=_read_shrinking),
    HostileFile("grown after it was opened", "TIFF", MOVIE, opens=6, read=_read_growing),
    HostileFile(
        "gone after it was opened", "TIFF", MOVIE, refused="can't be opened", read=_read_vanishing
    ),
    HostileFile(
        "noise after it was opened",
        "TIFF",
        _lzw,
        refused="can't be read as TIFF",
        read=_read_replaced,
    ),
    HostileFile(
        "written while it is read", "TIFF", MOVIE, opens="read", read=_while_written("TIFF")
    ),
    HostileFile(
        "packed, written while it is read", "TIFF", _lzw, opens="read", read=_while_written("TIFF")
    ),
]
