"""Spectra → β by Whittle's likelihood: parameters, errors, goodness, and the choice of a model."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from umlpsd_gpu.spectrum.model_selection import aicc, averaged_intervals, weights_of
from umlpsd_gpu.spectrum.models import BETA, BETA_LIMITS, FLOOR, KNEE, MODELS, N_PARAMETERS
from umlpsd_gpu.spectrum.uncertainty.goodness import goodness_of
from umlpsd_gpu.spectrum.uncertainty.intervals import (
    NORMAL_975,
    errors_of,
    is_fitted,
    likelihood_intervals,
)
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling
from umlpsd_gpu.spectrum.uncertainty.whittle import Estimates, most_likely

AUTO = "auto"
# twice the gain in log-likelihood over white noise that chance gives 1 trace in 1,000
_GAIN_OVER_WHITE = 13.8
_LEAST_WEIGHT = 0.005  # of a model that still counts


@dataclass(frozen=True)
class LikelihoodFit:
    """Of some traces; NaN where a fit makes no sense.

    Attributes
    ----------
    parameters : ndarray, shape (n_traces, n_parameters)
        Columns as in `models`.
    model : ndarray of int, shape (n_traces,)
        Place in `models.MODELS`; −1 where none fits.
    beta_stderr, reduced_chi2, p_value : ndarray, shape (n_traces,)
    widening : ndarray, shape (n_traces,)
        See `goodness.Goodness`.
    beta_ci95 : ndarray, shape (n_traces, 2)
    """

    parameters: np.ndarray
    model: np.ndarray
    beta_stderr: np.ndarray
    reduced_chi2: np.ndarray
    p_value: np.ndarray
    widening: np.ndarray
    beta_ci95: np.ndarray

    @classmethod
    def nowhere(cls, n_traces: int) -> LikelihoodFit:
        """Return fits that make no sense."""

        def nothing(*shape: int) -> np.ndarray:
            return np.full((n_traces, *shape), np.nan)

        return cls(
            parameters=nothing(N_PARAMETERS),
            model=np.full(n_traces, -1),
            beta_stderr=nothing(),
            reduced_chi2=nothing(),
            p_value=nothing(),
            widening=nothing(),
            beta_ci95=nothing(2),
        )

    def of_traces(self, rows: np.ndarray) -> LikelihoodFit:
        """Return the fits of some traces."""
        return LikelihoodFit(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def put(self, rows: np.ndarray, found: LikelihoodFit) -> None:
        """Fill in the fits of some traces."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(found, field.name)


def fit_by_likelihood(
    sampling: Sampling, powers: np.ndarray, model: str, with_intervals: bool = True
) -> LikelihoodFit:
    """Fit every trace by itself.

    Parameters
    ----------
    powers : ndarray, shape (n_traces, n_bands)
        Band means; NaN where a band has no power.
    model : str
        Of `models.MODELS`, or "auto" for each trace's own.
    with_intervals : bool
        Without them ``beta_ci95`` and ``beta_stderr`` stay NaN.
    """
    fit = LikelihoodFit.nowhere(len(powers))
    n_bands = np.sum(powers > 0, axis=1)
    least = min(MODELS.values()) if model == AUTO else MODELS[model]
    rows = np.flatnonzero(n_bands > least)
    if not len(rows):
        return fit
    estimates = Estimates.of(sampling, powers[rows])
    if model == AUTO:
        tried, scores = _compared(sampling, estimates, n_bands[rows])
        sound = np.flatnonzero(np.isfinite(scores).any(axis=0))
        these = estimates.of_traces(sound)
        fit.put(rows[sound], _averaged(sampling, these, tried[:, sound], scores[:, sound]))
        return fit
    parameters = most_likely(sampling, estimates, model)
    sound = np.flatnonzero(_makes_sense(sampling, estimates, parameters, model))
    these = estimates.of_traces(sound)
    fit.put(rows[sound], _finished(sampling, these, parameters[sound], model, with_intervals))
    return fit


def _compared(
    sampling: Sampling, estimates: Estimates, n_bands: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the parameters of all models and what speaks against them.

    Returns
    -------
    tried : ndarray, shape (n_models, n_traces, n_parameters)
    scores : ndarray, shape (n_models, n_traces)
        AICc; infinite where the model makes no sense.
    """
    tried = np.stack([most_likely(sampling, estimates, name) for name in MODELS])
    richest = list(MODELS)[-1]
    dispersion = goodness_of(sampling, estimates, tried[-1], richest).widening ** 2
    n_data = estimates.weights.sum(axis=1)
    scores = np.empty(tried.shape[:2])
    for number, (name, n_parameters) in enumerate(MODELS.items()):
        deviance = estimates.deviance(sampling, tried[number])
        n_fitted = is_fitted(tried[number], name).sum(axis=1)
        is_sound = _makes_sense(sampling, estimates, tried[number], name)
        score = aicc(deviance, n_fitted, n_data, dispersion)
        scores[number] = np.where(is_sound & (n_bands > n_parameters), score, np.inf)
    return tried, scores


def _averaged(
    sampling: Sampling, estimates: Estimates, tried: np.ndarray, scores: np.ndarray
) -> LikelihoodFit:
    """Return each trace's best model, with the interval that all of them leave."""
    weights = weights_of(scores)
    weights = np.where(weights > _LEAST_WEIGHT, weights, 0.0)
    weights /= weights.sum(axis=0)
    fits = [LikelihoodFit.nowhere(scores.shape[1]) for _ in MODELS]
    for number, name in enumerate(MODELS):
        rows = np.flatnonzero(weights[number])
        these = estimates.of_traces(rows)
        fits[number].put(rows, _finished(sampling, these, tried[number, rows], name, True))
    intervals = averaged_intervals(
        weights,
        np.stack([fit.parameters[:, BETA] for fit in fits]),
        np.stack([fit.beta_ci95 for fit in fits]),
    )
    # a floor or knee of 0 is the simpler model once more
    last = [FLOOR if name == "power_law_floor" else KNEE for name in MODELS]
    is_simpler = np.stack([tried[i, :, last[i]] == 0 for i in range(len(MODELS))])
    is_simpler[0] = False
    best = np.where(is_simpler, np.inf, scores).argmin(axis=0)
    return _best_of(fits, best, intervals)


def _best_of(fits: list[LikelihoodFit], best: np.ndarray, intervals: np.ndarray) -> LikelihoodFit:
    chosen = LikelihoodFit.nowhere(len(best))
    for number, fit in enumerate(fits):
        rows = np.flatnonzero(best == number)
        chosen.put(rows, fit.of_traces(rows))
    stderr = _stderr_from(intervals, chosen.beta_stderr)
    return replace(chosen, beta_ci95=intervals, beta_stderr=stderr)


def _stderr_from(intervals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the standard error whose normal interval is as wide."""
    spread = (intervals[:, 1] - intervals[:, 0]) / (2 * NORMAL_975)
    return np.where(np.isfinite(spread), spread, otherwise)


def _makes_sense(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, model: str
) -> np.ndarray:
    """Return where the spectrum has a slope to speak of: beside a floor, white noise has none."""
    low, high = BETA_LIMITS
    inside = (parameters[:, BETA] > low) & (parameters[:, BETA] < high)
    if model == "power_law":
        return inside
    gain = estimates.white_deviance() - estimates.deviance(sampling, parameters)
    return inside & (gain > _GAIN_OVER_WHITE)


def _finished(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    with_intervals: bool,
) -> LikelihoodFit:
    goodness = goodness_of(sampling, estimates, parameters, model)
    stderr, intervals = np.full(len(parameters), np.nan), np.full((len(parameters), 2), np.nan)
    if with_intervals:
        errors = errors_of(sampling, estimates, parameters, model).widened(goodness.widening)
        intervals = likelihood_intervals(sampling, estimates, parameters, model, errors)
        # a floor or knee at its bound has no error of its own, but β still scatters with it
        stderr = _stderr_from(intervals, errors.beta_stderr)
    return LikelihoodFit(
        parameters=parameters,
        model=np.full(len(parameters), list(MODELS).index(model)),
        beta_stderr=stderr,
        reduced_chi2=goodness.reduced_chi2,
        p_value=goodness.p_value,
        widening=goodness.widening,
        beta_ci95=intervals,
    )
