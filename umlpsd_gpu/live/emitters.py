"""The emitters of a live run: their names never change, whatever is found later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from umlpsd_gpu.compute.arrays import Array


@dataclass(frozen=True, eq=False)
class Spots:
    """What one detection found.

    Attributes
    ----------
    places : ndarray, shape (n, 2), float64
        Rows and columns in pixels.
    others : ndarray, shape (n_others, 2)
        Spots that are no emitters, which background rings avoid.
    fills : tuple of float
        Values of constant areas that count as missing.
    """

    places: Array
    others: Array
    fills: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Group:
    """Emitters, or pixels, that were found together and are measured with the same weights.

    Attributes
    ----------
    found_at : int
        Number of frames in which they were found.
    ids : tuple of str
    spots : Spots
    """

    found_at: int
    ids: tuple[str, ...]
    spots: Spots


class Emitters:
    """All emitters that were ever found, in the order of their detection.

    Parameters
    ----------
    movie : str
        Its name.
    nearest_px : float
        Spots nearer to each other are the same emitter.
    by_place : bool
        Whether the name is that of the pixel instead of a number.

    Attributes
    ----------
    groups : tuple of Group
    detected_at : int
        Frames of the last detection; 0 before the first.
    lost : tuple of str
        Emitters that the last detection did not find again. They are measured further.
    """

    def __init__(self, movie: str, nearest_px: float, by_place: bool = False) -> None:
        self.movie, self.nearest_px, self.by_place = movie, nearest_px, by_place
        self.groups: tuple[Group, ...] = ()
        self.detected_at = 0
        self.lost: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the names of all emitters."""
        return tuple(name for group in self.groups for name in group.ids)

    @property
    def places(self) -> Array:
        """Return rows and columns of all emitters in pixels; shape (n_emitters, 2)."""
        return np.concatenate([np.empty((0, 2)), *(group.spots.places for group in self.groups)])

    def add(self, found: Spots, n_frames: int) -> Group | None:
        """Remember a detection, and return its emitters that were not known.

        Parameters
        ----------
        found : Spots
        n_frames : int
            In which they were found.

        Returns
        -------
        Group or None
            None if all were known.
        """
        known = self.places
        is_new = _distances(found.places, known) >= self.nearest_px
        is_lost = _distances(known, found.places) >= self.nearest_px
        self.lost = tuple(name for name, lost in zip(self.ids, is_lost, strict=True) if lost)
        self.detected_at = n_frames
        if not is_new.any():
            return None
        places = found.places[is_new]
        # rings of new emitters avoid those that are known, too
        others = np.concatenate([found.others, found.places[~is_new], known])
        group = Group(n_frames, self._name(places), Spots(places, others, found.fills))
        self.groups = (*self.groups, group)
        return group

    def _name(self, places: Array) -> tuple[str, ...]:
        if self.by_place:
            return tuple(f"{self.movie}:{int(row)},{int(col)}" for row, col in places)
        first = len(self.ids)
        return tuple(f"{self.movie}:{first + i}" for i in range(len(places)))

    def name_like(self, places: Array) -> tuple[str, ...]:
        """Return names for other places: those of the emitters there, else new ones.

        Parameters
        ----------
        places : ndarray, shape (n, 2)
        """
        known, ids = self.places, self.ids
        if self.by_place or not len(known):
            return self._name(places)
        names: list[str] = []
        used: set[str] = set()
        distances, nearest = cKDTree(known).query(places)
        n_new = 0
        for distance, i in zip(distances, nearest, strict=True):
            name = ids[i]
            if distance >= self.nearest_px or name in used:
                name = f"{self.movie}:{len(ids) + n_new}"
                n_new += 1
            used.add(name)
            names.append(name)
        return tuple(names)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for a JSON file, from which `restore` makes the same bits."""
        return {
            "detected_at": self.detected_at,
            "not_found_again": list(self.lost),
            "groups": [
                {
                    "found_at": group.found_at,
                    "ids": list(group.ids),
                    "places_px": group.spots.places.tolist(),
                    "avoided_px": group.spots.others.tolist(),
                    "fills": list(group.spots.fills),
                }
                for group in self.groups
            ],
        }

    def restore(self, plain: dict[str, Any]) -> None:
        """Take over what `to_plain` returned.

        Parameters
        ----------
        plain : dict
        """
        self.detected_at = int(plain["detected_at"])
        self.lost = tuple(plain["not_found_again"])
        self.groups = tuple(_restore_group(group) for group in plain["groups"])


def _distances(places: Array, known: Array) -> Array:
    """Return how far each place is from the nearest known one; infinite where there is none."""
    if not len(known) or not len(places):
        return np.full(len(places), np.inf)
    distances: Array = cKDTree(known).query(places)[0]
    return distances


def _restore_group(plain: dict[str, Any]) -> Group:
    spots = Spots(_pairs(plain["places_px"]), _pairs(plain["avoided_px"]), tuple(plain["fills"]))
    return Group(int(plain["found_at"]), tuple(plain["ids"]), spots)


def _pairs(values: Sequence[Sequence[float]]) -> Array:
    return np.array(values, np.float64).reshape(-1, 2)
