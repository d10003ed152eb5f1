"""Points in principal coordinates, laid out for the compiled K-means of many points.

The leading few coordinates tell most centroids apart; a bound on the others is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Points of a tile, and coordinates of a slice, in kernels/kmeans_points.c.
TILE = 16
SLICE = 16
# Doubles of a vector: rows of points are filled up to whole ones.
LANE = 8
# With more coordinates, finding the principal ones costs more than they save.
MOST_ROTATED = 1024
# Lengths in single precision are raised by more than their rounding.
UP = 1 + 1e-6


@dataclass(frozen=True)
class PrincipalPoints:
    """An ensemble in other orthogonal coordinates and another order, with the same distances.

    Attributes
    ----------
    order : ndarray, shape (n_points,), int
        Which point of the ensemble each row is: neighbours are often in the same tile.
    points : ndarray, shape (n_points, width), float64
        Filled up with zeros to a width that is a multiple of `LANE`. Equal points have equal rows.
    tiles : ndarray, shape (n_tiles, n_slices, SLICE, TILE), float32
        The same divided by ``scale``, filled up with zeros.
    rest : ndarray, shape (n_tiles, n_slices, TILE), float32
        Length of each point without its coordinates up to the end of a slice, over ``scale``.
    lengths : ndarray, shape (n_tiles, TILE), float32
        Length of each point over ``scale``.
    scale : float
        Length of the longest point; 1 where all are 0.
    """

    order: np.ndarray
    points: np.ndarray
    tiles: np.ndarray
    rest: np.ndarray
    lengths: np.ndarray
    scale: float

    @classmethod
    def of(cls, centred: np.ndarray) -> PrincipalPoints:
        """Rotate points to their principal axes and lay them out.

        Parameters
        ----------
        centred : ndarray, shape (n_points, n_samples), float64
            Finite; mean over the points subtracted.

        Returns
        -------
        PrincipalPoints
        """
        rotated = _rotate(centred)
        order = _order_by_place(rotated)
        rotated = rotated[order]
        n_points, n_samples = rotated.shape
        points = np.zeros((n_points, -(-n_samples // LANE) * LANE))
        points[:, :n_samples] = rotated
        scale = float(np.sqrt(np.einsum("nd,nd->n", rotated, rotated).max())) or 1.0
        n_tiles, n_slices = -(-n_points // TILE), -(-n_samples // SLICE)
        tiles = np.zeros((n_tiles, n_slices, SLICE, TILE), dtype=np.float32)
        rest = np.zeros((n_tiles, n_slices, TILE), dtype=np.float32)
        lengths = np.zeros((n_tiles, TILE), dtype=np.float32)
        for tile in range(n_tiles):
            block = np.zeros((TILE, n_slices * SLICE))
            rows = rotated[tile * TILE : (tile + 1) * TILE]
            np.divide(rows, scale, out=block[: len(rows), :n_samples])
            tiles[tile] = block.T.reshape(n_slices, SLICE, TILE)
            squares = (block**2).reshape(TILE, n_slices, SLICE).sum(axis=2)
            behind = UP * np.sqrt(np.cumsum(squares[:, ::-1], axis=1)[:, ::-1])
            rest[tile, :-1] = behind[:, 1:].T
            lengths[tile] = behind[:, 0]
        return cls(order, points, tiles, rest, lengths, scale)


def _rotate(centred: np.ndarray) -> np.ndarray:
    """Return the principal coordinates, the one of largest variance first."""
    n_samples = centred.shape[1]
    if n_samples > MOST_ROTATED:
        return centred
    _, axes = np.linalg.eigh(centred.T @ centred)
    # the last bit of a product may depend on a row's place, but equal points have to stay equal
    _, first, place = np.unique(centred, axis=0, return_index=True, return_inverse=True)
    rotated: np.ndarray = (centred[first] @ axes[:, ::-1])[place.ravel()]
    return rotated


def _order_by_place(points: np.ndarray) -> np.ndarray:
    """Return an order in which neighbours are close: the leaves of a k-d tree."""
    leaves, parts = [], [np.arange(len(points))]
    while parts:
        part = parts.pop()
        if part.size <= TILE:
            leaves.append(part)
            continue
        longest = points[part].var(axis=0).argmax()
        half = -(-part.size // (2 * TILE)) * TILE
        split = part[np.argsort(points[part, longest], kind="stable")]
        parts += [split[half:], split[:half]]
    return np.concatenate(leaves)
