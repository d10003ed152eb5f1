"""Sizes of particles: mean, spread, quantiles and log-normal distribution, with intervals.

Particles of one image are more alike than those of another, so that intervals come from resampling
images, not particles. Large particles touch the edge of an image more often and are left out then:
each counted particle stands for as many as its Miles–Lantuéjoul weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

# Resamples that are calculated at a time hold so many weights
BLOCK_VALUES = 1 << 22
# With fewer images, particles are resampled instead
FEWEST_IMAGES = 3
# A mixture needs so many particles to be tried
FEWEST_OF_MIXTURE = 30
QUANTILES = (0.1, 0.5, 0.9)
STATISTICS = ("mean", "sd", "relative_sd", "d10", "d50", "d90", "geometric_mean", "geometric_sd")


@dataclass(frozen=True, eq=False)
class SizeStatistics:
    """Distribution of one length of a group of particles.

    Attributes
    ----------
    n : int
        Particles with a finite value.
    n_images : int
        Images that they are from.
    values : dict of str to float
        ``mean``, ``sd``, ``d10``, ``d50``, ``d90`` and ``geometric_mean`` in the unit of the
        lengths; ``relative_sd`` (sd / mean) and ``geometric_sd`` (e to the standard deviation of
        the logarithm) are pure numbers. NaN where there are too few particles.
    intervals : dict of str to (float, float)
        95 % intervals from resampling; NaN for fewer than two particles.
    resampled : str
        ``"images"`` or ``"particles"``.
    distribution : str
        ``"log-normal"``, ``"normal"`` or ``"mixture"`` of two log-normal ones, by the corrected
        Akaike information criterion; ``"unknown"`` below 8 particles.
    aicc : dict of str to float
        The criterion of each, less that of the best.
    """

    n: int
    n_images: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    resampled: str
    distribution: str
    aicc: dict[str, float]


def size_statistics(
    lengths: np.ndarray,
    weights: np.ndarray,
    image_of: np.ndarray,
    seed: int = 0,
    n_resamples: int = 1000,
) -> SizeStatistics:
    """Describe the distribution of a length over particles.

    Parameters
    ----------
    lengths : ndarray of float, shape (n,)
        In any unit; NaN is left out.
    weights : ndarray of float, shape (n,)
        Particles that each stands for, above 0.
    image_of : ndarray of int, shape (n,)
        Number of the image of each particle.
    seed : int, optional
    n_resamples : int, optional

    Returns
    -------
    SizeStatistics

    Notes
    -----
    Quantiles are those of the weighted empirical distribution, interpolated between the middles of
    its steps.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.analyses.particles.sizes import size_statistics
    >>> lengths = np.exp(np.random.default_rng(0).normal(2.0, 0.1, 400))
    >>> found = size_statistics(lengths, np.ones(400), np.arange(400) // 40)
    >>> round(found.values["geometric_sd"], 2), found.resampled
    (1.1, 'images')
    """
    known = np.isfinite(lengths) & (lengths > 0)
    lengths, weights, image_of = lengths[known], weights[known], image_of[known]
    order = np.argsort(lengths, kind="stable")
    lengths, weights = lengths[order], weights[order]
    units, are_images = resampled_units(image_of[order])
    values = dict(zip(STATISTICS, _statistics(lengths, weights[None])[:, 0].tolist(), strict=True))
    intervals = _intervals(lengths, weights, units, seed, n_resamples)
    aicc = _compare_distributions(lengths, seed)
    return SizeStatistics(
        n=lengths.size,
        n_images=np.unique(image_of).size,
        values=values,
        intervals=dict(zip(STATISTICS, intervals, strict=True)),
        resampled="images" if are_images else "particles",
        distribution=min(aicc, key=lambda name: aicc[name]) if aicc else "unknown",
        aicc=aicc,
    )


def _statistics(lengths: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the statistics (rows) of rising lengths for each row of weights."""
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, sd = weighted_moments(lengths, weights)
        log_mean, log_sd = weighted_moments(np.log(lengths), weights)
        middles = (np.cumsum(weights, axis=1) - 0.5 * weights) / total[:, None]
        if lengths.size:
            quantiles = [[np.interp(q, row, lengths) for row in middles] for q in QUANTILES]
        else:
            quantiles = [[np.nan] * len(weights)] * len(QUANTILES)
        return np.array([mean, sd, sd / mean, *quantiles, np.exp(log_mean), np.exp(log_sd)])


def weighted_moments(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of values, for each row of weights.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    weights : ndarray of float, shape (n_rows, n)
        Numbers of particles.

    Returns
    -------
    means, standard deviations : ndarray of float64, shape (n_rows,)
        With as many degrees of freedom as particles that weigh the same would have; NaN for fewer
        than two.
    """
    total = weights.sum(axis=1)
    mean = weights @ values / total
    squares = np.maximum(weights @ np.square(values) / total - np.square(mean), 0)
    effective = np.square(total) / np.square(weights).sum(axis=1)
    free = np.where(effective > 1, effective - 1, np.nan)
    return mean, np.sqrt(squares * effective / free)


def resampled_units(image_of: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return what is resampled: images, or particles where these are few.

    Parameters
    ----------
    image_of : ndarray of int, shape (n,)

    Returns
    -------
    units : ndarray of int, shape (n,)
        Number of the unit of each particle, from 0.
    are_images : bool
    """
    numbers, units = np.unique(image_of, return_inverse=True)
    if numbers.size < FEWEST_IMAGES:
        return np.arange(units.size), False
    return units, True


def resample_weights(
    weights: np.ndarray, units: np.ndarray, n_resamples: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield the weights of resamples in blocks of rows.

    Parameters
    ----------
    weights : ndarray of float, shape (n,)
        Of the particles.
    units : ndarray of int, shape (n,)
        From `resampled_units`.
    n_resamples : int
    rng : Generator

    Yields
    ------
    ndarray of float, shape (n_rows, n)
    """
    n_units = int(units.max()) + 1
    block = max(1, BLOCK_VALUES // weights.size)
    for first in range(0, n_resamples, block):
        n = min(block, n_resamples - first)
        counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n)
        yield weights * counts[:, units]


def _intervals(
    lengths: np.ndarray, weights: np.ndarray, units: np.ndarray, seed: int, n_resamples: int
) -> list[tuple[float, float]]:
    if lengths.size < 2:
        return [(np.nan, np.nan)] * len(STATISTICS)
    drawn = resample_weights(weights, units, n_resamples, np.random.default_rng([seed, 1979]))
    found = np.concatenate([_statistics(lengths, rows) for rows in drawn], axis=1)
    low, high = np.nanpercentile(found, (2.5, 97.5), axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _compare_distributions(lengths: np.ndarray, seed: int) -> dict[str, float]:
    """Return AICc of normal, log-normal and a mixture of two log-normal distributions."""
    from sklearn.mixture import GaussianMixture

    n = lengths.size
    if n < 8 or np.ptp(lengths) == 0:
        return {}
    logs = np.log(lengths)
    # densities of the lengths: that of a logarithm has the factor 1 / length
    deviances = {
        "log-normal": (n * np.log(2 * np.pi * np.e * logs.var()) + 2 * logs.sum(), 2),
        "normal": (n * np.log(2 * np.pi * np.e * lengths.var()), 2),
    }
    if n >= FEWEST_OF_MIXTURE:
        # threads that wait for each other take ten times as long for so few values
        with threadpool_limits(limits=1):
            mixture = GaussianMixture(2, n_init=3, random_state=seed).fit(logs[:, None])
        deviances["mixture"] = (-2 * n * mixture.score(logs[:, None]) + 2 * logs.sum(), 5)
    aicc = {
        name: float(deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1))
        for name, (deviance, k) in deviances.items()
    }
    best = min(aicc.values())
    return {name: value - best for name, value in aicc.items()}
