"""The same curves in several forms: what a clustering compares and chooses from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device
from umlpsd_gpu.errors import SettingsError


@dataclass(frozen=True)
class Representations:
    """Matrices of the same curves by name, each made when it is needed.

    Attributes
    ----------
    names : tuple of str
        In the order in which they are tried.
    n_curves : int
        Rows of every matrix.
    n_points : int
        Columns of the largest, for the memory that it takes.
    make : callable
        Takes a name and returns the matrix, (n_curves, any number of columns), float64, finite;
        NumPy, or CuPy: then the device does the work.
    is_on_device : bool
        Whether matrices are CuPy's.
    """

    names: tuple[str, ...]
    n_curves: int
    n_points: int
    make: Callable[[str], Array]
    is_on_device: bool = False

    @classmethod
    def of_matrices(cls, matrices: Mapping[str, Any]) -> Representations:
        """Take matrices that are there already.

        Parameters
        ----------
        matrices : mapping of str to array, each of shape (n_curves, n_columns)

        Raises
        ------
        SettingsError
            If there is none, or they have different numbers of rows.
        """
        shapes = {name: np.shape(matrix) for name, matrix in matrices.items()}
        if not shapes or any(len(shape) != 2 for shape in shapes.values()):
            raise SettingsError(
                f"representations must be matrices (n_curves, n_columns) by name, got {shapes}"
            )
        if len({shape[0] for shape in shapes.values()}) > 1:
            raise SettingsError(
                f"representations must be of the same curves, row by row, got shapes {shapes}"
            )
        return cls(
            tuple(matrices),
            next(iter(shapes.values()))[0],
            max(shape[1] for shape in shapes.values()),
            partial(_matrix_of, matrices),
            any(map(is_on_device, matrices.values())),
        )


def _matrix_of(matrices: Mapping[str, Any], name: str) -> Array:
    matrix: Array = matrices[name]
    return matrix
