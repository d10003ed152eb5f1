"""What a result file holds: one table of fields, read when writing, reading and documenting it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["array", "number", "perhaps number", "text", "texts", "numbers"]
# What a field is on disk
Stored = np.ndarray | list[str] | str
# Values of a group by the names of its fields
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One dataset of a result file.

    Attributes
    ----------
    path : str
        Group and name. A star stands for one part of the group's name that differs from result to
        result: ``sweeps/*/ssd`` is that of every scale.
    dims : str
        Names of the axes, slowest first; empty for a single value.
    unit : str
        ``"1"`` for a pure number, empty for text.
    description : str
    kind : str
        How the value is kept in Python; "perhaps number" is NaN on disk where it is None.
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
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        """Return the path without its last part."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class FieldTable:
    """All fields of one kind of result, and how they become its attributes.

    Attributes
    ----------
    fields : tuple of Field
        In the order in which they are written.
    groups : callable
        Takes a result; returns its values by group and name, stars filled in.
    attributes : callable
        Takes a function that returns the values of a group, and the names of the groups at the top
        of the file; returns the attributes of the result by name.
    """

    fields: tuple[Field, ...]
    groups: Callable[[Any], Mapping[str, Values]]
    attributes: Callable[[Callable[[str], dict[str, Any]], frozenset[str]], dict[str, Any]]

    def stored(self, result: Any) -> Iterator[tuple[str, Field, Stored]]:
        """Yield path, field and value on disk of every dataset of a result."""
        for group, values in self.groups(result).items():
            for field in self.of_group(group):
                yield f"{group}/{field.name}", field, to_disk(values[field.name])

    def read(self, read: Callable[[str], Any], top_groups: frozenset[str]) -> dict[str, Any]:
        """Return the attributes of a result from what its file holds.

        Parameters
        ----------
        read : callable
            Takes a path; returns the stored value: an array, a list of texts, a text or a number.
        top_groups : frozenset of str
            Groups at the top of the file.
        """

        def values(group: str) -> dict[str, Any]:
            return {
                field.name: from_disk(field, read(f"{group}/{field.name}"))
                for field in self.of_group(group)
            }

        return self.attributes(values, top_groups)

    def of_group(self, group: str) -> list[Field]:
        """Return the fields of a group; those of a group with a star where it has none itself."""
        head, _, _ = group.rpartition("/")
        own = [field for field in self.fields if field.group == group]
        return own or [field for field in self.fields if head and field.group == f"{head}/*"]


def to_disk(value: Any) -> Stored:
    """Return a value as HDF5 keeps it: text, a list of texts, or an array."""
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return [_storable(item) for item in value]
    # any array as it is: one in a file stays there
    return np.asanyarray(np.nan if value is None else value)


def from_disk(field: Field, stored: Any) -> Any:
    """Return a stored value as Python keeps it."""
    match field.kind:
        case "texts" | "numbers":
            return tuple(stored) if field.kind == "texts" else tuple(map(float, stored))
        case "number":
            return stored.item()
        case "perhaps number":
            return None if np.isnan(stored) else float(stored)
        case _:
            return stored


def _storable(text: str) -> str:
    """Replace what HDF5 text can't hold: zero characters, and file names that are no UTF-8."""
    readable = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return readable.replace("\0", "\N{REPLACEMENT CHARACTER}")
