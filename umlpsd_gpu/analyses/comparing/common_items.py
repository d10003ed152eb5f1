"""Items that two results have in common: by their place, or else by their name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from umlpsd_gpu.errors import SettingsError


@dataclass(frozen=True, eq=False)
class Items:
    """The items of a result, and their labels.

    Attributes
    ----------
    labels : ndarray, shape (n_items,), int
        From 1; 0 for an item without a cluster.
    names : sequence of str
        Unique.
    sources : sequence of str
        File that each item is from.
    places : ndarray, shape (n_items, 2)
        Row and column in that file, in pixels; NaN where unknown.
    """

    labels: np.ndarray
    names: Sequence[str]
    sources: Sequence[str]
    places: np.ndarray


@dataclass(frozen=True, eq=False)
class CommonItems:
    """Pairs of items that are the same.

    Attributes
    ----------
    first, second : ndarray, shape (n_common,), int
        Index of each in the first and in the second result.
    matched_by : str
        For people.
    """

    first: np.ndarray
    second: np.ndarray
    matched_by: str


def find_common_items(first: Items, second: Items, within_px: float) -> CommonItems:
    """Find the items that two results have in common, of which there must be some.

    Parameters
    ----------
    first, second : Items
    within_px : float
        Largest distance of items that are the same.

    Returns
    -------
    CommonItems

    Raises
    ------
    SettingsError
        If there are none.
    """
    found = match_items(first, second, within_px)
    if not found.first.size:
        one, other = (", ".join(dict.fromkeys(each.sources)) for each in (first, second))
        raise SettingsError(
            f"the two studies have no common items ({_short(one)} and {_short(other)}); compare "
            "studies of the same files"
        )
    return found


def match_items(first: Items, second: Items, within_px: float) -> CommonItems:
    """Match the items of two results.

    Items with a place are the same if they are from a file of the same name and each is the nearest
    to the other. All others are the same if their names are.

    Parameters
    ----------
    first, second : Items
    within_px : float
        Largest distance of items that are the same.

    Returns
    -------
    CommonItems
        May be empty.
    """
    if np.isfinite(first.places).all() and np.isfinite(second.places).all():
        pairs = _nearest_pairs(first, second, within_px)
        return CommonItems(*pairs, f"place, within {within_px:g} px")
    return CommonItems(*_same_names(first.names, second.names), "name")


def find_same_pixels(
    labels: tuple[np.ndarray, np.ndarray],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    files: tuple[Sequence[str], Sequence[str]],
    noun: str,
) -> tuple[Items, Items, CommonItems]:
    """Match the pixels of two images of one shape by their numbers.

    Parameters
    ----------
    labels : tuple of ndarray, shapes (n_items,)
    shapes : tuple of tuple of int
        Of the images.
    files : tuple of sequence of str
        Names of the files.
    noun : str
        What a pixel is, in the plural.

    Returns
    -------
    first, second : Items
    common : CommonItems

    Raises
    ------
    SettingsError
        If the images differ in shape.
    """
    if shapes[0] != shapes[1]:
        sizes = [" × ".join(map(str, shape)) for shape in shapes]
        raise SettingsError(
            f"the two studies have {sizes[0]} and {sizes[1]} {noun}, so that none is the same; "
            "compare studies of one recording with the same binning"
        )
    one, other = (
        Items(each, list(map(str, range(each.size))), list(names), np.full((each.size, 2), np.nan))
        for each, names in zip(labels, files, strict=True)
    )
    everywhere = np.arange(one.labels.size)
    return one, other, CommonItems(everywhere, everywhere, "place")


def file_notes(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return a note if the files of two results have different names.

    Parameters
    ----------
    first, second : sequence of str

    Returns
    -------
    list of str
    """
    if list(first) == list(second):
        return []
    names = (_short(", ".join(dict.fromkeys(each)) or "unnamed data") for each in (first, second))
    return [
        "The files have different names ({} and {}); pixels are matched by place.".format(*names)
    ]


def _same_names(one: Sequence[str], other: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    _, first, second = np.intersect1d(
        np.array(one, dtype=str), np.array(other, dtype=str), return_indices=True
    )
    order = np.argsort(first, kind="stable")
    return first[order], second[order]


def _nearest_pairs(first: Items, second: Items, within_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of mutual nearest neighbours in each file that both results have."""
    pairs = [np.empty((2, 0), dtype=np.int64)]
    one, other = np.array(first.sources, dtype=str), np.array(second.sources, dtype=str)
    for source in np.intersect1d(one, other):
        here, there = np.flatnonzero(one == source), np.flatnonzero(other == source)
        places, other_places = first.places[here], second.places[there]
        distance, to = cKDTree(other_places).query(places, distance_upper_bound=within_px + 1e-9)
        _, back = cKDTree(places).query(other_places)
        near = np.flatnonzero(np.isfinite(distance))
        mutual = near[back[to[near]] == near]
        pairs.append(np.stack([here[mutual], there[to[mutual]]]))
    together = np.concatenate(pairs, axis=1)
    together = together[:, np.argsort(together[0], kind="stable")]
    return together[0], together[1]


def _short(text: str, n_letters: int = 60) -> str:
    return text if len(text) <= n_letters else f"{text[:n_letters]}…"
