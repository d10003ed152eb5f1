"""From what the user gives (file, folder, pattern, list) to TIFF files in order."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8")
Source = str | Path | Sequence[str | Path]


def name_movie(source: Source) -> Path:
    """Return the path that a movie is called by: its file, folder or pattern.

    Parameters
    ----------
    source : str, Path, or sequence of them
    """
    if isinstance(source, str | Path):
        return Path(source)
    if not source:
        raise MovieError("(nothing)", "an empty list of files was given; name at least one file")
    return Path(source[0]) if len(source) == 1 else Path(source[0]).parent


def find_files(source: Source) -> list[Path]:
    """Return the TIFF files of a movie, in order.

    A folder or pattern gives its files in natural order (frame_2 before frame_10); a list keeps
    the order given.

    Parameters
    ----------
    source : str, Path, or sequence of them

    Raises
    ------
    MovieError
        If there is no file, or none that could be TIFF.
    """
    if not isinstance(source, str | Path):
        return [_require_file(Path(path)) for path in source]
    path = Path(source)
    try:
        if _is_pattern(path):
            return _sort_files([Path(name) for name in glob.glob(str(path), recursive=True)], path)
        if path.is_dir():
            return _sort_files([p for p in path.iterdir() if _looks_like_tiff(p)], path)
    except OSError as error:
        raise MovieError(
            path, f"the folder can't be listed: {error.strerror}; check its permissions"
        ) from error
    return [_require_file(path)]


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def _sort_files(files: list[Path], path: Path) -> list[Path]:
    if not files:
        raise MovieError(
            path, f"there is no movie; files ending in {', '.join(TIFF_SUFFIXES)} are read"
        )
    from natsort import natsorted, ns

    files = [_require_file(file) for file in files]
    return natsorted(files, key=lambda file: file.name, alg=ns.IGNORECASE)


def _looks_like_tiff(path: Path) -> bool:
    # On foreign disks macOS adds a ._name file, which is no image, to each file.
    return path.suffix.lower() in TIFF_SUFFIXES and not path.name.startswith(".")


def _require_file(path: Path) -> Path:
    try:
        path.stat()
    except OSError as error:
        reason = f"the file can't be opened: {error.strerror}; check its name and permissions"
        raise MovieError(path, reason) from error
    if not path.is_file():
        raise MovieError(path, "this is not a file; name a TIFF file, or a folder of them")
    return path


def number_frames(paths: Sequence[Path], path: Path) -> Array:
    """Return the frame number of each one-frame file by the number in its name, from 0.

    Names like ``frame_0, frame_10, frame_20`` count in steps; a step twice as long as the others
    is a missing frame. Where the numbers don't count regularly, the order alone is used.

    Parameters
    ----------
    paths : sequence of Path
        Of one-frame files, in order.
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If the names count along two axes.
    """
    in_order = np.arange(len(paths), dtype=np.int64)
    counters = _find_counters(paths)
    if not counters:
        return in_order
    numbers, n_counters = counters[0], len(counters)
    steps = np.diff(numbers)
    if n_counters > 1 and len(np.unique(numbers)) < len(numbers):
        raise MovieError(
            path,
            f"the file names count in {n_counters} places ({paths[0].name} … {paths[-1].name}), so "
            "time can't be distinguished from channel or plane; name the frames of one channel by "
            "a pattern such as 'frame_*_c0.tif'",
        )
    step = int(np.min(steps))
    is_count = n_counters == 1 and step > 0 and not (steps % step).any()
    if not is_count or np.count_nonzero(steps == step) * 2 <= len(steps):
        return in_order
    places: Array = (numbers - numbers[0]) // step
    return places


def _find_counters(paths: Sequence[Path]) -> list[Array]:
    """Return the numbers in the names that vary, by column; none if other parts differ."""
    texts = {re.sub(r"\d+", "#", path.name) for path in paths}
    if len(texts) > 1 or len(paths) < 2:
        return []
    rows = [[int(digits) for digits in re.findall(r"\d+", path.name)] for path in paths]
    if any(number >= 2**62 for row in rows for number in row):
        return []
    columns = np.array(rows, np.int64).T
    return [column for column in columns if (column != column[0]).any()]
