"""Maximum of Whittle's likelihood of a model, for many spectra at once.

Band means P are distributed as E·χ²_ν/ν around the means E expected of a density S (`sampling`), so
that twice the negative log-likelihood is Σ ν (ln E + P/E) plus a constant. P. Whittle, Ark. Mat. 2,
423 (1953) [L]; E in place of S removes the bias of leakage (Sykulski et al., Biometrika 106, 251,
2019 [L]); ν counts information shared by neighbours once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from umlpsd_gpu.spectrum.models import (
    BETA,
    BETA_LIMITS,
    FLOOR,
    KNEE,
    LEVEL,
    MODELS,
    N_PARAMETERS,
    expected_means,
    expected_with_gradient,
)
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling

_MOST_STEPS = 40
_MOST_TRIALS = 6
_SETTLED = 1e-9  # of twice the log-likelihood; β is then accurate to 1e-5 standard errors
_LARGEST_STEP = 0.5  # of β


@dataclass(frozen=True)
class Estimates:
    """Band means of some traces.

    Attributes
    ----------
    means : ndarray, shape (n_traces, n_bands)
        Band means, counts²/Hz; 1 where a band has no power.
    weights : ndarray, shape (n_traces, n_bands)
        Half the degrees of freedom; 0 where a band has no power.
    """

    means: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, sampling: Sampling, powers: np.ndarray) -> Estimates:
        """Return estimates from band means.

        Parameters
        ----------
        sampling : Sampling
        powers : ndarray, shape (n_traces, n_bands)
            NaN where a band has no power.

        Returns
        -------
        Estimates
        """
        has_power = powers > 0
        return cls(np.where(has_power, powers, 1.0), np.where(has_power, sampling.weights, 0.0))

    def of_traces(self, chosen: np.ndarray) -> Estimates:
        """Return the estimates of some traces.

        Parameters
        ----------
        chosen : ndarray
            Indices of traces, or bool.

        Returns
        -------
        Estimates
        """
        return Estimates(self.means[chosen], self.weights[chosen])

    def fit_level(self, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the most likely level of given shapes and the deviance there.

        Parameters
        ----------
        shapes : ndarray, shape (n_traces, n_bands)
            Expected band means divided by the level.

        Returns
        -------
        ln_level, deviance : ndarray, shape (n_traces,)
            The deviance is twice the negative log-likelihood, less a constant.
        """
        total = self.weights.sum(axis=1)
        ln_level = np.log(np.sum(self.weights * self.means / shapes, axis=1) / total)
        return ln_level, 2 * (total * ln_level + np.sum(self.weights * np.log(shapes), axis=1))

    def deviance(self, sampling: Sampling, parameters: np.ndarray) -> np.ndarray:
        """Return twice the negative log-likelihood at the most likely level, less a constant.

        Parameters
        ----------
        sampling : Sampling
        parameters : ndarray, shape (n_traces, n_parameters)
            The level is ignored.

        Returns
        -------
        ndarray, shape (n_traces,)
        """
        return self.fit_level(expected_means(sampling, parameters))[1]

    def white_deviance(self) -> np.ndarray:
        """Return the deviance of a constant density; (n_traces,)."""
        return self.fit_level(np.ones_like(self.means))[1]


def most_likely(sampling: Sampling, estimates: Estimates, model: str) -> np.ndarray:
    """Return the parameters of greatest likelihood.

    The best shape of a coarse grid is refined, so that a secondary maximum is not taken for the
    global one.

    Parameters
    ----------
    sampling : Sampling
    estimates : Estimates
    model : str
        One of `models.MODELS`.

    Returns
    -------
    ndarray, shape (n_traces, n_parameters)
    """
    start = _best_of_grid(sampling, estimates, model)
    is_free = np.arange(N_PARAMETERS) < MODELS[model]
    return maximise_likelihood(sampling, estimates, start, is_free)


def maximise_likelihood(
    sampling: Sampling, estimates: Estimates, start: np.ndarray, is_free: np.ndarray
) -> np.ndarray:
    """Increase the likelihood by Fisher scoring until it converges, each trace separately.

    Parameters
    ----------
    sampling : Sampling
    estimates : Estimates
    start : ndarray, shape (n_traces, n_parameters)
    is_free : ndarray of bool, shape (n_parameters,)
        Parameters to change; the others keep their start values, except the level, which is always
        fitted. Floor and knee stay at or above 0.

    Returns
    -------
    ndarray, shape (n_traces, n_parameters)
    """
    parameters = start.copy()
    parameters[:, LEVEL], deviance = estimates.fit_level(expected_means(sampling, parameters))
    moving = np.arange(len(start))
    for _ in range(_MOST_STEPS):
        if not len(moving):
            break
        here = estimates.of_traces(moving)
        step = _scoring_step(sampling, here, parameters[moving], is_free)
        stepped, reached = _shorten_step(sampling, here, parameters[moving], step, deviance[moving])
        gain = deviance[moving] - reached
        parameters[moving], deviance[moving] = stepped, reached
        moving = moving[gain > _SETTLED]
    return parameters


def information(gradient: np.ndarray, weights: np.ndarray, is_free: np.ndarray) -> np.ndarray:
    """Return Fisher's information; fixed parameters have the rows and columns of the identity.

    Parameters
    ----------
    gradient : ndarray, shape (n_traces, n_bands, n_parameters)
    weights : ndarray, shape (n_traces, n_bands)
    is_free : ndarray of bool, shape (n_parameters,) or (n_traces, n_parameters)

    Returns
    -------
    ndarray, shape (n_traces, n_parameters, n_parameters)
    """
    is_free = np.broadcast_to(is_free, (len(weights), gradient.shape[2]))
    free = gradient * is_free[:, None]
    fisher: np.ndarray = np.swapaxes(free * weights[..., None], 1, 2) @ free
    diagonal = np.arange(gradient.shape[2])
    fisher[:, diagonal, diagonal] += ~is_free
    return fisher


def _scoring_step(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, is_free: np.ndarray
) -> np.ndarray:
    means, gradient = expected_with_gradient(sampling, parameters, bool(is_free[KNEE]))
    misfit = estimates.means / (means * np.exp(parameters[:, LEVEL, None])) - 1
    slope = np.einsum("nb,nbp->np", estimates.weights * misfit, gradient)
    at_bound = np.zeros(parameters.shape, dtype=bool)
    for bounded in (FLOOR, KNEE):
        at_bound[:, bounded] = (parameters[:, bounded] <= 0) & (slope[:, bounded] <= 0)
    free = is_free & ~at_bound
    fisher = information(gradient, estimates.weights, free)
    # normalised, so that the size of a parameter does not matter; a direction without information
    # is not followed
    size = np.sqrt(np.maximum(np.diagonal(fisher, axis1=1, axis2=2), 1e-300))
    normalised = fisher / size[:, :, None] / size[:, None, :]
    normalised[:, np.arange(N_PARAMETERS), np.arange(N_PARAMETERS)] += 1e-10
    step = np.linalg.solve(normalised, (slope * free / size)[..., None])[..., 0] / size
    too_long = np.maximum(np.abs(step[:, BETA]) / _LARGEST_STEP, 1.0)
    limited: np.ndarray = step / too_long[:, None]
    return limited


def _shorten_step(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    step: np.ndarray,
    deviance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Take the step, or the first third, ninth… of it that lowers the deviance."""
    best, reached = parameters.copy(), deviance.copy()
    trying = np.arange(len(parameters))
    for trial in range(_MOST_TRIALS):
        tried = parameters[trying] + step[trying] * 3.0**-trial
        tried[:, [FLOOR, KNEE]] = np.maximum(tried[:, [FLOOR, KNEE]], 0.0)
        tried[:, BETA] = np.clip(tried[:, BETA], *BETA_LIMITS)
        shapes = expected_means(sampling, tried)
        tried[:, LEVEL], now = estimates.of_traces(trying).fit_level(shapes)
        better = now < deviance[trying]
        best[trying[better]], reached[trying[better]] = tried[better], now[better]
        trying = trying[~better]
        if not len(trying):
            break
    return best, reached


def _best_of_grid(sampling: Sampling, estimates: Estimates, model: str) -> np.ndarray:
    """Return the most likely of the grid's shapes, each at its best level.

    All traces share the shapes: one matrix product evaluates them all.
    """
    shapes = _grid_means(sampling, model)
    total = estimates.weights.sum(axis=1, keepdims=True)
    level = (estimates.weights * estimates.means) @ (1 / shapes).T / total
    deviance = total * np.log(level) + estimates.weights @ np.log(shapes).T
    best: np.ndarray = _grid(model)[deviance.argmin(axis=1)]
    return best


@lru_cache(maxsize=8)
def _grid_means(sampling: Sampling, model: str) -> np.ndarray:
    return expected_means(sampling, _grid(model))


@lru_cache(maxsize=4)
def _grid(model: str) -> np.ndarray:
    """Return shapes that cover a model; (n_shapes, n_parameters), levels 0."""
    betas = np.arange(-1.0, 3.51, 0.25 if model == "power_law_knee" else 0.1)
    floors, knee_decades = np.zeros(1), np.array([-np.inf])
    if model == "power_law_floor":
        floors = np.concatenate([[0.0], np.exp(np.arange(-4, 14, 0.75))])
    if model == "power_law_knee":
        betas = betas[betas > 0.2]
        floors = np.concatenate([[0.0], np.exp(np.arange(-4, 14, 1.5))])
        knee_decades = np.concatenate([[-np.inf], np.arange(-0.2, 3.6, 0.2)])
    mesh = np.meshgrid(0.0, betas, floors, knee_decades, indexing="ij")
    shapes = np.stack([axis.ravel() for axis in mesh], axis=1)
    has_knee = np.isfinite(shapes[:, KNEE])
    decades = np.where(has_knee, shapes[:, KNEE], 0.0)
    shapes[:, KNEE] = np.where(has_knee, 10 ** (decades * shapes[:, BETA]), 0.0)
    return shapes
