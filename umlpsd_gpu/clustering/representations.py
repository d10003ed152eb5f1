"""Representations: the same items in several forms, which a clustering compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, share_with_cupy
from umlpsd_gpu.errors import SettingsError


@dataclass(frozen=True)
class Representations:
    """Matrices of the same items by name; each is made when it is needed.

    Attributes
    ----------
    names : tuple of str
        In the order in which they are tried.
    n_curves : int
        Number of items: rows of every matrix.
    n_points : int
        Columns of the largest matrix, to predict the memory.
    make : callable
        Takes a name; returns the matrix, shape (n_items, n_columns), float64, finite. A CuPy array
        is clustered on its GPU.
    is_on_device : bool
        Whether the matrices are CuPy arrays.
    """

    names: tuple[str, ...]
    n_curves: int
    n_points: int
    make: Callable[[str], Array]
    is_on_device: bool = False

    @classmethod
    def of_matrices(cls, matrices: Mapping[str, Array]) -> Representations:
        """Make representations of existing matrices.

        Parameters
        ----------
        matrices : mapping of str to array
            By name, each of shape (n_items, n_columns).

        Returns
        -------
        Representations

        Raises
        ------
        SettingsError
            If there is no matrix, one is empty, or they have different numbers of rows.
        """
        matrices = {name: share_with_cupy(matrix) for name, matrix in matrices.items()}
        shapes = {name: matrix.shape for name, matrix in matrices.items()}
        if not shapes or any(len(shape) != 2 for shape in shapes.values()):
            raise SettingsError(
                f"representations must be matrices (n_items, n_columns) by name, got {shapes}"
            )
        if any(0 in shape for shape in shapes.values()):
            raise SettingsError(f"representations must not be empty, got shapes {shapes}")
        if len({shape[0] for shape in shapes.values()}) > 1:
            raise SettingsError(
                f"representations must have the same items as rows, got shapes {shapes}"
            )
        return cls(
            tuple(matrices),
            next(iter(shapes.values()))[0],
            max(shape[1] for shape in shapes.values()),
            partial(_get_matrix, matrices),
            any(map(is_on_device, matrices.values())),
        )


def _get_matrix(matrices: Mapping[str, Array], name: str) -> Array:
    matrix: Array = matrices[name]
    return matrix
