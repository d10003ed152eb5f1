"""A matrix in the subspace of its leading singular vectors, where products with it are cheap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.errors import TracesError

# Bytes of a block of rows in float64: counts are often stored in one byte each
BLOCK_BYTES = 1 << 25

Scaling = Literal["none", "keenan_kotula"]


@dataclass(frozen=True)
class Subspace:
    """A scaled matrix by its leading singular values and vectors.

    With x the matrix: x / (row_scale[:, None] * column_scale) ≈ left * values @ right. Where a row
    or column has no counts, its scale is 0 and so are its vectors.

    Attributes
    ----------
    left : ndarray, shape (n_samples, rank)
    values : ndarray, shape (rank,)
        Largest first.
    right : ndarray, shape (rank, n_features)
    row_scale : ndarray, shape (n_samples,)
    column_scale : ndarray, shape (n_features,)
    total_square : float
        Sum of the squares of the scaled matrix.
    """

    left: Array
    values: Array
    right: Array
    row_scale: Array
    column_scale: Array
    total_square: float

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the matrix; tuple of int."""
        return self.left.shape[0], self.right.shape[1]

    def truncated(self, rank: int) -> Subspace:
        """Return the subspace of fewer singular vectors.

        Parameters
        ----------
        rank : int

        Returns
        -------
        Subspace
        """
        return replace(
            self, left=self.left[:, :rank], values=self.values[:rank], right=self.right[:rank]
        )

    def of_samples(self, chosen: Array) -> Subspace:
        """Return the subspace with some of the samples; left vectors are no longer orthogonal.

        Parameters
        ----------
        chosen : ndarray of int

        Returns
        -------
        Subspace
            ``total_square`` is that of the samples within the subspace.
        """
        left = self.left[chosen]
        weighted = left * self.values
        return replace(
            self,
            left=left,
            row_scale=self.row_scale[chosen],
            total_square=float((weighted * weighted).sum()),
        )

    def of_features(self, chosen: Array) -> Subspace:
        """Return the subspace with some of the features; right vectors are no longer orthogonal.

        Parameters
        ----------
        chosen : ndarray of int

        Returns
        -------
        Subspace
            ``total_square`` is that of the features within the subspace.
        """
        right = self.right[:, chosen]
        weighted = right * self.values[:, None]
        return replace(
            self,
            right=right,
            column_scale=self.column_scale[chosen],
            total_square=float((weighted * weighted).sum()),
        )


def project(matrix: Array, rank: int, scaling: Scaling = "none") -> Subspace:
    """Return the leading singular values and vectors of a non-negative matrix.

    From the eigenvectors of the smaller Gram matrix, which is summed over blocks of rows, so that
    the matrix may be stored in integers and is never copied as a whole.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
        Non-negative and finite.
    rank : int
        Number of singular vectors, at most the smaller side of the matrix.
    scaling : {"none", "keenan_kotula"}
        "none" divides by the root mean square. "keenan_kotula" divides by the square roots of the
        means of rows and columns, after which Poisson noise has about unit variance everywhere
        (Keenan and Kotula, Surf. Interface Anal. 36, 203, 2004).

    Returns
    -------
    Subspace

    Raises
    ------
    TracesError
        If the matrix is empty, not two-dimensional, has negative values or values that are not
        finite, or is zero everywhere.
    """
    require_non_negative(matrix)
    row_scale, column_scale = scales_of(matrix, scaling)
    n_rows, n_columns = matrix.shape
    rank = min(rank, n_rows, n_columns)
    with threadpool_limits(limits=1, user_api="blas"):
        if n_columns <= n_rows:
            return _project_tall(matrix, rank, row_scale, column_scale)
        turned = _project_tall(matrix.T, rank, column_scale, row_scale)
    return Subspace(
        turned.right.T,
        turned.values,
        turned.left.T,
        row_scale,
        column_scale,
        turned.total_square,
    )


def require_non_negative(matrix: Array) -> None:
    """Refuse what can't be factorised.

    Parameters
    ----------
    matrix : ndarray

    Raises
    ------
    TracesError
        If the matrix is empty, not two-dimensional, has negative values or values that are not
        finite, or is zero everywhere.
    """
    if matrix.ndim != 2 or not matrix.size:
        raise TracesError(
            f"an array of shape {matrix.shape} can't be factorised: give a matrix of samples × "
            "features that is not empty"
        )
    smallest, largest = float(matrix.min()), float(matrix.max())
    if not np.isfinite(smallest) or not np.isfinite(largest):
        raise TracesError(
            "the matrix to factorise has values that are NaN or infinite: leave out the rows or "
            "columns that hold them"
        )
    if smallest < 0:
        raise TracesError(
            f"the matrix to factorise has negative values (smallest {smallest:g}): components are "
            "sums of what is there, so give counts or intensities without a subtracted background"
        )
    if largest == 0:
        raise TracesError("the matrix to factorise is zero everywhere: there are no components")


def scales_of(matrix: Array, scaling: Scaling) -> tuple[Array, Array]:
    """Return what rows and columns are divided by; 0 where there is nothing.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    scaling : {"none", "keenan_kotula"}
        As in `project`.

    Returns
    -------
    row_scale : ndarray, shape (n_samples,)
    column_scale : ndarray, shape (n_features,)
    """
    xp = xp_of(matrix)
    if scaling == "none":
        square = sum(float((block * block).sum()) for _, block in row_blocks(matrix))
        root_mean_square = (square / matrix.size) ** 0.5
        return xp.full(matrix.shape[0], root_mean_square), xp.ones(matrix.shape[1])
    row_sums = xp.zeros(matrix.shape[0])
    column_sums = xp.zeros(matrix.shape[1])
    for rows, block in row_blocks(matrix):
        row_sums[rows] = block.sum(axis=1)
        column_sums += block.sum(axis=0)
    total = float(row_sums.sum())
    # The variance of an element is its expectation, row sum × column sum / total for one component
    return xp.sqrt(row_sums), xp.sqrt(column_sums / total)


def row_blocks(matrix: Array) -> Iterator[tuple[slice, Array]]:
    """Yield blocks of rows in float64.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)

    Yields
    ------
    rows : slice
    block : ndarray, shape (rows, n_features), float64
    """
    step = max(1, BLOCK_BYTES // (8 * matrix.shape[1]))
    for start in range(0, matrix.shape[0], step):
        rows = slice(start, min(start + step, matrix.shape[0]))
        yield rows, matrix[rows].astype(np.float64)


def _project_tall(matrix: Array, rank: int, row_scale: Array, column_scale: Array) -> Subspace:
    xp = xp_of(matrix)
    by_row, by_column = inverse_of(row_scale), inverse_of(column_scale)
    gram = xp.zeros((matrix.shape[1], matrix.shape[1]))
    for rows, block in row_blocks(matrix):
        block *= by_row[rows, None]
        gram += block.T @ block
    gram *= by_column[:, None] * by_column
    # at most some thousand features: LAPACK on the CPU gives the same vectors for both devices
    squares, vectors = np.linalg.eigh(on_host(gram))
    squares = np.maximum(squares[::-1], 0.0)
    values = np.sqrt(squares)
    right = _with_positive_sum(vectors[:, ::-1][:, :rank].T)
    right_xp = xp.asarray(np.ascontiguousarray(right))
    left = xp.empty((matrix.shape[0], rank))
    weighted = by_column[:, None] * right_xp.T
    for rows, block in row_blocks(matrix):
        left[rows] = (block @ weighted) * by_row[rows, None]
    leading = xp.asarray(values[:rank].copy())
    left *= inverse_of(leading)
    return Subspace(
        left,
        leading,
        right_xp,
        row_scale,
        column_scale,
        float(squares.sum()),
    )


def _with_positive_sum(vectors: Array) -> Array:
    return vectors * np.where(vectors.sum(axis=1) < 0, -1.0, 1.0)[:, None]


def inverse_of(scale: Array) -> Array:
    """Return inverses of scales, and 0 where a scale is 0.

    Parameters
    ----------
    scale : ndarray

    Returns
    -------
    ndarray
    """
    xp = xp_of(scale)
    is_used = scale > 0
    result: Array = xp.where(is_used, 1.0 / xp.where(is_used, scale, 1.0), 0.0)
    return result
