"""Where counts differ from a factorisation by more than their noise."""

from __future__ import annotations

from dataclasses import dataclass

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.factorisation.subspace import row_blocks

# Share of the samples, those that fit worst, whose residual spectrum is told
WORST_SHARE = 0.01


@dataclass(frozen=True)
class Residuals:
    """What a factorisation leaves unexplained.

    Attributes
    ----------
    sample_z : ndarray, shape (n_samples,)
        Excess of the variance of each sample over that of Poisson noise, in standard deviations.
    feature_z : ndarray, shape (n_features,)
        The same of each feature.
    worst_samples : ndarray of int
        The samples of largest z.
    worst_residual : ndarray, shape (n_features,)
        Counts of these samples together minus their expectation.
    worst_expected : ndarray, shape (n_features,)
        Their expectation, which is also the variance of the residual.
    """

    sample_z: Array
    feature_z: Array
    worst_samples: Array
    worst_residual: Array
    worst_expected: Array


def find_residuals(counts: Array, maps: Array, components: Array) -> Residuals:
    """Test a factorisation of counts for what it leaves unexplained.

    By the score test for overdispersion (Dean, J. Am. Stat. Assoc. 87, 451, 1992): (x − λ)² − x has
    mean 0 and variance 2 λ² for counts x of expectation λ. Each feature is weighted by the inverse
    of its mean, and each sample too, so that weak ones count as much as strong ones.

    Parameters
    ----------
    counts : ndarray of counts, shape (n_samples, n_features)
    maps : ndarray, shape (n_samples, k)
    components : ndarray, shape (k, n_features)

    Returns
    -------
    Residuals
    """
    xp = xp_of(maps, components)
    n_samples, n_features = counts.shape
    of_feature = maps.sum(axis=0) @ components / n_samples
    of_sample = maps @ components.sum(axis=1) / n_features
    by_feature = 1 / xp.where(of_feature > 0, of_feature, xp.inf)
    by_sample = 1 / xp.where(of_sample > 0, of_sample, xp.inf)
    sample_excess, sample_variance = xp.zeros(n_samples), xp.zeros(n_samples)
    feature_excess, feature_variance = xp.zeros(n_features), xp.zeros(n_features)
    for rows, block in row_blocks(counts):
        expected = maps[rows] @ components
        excess = (block - expected) ** 2 - block
        variance = 2 * expected**2
        sample_excess[rows] = excess @ by_feature
        sample_variance[rows] = variance @ by_feature**2
        feature_excess += by_sample[rows] @ excess
        feature_variance += by_sample[rows] ** 2 @ variance
    sample_z = sample_excess / xp.sqrt(xp.where(sample_variance > 0, sample_variance, xp.inf))
    feature_z = feature_excess / xp.sqrt(xp.where(feature_variance > 0, feature_variance, xp.inf))
    n_worst = max(1, round(WORST_SHARE * n_samples))
    worst = xp.sort(xp.argsort(-sample_z, kind="stable")[:n_worst])
    expected = maps[worst].sum(axis=0) @ components
    return Residuals(
        sample_z, feature_z, worst, counts[worst].sum(axis=0, dtype=float) - expected, expected
    )
