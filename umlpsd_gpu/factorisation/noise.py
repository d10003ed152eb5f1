"""The noise of a scaled matrix, and data that have the same components with other noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.subspace import inverse_of, row_blocks


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the noise of a scaled matrix: those of samples × those of features.

    Attributes
    ----------
    of_samples : ndarray, shape (n_samples,)
    of_features : ndarray, shape (n_features,)
        Their product is 1 on average for Poisson noise after Keenan–Kotula scaling.
    """

    of_samples: Array
    of_features: Array


def measure_noise(
    matrix: Array, maps: Array, components: Array, row_scale: Array, column_scale: Array
) -> Noise:
    """Measure the noise by the residuals of a factorisation.

    Parameters
    ----------
    matrix : ndarray, shape (n_samples, n_features)
    maps : ndarray, shape (n_samples, k)
        Of the unscaled matrix.
    components : ndarray, shape (k, n_features)
    row_scale : ndarray, shape (n_samples,)
        What the matrix is divided by; where it is 0, there is no noise.
    column_scale : ndarray, shape (n_features,)

    Returns
    -------
    Noise
    """
    xp = xp_of(maps, components)
    by_row, by_column = inverse_of(row_scale), inverse_of(column_scale)
    of_rows, of_columns = xp.zeros(matrix.shape[0]), xp.zeros(matrix.shape[1])
    for rows, block in row_blocks(matrix):
        block -= maps[rows] @ components
        block *= by_row[rows, None]
        block *= by_column
        block *= block
        of_rows[rows] = block.sum(axis=1)
        of_columns += block.sum(axis=0)
    n_samples, n_features = matrix.shape
    total = float(of_rows.sum())
    # components follow a part of the noise
    n_free = n_samples * n_features - maps.shape[1] * (n_samples + n_features - maps.shape[1])
    lost = n_samples * n_features / max(1, n_free)
    # variance = mean of the row × mean of the column / mean of all
    of_rows *= lost / n_features
    of_columns *= n_features / total if total else 0.0
    return Noise(xp.sqrt(of_rows), xp.sqrt(of_columns))


class NoisyData:
    """Data with the components of a factorisation and random noise, known by a few products.

    A fit changes with noise, to first order, by what the noise is within its maps and its
    components. Only this part is drawn, so that a drawn matrix is a product of thin factors.

    Parameters
    ----------
    maps : ndarray, shape (n_samples, k)
        Of the scaled matrix.
    components : ndarray, shape (k, n_features)
    noise : Noise
    """

    def __init__(self, maps: Array, components: Array, noise: Noise) -> None:
        """Prepare what all draws share."""
        self.maps, self.components, self.noise = maps, components, noise
        xp = xp_of(maps)
        self.xp = xp
        self.left_basis = xp.asarray(np.linalg.qr(on_host(maps))[0])
        self.right_basis = xp.asarray(
            np.ascontiguousarray(np.linalg.qr(on_host(components).T)[0].T)
        )
        weighted = self.right_basis * noise.of_features**2
        self.feature_covariance = on_host(weighted @ self.right_basis.T)
        by_sample = self.left_basis * noise.of_samples[:, None]
        self.sample_covariance = on_host(by_sample.T @ by_sample)
        # how noise within the components determines that of all features
        self.kriging = xp.asarray(_solve(self.feature_covariance, on_host(weighted)))

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return thin factors of a matrix with fresh noise.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        left : ndarray, shape (n_samples, 3 k)
        right : ndarray, shape (3 k, n_features)
        """
        xp, k = self.xp, self.maps.shape[1]
        n_samples, n_features = self.maps.shape[0], self.components.shape[1]
        in_components = xp.asarray(
            rng.standard_normal((n_samples, k)) @ _root(self.feature_covariance)
        )
        in_components *= self.noise.of_samples[:, None]
        in_maps = xp.asarray(_root(self.sample_covariance) @ rng.standard_normal((k, n_features)))
        in_maps *= self.noise.of_features
        # both hold what the noise is within maps and components at once: it must be the same
        common = self.left_basis.T @ in_components
        in_maps += (common - in_maps @ self.right_basis.T) @ self.kriging
        in_maps -= common @ self.right_basis
        left = xp.concatenate([self.maps, in_components, self.left_basis], axis=1)
        right = xp.concatenate([self.components, self.right_basis, in_maps])
        return left, right


def _root(covariance: Array) -> Array:
    """Return the symmetric square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _solve(covariance: Array, right: Array) -> Array:
    solution: Array = np.linalg.lstsq(covariance, right, rcond=1e-12)[0]
    return solution
