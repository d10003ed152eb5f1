"""The table of fields of a result file, used to write, read and document it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from umlpsd_gpu.compute.arrays import Array

Kind = Literal["array", "number", "perhaps number", "text", "texts", "numbers"]
# A value as it is stored on disk
Stored = Array | list[str] | str
# Name of a field → its value, for the fields of one group
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One dataset of a result file.

    Attributes
    ----------
    path : str
        Group and name. A star stands for a part of the group's name that differs between results:
        ``sweeps/*/ssd`` is the field ``ssd`` of every scale.
    dims : str
        Names of the axes, slowest first; empty for a single value.
    unit : str
        ``"1"`` for a pure number, empty for text.
    description : str
    kind : str
        Type of the value in Python; "perhaps number" is a number or None, which is NaN on disk.
    compressed : bool
    """

    path: str
    dims: str
    unit: str
    description: str
    kind: Kind = "array"
    compressed: bool = False

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The path without its last part."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class FieldTable:
    """All fields of one type of result, and how they are converted from and to its attributes.

    Attributes
    ----------
    fields : tuple of Field
        In the order in which they are written.
    groups : callable
        Takes a result; returns its values by group and name, with stars replaced.
    attributes : callable
        Takes a function that returns the values of a group, and the names of the top-level groups
        of the file; returns the attributes of the result by name.
    """

    fields: tuple[Field, ...]
    groups: Callable[[Any], Mapping[str, Values]]
    attributes: Callable[[Callable[[str], dict[str, Any]], frozenset[str]], dict[str, Any]]

    def stored(self, result: Any) -> Iterator[tuple[str, Field, Stored]]:
        """Yield everything that the file of a result contains.

        Parameters
        ----------
        result
            Of the type of this table.

        Yields
        ------
        (str, Field, Stored)
            Path, field and value of a dataset.
        """
        for group, values in self.groups(result).items():
            for field in self.of_group(group):
                yield f"{group}/{field.name}", field, to_disk(values[field.name])

    def read(self, read: Callable[[str], Any], top_groups: frozenset[str]) -> dict[str, Any]:
        """Return the attributes of a result from the contents of its file.

        Parameters
        ----------
        read : callable
            Takes a path; returns the stored value: an array, a list of texts, a text or a number.
        top_groups : frozenset of str
            Top-level groups of the file.

        Returns
        -------
        dict
            Name of an attribute → value.
        """

        def values(group: str) -> dict[str, Any]:
            return {
                field.name: from_disk(field, read(f"{group}/{field.name}"))
                for field in self.of_group(group)
            }

        return self.attributes(values, top_groups)

    def of_group(self, group: str) -> list[Field]:
        """Return the fields of a group.

        Parameters
        ----------
        group : str

        Returns
        -------
        list of Field
            If the group is not in the table, those of the group with a star that matches it.
        """
        head, _, _ = group.rpartition("/")
        own = [field for field in self.fields if field.group == group]
        return own or [field for field in self.fields if head and field.group == f"{head}/*"]


def to_disk(value: Any) -> Stored:
    """Convert a value to what HDF5 can store.

    Parameters
    ----------
    value
        A text, a tuple of texts, a number, None or an array.

    Returns
    -------
    Stored
        A text, a list of texts or an array.
    """
    if isinstance(value, str):
        return _make_storable(value)
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return [_make_storable(item) for item in value]
    # arrays unchanged: a spooled one stays in its file
    return np.asanyarray(np.nan if value is None else value)


def from_disk(field: Field, stored: Any) -> Any:
    """Convert a stored value to its type in Python.

    Parameters
    ----------
    field : Field
    stored
        As read from HDF5.

    Returns
    -------
    object
        See `Field.kind`.
    """
    match field.kind:
        case "texts" | "numbers":
            return tuple(stored) if field.kind == "texts" else tuple(map(float, stored))
        case "number":
            return stored.item()
        case "perhaps number":
            return None if np.isnan(stored) else float(stored)
        case _:
            return stored


def _make_storable(text: str) -> str:
    """Replace what HDF5 can't store: zero characters, and file names that are not UTF-8."""
    readable = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return readable.replace("\0", "\N{REPLACEMENT CHARACTER}")
