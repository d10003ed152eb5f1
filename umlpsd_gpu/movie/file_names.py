"""Names of one-frame files: which belong together, and what their numbers count."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.clock_names import join_clock_columns

_WHOLE = re.compile(r"\d+")
# A number with a point, unless it is part of a date or a version with more points
_DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?!\.?\d)|\d+")
_UNIT = re.compile(r"(n|u|µ|m|k)?(s|sec|min|h|m|v|a|w|k|c|hz)(?![a-z])", re.IGNORECASE)
_N_LISTED = 6


@dataclass(frozen=True)
class Name:
    """A name as texts around numbers: one text more than numbers.

    Attributes
    ----------
    path : Path
    texts : tuple of str
    digits : tuple of str
    """

    path: Path
    texts: tuple[str, ...]
    digits: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Return what names of one series have in common."""
        return tuple(text.casefold() for text in self.texts)

    @property
    def order(self) -> list[str | float]:
        """Return the key for natural order."""
        parts: list[str | float] = [self.texts[0].casefold()]
        for digits, text in zip(self.digits, self.texts[1:], strict=True):
            parts += [float(digits) if "." in digits else int(digits), text.casefold()]
        return parts


def split_names(paths: Sequence[Path]) -> list[Name]:
    """Split names into texts and numbers; ``0.25`` is one number where names count so.

    Parameters
    ----------
    paths : sequence of Path
    """
    parents = [str(path.parent) for path in paths]
    root = os.path.commonpath(parents) if len(set(parents)) > 1 else parents[0]
    relative = [os.path.relpath(path, root) for path in paths]
    whole = [_split(path, name, _WHOLE) for path, name in zip(paths, relative, strict=True)]
    decimal = [_split(path, name, _DECIMAL) for path, name in zip(paths, relative, strict=True)]
    n_whole, n_decimal = (len({name.key for name in names}) for names in (whole, decimal))
    if n_decimal < n_whole:
        return decimal
    return decimal if n_decimal == n_whole and _are_decimals(whole, decimal) else whole


def _split(path: Path, name: str, number: re.Pattern[str]) -> Name:
    stem, suffix = os.path.splitext(name)
    suffix = ".tif" if suffix.lower() in (".tif", ".tiff") else suffix
    texts, digits = number.split(stem), number.findall(stem)
    return Name(path, (*texts[:-1], texts[-1] + suffix), tuple(digits))


def _are_decimals(whole: Sequence[Name], decimal: Sequence[Name]) -> bool:
    """Return whether numbers with a point are one number, not two counters."""
    parts = [
        (number.split(".")[0], decimal_name.texts[place + 1])
        for decimal_name in decimal
        for place, number in enumerate(decimal_name.digits)
        if "." in number
    ]
    if not parts or len(whole) < 2:
        return False
    return len({first for first, _ in parts}) > 1 or all(_UNIT.match(text) for _, text in parts)


def sort_paths(paths: Sequence[Path]) -> list[Path]:
    """Return paths in natural order: frame_2 before frame_10, 0.75 before 1.25.

    Parameters
    ----------
    paths : sequence of Path
    """
    names = split_names(paths)
    return [name.path for name in sorted(names, key=lambda name: (name.order, str(name.path)))]


def require_one_series(paths: Sequence[Path], path: Path) -> None:
    """Raise MovieError if the names belong to several series, or one stands alone.

    Parameters
    ----------
    paths : sequence of Path
        Of the files of a folder or pattern.
    path : Path
        For messages.
    """
    groups: dict[tuple[str, ...], list[Name]] = {}
    for name in split_names(paths):
        groups.setdefault(name.key, []).append(name)
    if len(groups) == 1 or _count_in_letters(paths):
        return
    ordered = sorted(groups.values(), key=len, reverse=True)
    listed = ", ".join(_describe_group(group, paths) for group in ordered[:_N_LISTED])
    more = f" and {len(ordered) - _N_LISTED} more kinds" if len(ordered) > _N_LISTED else ""
    raise MovieError(
        path,
        f"by their names the {len(paths)} TIFF files are of {len(groups)} kinds, which may be "
        f"different channels, cameras or movies: {listed}{more}; give one of them by its pattern "
        "in quotes, or move the others to another folder",
    )


def _describe_group(group: Sequence[Name], paths: Sequence[Path]) -> str:
    pattern = _make_pattern(group, list(paths))
    return f"'{pattern}' ({len(group)} {'file' if len(group) == 1 else 'files'})"


def _make_pattern(group: Sequence[Name], paths: Sequence[Path]) -> str:
    """Return a pattern that matches the files of a group and, if possible, no others."""
    first, own = group[0], {name.path for name in group}
    varies = [len({name.digits[i] for name in group}) > 1 for i in range(len(first.digits))]
    for star in ("*", "[0-9]*"):
        pattern = _fill(first, varies, star)
        others = [path for path in paths if path not in own]
        if not any(fnmatch.fnmatch(other.name, pattern) for other in others):
            break
    return pattern


def _fill(name: Name, varies: Sequence[bool], star: str) -> str:
    # The last text ends in the suffix as it is written in the name.
    texts = [*name.texts[:-1], name.texts[-1].rpartition(".")[0] + name.path.suffix]
    parts = [glob.escape(texts[0])]
    for is_varying, digits, text in zip(varies, name.digits, texts[1:], strict=True):
        parts += [star if is_varying else digits, glob.escape(text)]
    return "".join(parts)


def _count_in_letters(paths: Sequence[Path]) -> bool:
    """Return whether names differ in one letter only: a, b, c."""
    names = [path.name for path in paths]
    if len({len(name) for name in names}) > 1:
        return False
    places = [i for i, letters in enumerate(zip(*names, strict=True)) if len(set(letters)) > 1]
    return len(places) == 1 and all(name[places[0]].isalpha() for name in names)


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
        If the names count along two axes, or two files have the same numbers.
    """
    in_order = np.arange(len(paths), dtype=np.int64)
    names = split_names(paths)
    if len(names) < 2 or len({name.key for name in names}) > 1:
        return in_order
    columns = join_clock_columns(names[0].texts, [name.digits for name in names])
    varying = [column for column in columns if (column != column[0]).any()]
    _require_distinct(names, varying, path)
    if len(varying) > 1:
        return _number_by_several(names, varying, path)
    return _count(varying[0]) if varying else in_order


def find_counter(paths: Sequence[Path]) -> Array | None:
    """Return the only number that varies in names; None where there isn't just one.

    Parameters
    ----------
    paths : sequence of Path
        In order.
    """
    names = split_names(paths)
    if len(names) < 2 or len({name.key for name in names}) > 1:
        return None
    columns = join_clock_columns(names[0].texts, [name.digits for name in names])
    varying = [column for column in columns if (column != column[0]).any()]
    return varying[0] if len(varying) == 1 and varying[0].dtype.kind == "i" else None


def _require_distinct(names: Sequence[Name], varying: Sequence[Array], path: Path) -> None:
    first: dict[tuple[float, ...], Path] = {}
    rows = zip(*(column.tolist() for column in varying), strict=True) if varying else ()
    for name, row in zip(names, rows, strict=False):
        if row in first:
            raise MovieError(
                path,
                f"{first[row].name} and {name.path.name} have the same number; keep one of the two "
                "in the folder",
            )
        first[row] = name.path


def _number_by_several(names: Sequence[Name], varying: Sequence[Array], path: Path) -> Array:
    in_order = np.arange(len(names), dtype=np.int64)
    if any((np.diff(column) > 0).all() for column in varying):
        return in_order
    # A number that never repeats counts all files; if the names are in another order, the files of
    # several cameras are interleaved.
    has_total = any(len(np.unique(column)) == len(column) for column in varying)
    if not has_total and not _is_grid(varying):
        return in_order
    first, last = names[0], names[-1]
    is_varying = [len({name.digits[i] for name in names}) > 1 for i in range(len(first.digits))]
    last_place = max(i for i, varies in enumerate(is_varying) if varies)
    one = _fill(first, [v and i != last_place for i, v in enumerate(is_varying)], "*")
    other = _fill(first, [v and i == last_place for i, v in enumerate(is_varying)], "*")
    raise MovieError(
        path,
        f"the file names count in {len(varying)} places ({first.path.name} … {last.path.name}), "
        "so time can't be distinguished from channel or plane; name the frames of one channel by "
        f"a pattern in quotes such as '{one}' or '{other}'",
    )


def _is_grid(varying: Sequence[Array]) -> bool:
    """Return whether each value of the first number comes with the same others.

    The numbers of an odometer or a clock don't: 1 comes with 58 and 59, 2 with 0 and 1.
    """
    rest: dict[float, set[tuple[float, ...]]] = {}
    for slow, *fast in zip(*(column.tolist() for column in varying), strict=True):
        rest.setdefault(slow, set()).add(tuple(fast))
    groups = list(rest.values())
    shared = [len(a & b) / min(len(a), len(b)) for a, b in pairwise(groups)]
    return bool(np.mean(shared) >= 0.5)


def _count(numbers: Array) -> Array:
    in_order = np.arange(len(numbers), dtype=np.int64)
    if numbers.dtype.kind != "i":
        return in_order
    steps = np.diff(numbers)
    step = int(np.min(steps))
    is_count = step > 0 and not (steps % step).any()
    if not is_count or np.count_nonzero(steps == step) * 2 <= len(steps):
        return in_order
    places: Array = (numbers - numbers[0]) // step
    return places
