"""Files of simulated data: the truth beside them is written first, and they are always whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from umlpsd_gpu.errors import OutputError, OutputInUseError


def require_free(*paths: Path, overwrite: bool) -> None:
    """Refuse to replace files unasked.

    Parameters
    ----------
    *paths : Path
    overwrite : bool

    Raises
    ------
    OutputInUseError
        If one exists and ``overwrite`` is False.
    """
    for path in paths:
        if path.exists() and not overwrite:
            raise OutputInUseError(
                f"{path} already exists; choose another file, or add --overwrite"
            )


def truth_path(path: Path, ending: str) -> Path:
    """Return the path of a file with the truth: the data's, less .tif or .ome.tif, plus an ending.

    Parameters
    ----------
    path : Path
        Of the data.
    ending : str
        As ``truth.csv``.

    Returns
    -------
    Path
    """
    stem = path.name.removesuffix(path.suffix).removesuffix(".ome")
    return path.with_name(f"{stem}_{ending}")


def truth_paths(path: Path) -> tuple[Path, Path]:
    """Return the paths of the truth and of the recipe of simulated data.

    Parameters
    ----------
    path : Path
        Of the data.

    Returns
    -------
    (Path, Path)
        ``…_truth.csv`` and ``…_truth.json``.
    """
    return truth_path(path, "truth.csv"), truth_path(path, "truth.json")


@contextmanager
def renamed_when_done(path: Path) -> Iterator[Path]:
    """Give a temporary name for a file, which gets its own when the ``with`` block has ended.

    Parameters
    ----------
    path : Path
        Missing folders are created.

    Yields
    ------
    Path
        What is written to it is removed if anything fails.

    Raises
    ------
    OutputError
        If a file can't be written in the block.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path} can't be written ({error}); choose another folder") from error
    finally:
        # if the folder could not be created, there is nothing to remove
        with suppress(NotADirectoryError):
            partial.unlink(missing_ok=True)


def write_with_truth(
    path: Path,
    write: Callable[[Path], None],
    rows: Iterable[Sequence[Any]],
    facts: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Write data with their truth as .csv and their recipe as .json.

    Parameters
    ----------
    path : Path
        Of the data.
    write : callable
        Takes a path and writes the data there.
    rows : iterable of sequence
        Of the truth, headings first.
    facts : mapping
        Plain values of the recipe.

    Returns
    -------
    data, truth : Path

    Raises
    ------
    OutputError
        If the files can't be written.
    """
    truth, recipe = truth_paths(path)
    with renamed_when_done(path) as partial:
        with truth.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        text = json.dumps(facts, indent=2)
        recipe.write_text(text + "\n", encoding="utf-8")
        write(partial)
    return path, truth
