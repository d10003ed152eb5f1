"""Factors of several starts, and the products with a matrix that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.factorisation.subspace import Subspace

# Bytes of the factors of the starts that are followed at once: those that a processor's cache holds
CACHE_BYTES = 1 << 19


@dataclass
class Factors:
    """Factors of several starts: data ≈ maps.T @ components in each.

    Attributes
    ----------
    maps : ndarray, shape (n_starts, k, n_samples)
    components : ndarray, shape (n_starts, k, n_features)
    objectives : ndarray, shape (n_starts,)
        Half the sum of squared residuals.
    kkt_residuals : ndarray, shape (n_starts,)
    n_iterations : int
    """

    maps: Array
    components: Array
    objectives: Array
    kkt_residuals: Array
    n_iterations: int = 0


def joined(parts: Sequence[Factors]) -> Factors:
    """Return the factors of several batches of starts as one.

    Parameters
    ----------
    parts : sequence of Factors

    Returns
    -------
    Factors
    """
    xp = xp_of(parts[0].maps)
    return Factors(
        xp.concatenate([part.maps for part in parts]),
        xp.concatenate([part.components for part in parts]),
        np.concatenate([part.objectives for part in parts]),
        np.concatenate([part.kkt_residuals for part in parts]),
        max(part.n_iterations for part in parts),
    )


def batches_of(n_starts: int, k: int, subspace: Subspace) -> Iterator[slice]:
    """Yield as many starts as are followed at once: all on a GPU, few on a CPU.

    Parameters
    ----------
    n_starts, k : int
    subspace : Subspace

    Yields
    ------
    slice
    """
    on_cpu = isinstance(subspace.left, np.ndarray)
    n_at_once = max(1, CACHE_BYTES // (4 * k * sum(subspace.shape))) if on_cpu else n_starts
    for first in range(0, n_starts, n_at_once):
        yield slice(first, first + n_at_once)


class Problem:
    """Products with a matrix that is known by its leading singular vectors.

    Parameters
    ----------
    left : ndarray, shape (n_samples, rank)
    right : ndarray, shape (rank, n_features)
        The matrix is left @ right, and what is orthogonal to the factors.
    half_square : float
        Half the sum of the squares of the matrix.
    sample_weights : ndarray, shape (n_samples,)
        The total of a component is the sum over samples and features of map × component, weighted
        by these and the following.
    feature_weights : ndarray, shape (n_features,)
    dtype : dtype
        float32 for many starts, float64 for the last digits of one.
    """

    def __init__(
        self,
        left: Array,
        right: Array,
        half_square: float,
        sample_weights: Array,
        feature_weights: Array,
        dtype: type,
    ) -> None:
        """Keep the factors of the matrix in one precision."""
        self.left: Array = left.astype(dtype)
        self.right: Array = right.astype(dtype)
        self.half_square = half_square
        self.sample_weights: Array = sample_weights.astype(dtype)
        self.feature_weights: Array = feature_weights.astype(dtype)
        self.dtype = dtype

    @classmethod
    def of_subspace(cls, subspace: Subspace, dtype: type) -> Problem:
        """Return the problem of a scaled matrix; totals are those of the unscaled one.

        Parameters
        ----------
        subspace : Subspace
        dtype : dtype

        Returns
        -------
        Problem
        """
        return cls(
            subspace.left,
            subspace.values[:, None] * subspace.right,
            0.5 * subspace.total_square,
            subspace.row_scale,
            subspace.column_scale,
            dtype,
        )

    def times_components(self, components: Array) -> Array:
        """Return the matrix times components.

        Parameters
        ----------
        components : ndarray, shape (n_starts, k, n_features)

        Returns
        -------
        ndarray, shape (n_starts, k, n_samples)
        """
        n_starts, k, n_features = components.shape
        flat = components.reshape(n_starts * k, n_features) @ self.right.T
        result: Array = (flat @ self.left.T).reshape(n_starts, k, -1)
        return result

    def times_maps(self, maps: Array) -> Array:
        """Return the transposed matrix times maps.

        Parameters
        ----------
        maps : ndarray, shape (n_starts, k, n_samples)

        Returns
        -------
        ndarray, shape (n_starts, k, n_features)
        """
        n_starts, k, n_samples = maps.shape
        flat = maps.reshape(n_starts * k, n_samples) @ self.left
        result: Array = (flat @ self.right).reshape(n_starts, k, -1)
        return result
