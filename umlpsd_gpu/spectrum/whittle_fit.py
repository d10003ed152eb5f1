"""Spectra → β by Whittle's likelihood: parameters, errors, goodness of fit, and choice of model."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from umlpsd_gpu.spectrum.model_selection import aicc, akaike_weights, average_intervals
from umlpsd_gpu.spectrum.models import BETA, BETA_LIMITS, FLOOR, KNEE, MODELS, N_PARAMETERS
from umlpsd_gpu.spectrum.uncertainty.goodness import assess_fit
from umlpsd_gpu.spectrum.uncertainty.intervals import (
    NORMAL_975,
    estimate_errors,
    is_fitted,
    likelihood_intervals,
)
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling
from umlpsd_gpu.spectrum.uncertainty.whittle import Estimates, most_likely

AUTO = "auto"
# twice the gain in log-likelihood over white noise that 1 trace in 1,000 reaches by chance
_GAIN_OVER_WHITE = 13.8
_LEAST_WEIGHT = 0.005  # smallest weight of a model that is used


@dataclass(frozen=True)
class LikelihoodFit:
    """Fits of some traces; NaN where a fit is not meaningful.

    Attributes
    ----------
    parameters : ndarray, shape (n_traces, n_parameters)
        Columns as in `models`.
    model : ndarray of int, shape (n_traces,)
        Index into `models.MODELS`; −1 where none fits.
    beta_stderr, reduced_chi2, p_value : ndarray, shape (n_traces,)
        As in `result.PowerLawFit`.
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
    def empty(cls, n_traces: int) -> LikelihoodFit:
        """Return fits that are not meaningful, to be filled in.

        Parameters
        ----------
        n_traces : int

        Returns
        -------
        LikelihoodFit
            NaN everywhere, ``model`` −1.
        """

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
        """Return the fits of some traces.

        Parameters
        ----------
        rows : ndarray of int
            Indices of traces.

        Returns
        -------
        LikelihoodFit
        """
        return LikelihoodFit(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def fill(self, rows: np.ndarray, found: LikelihoodFit) -> None:
        """Write the fits of some traces into this one, in place.

        Parameters
        ----------
        rows : ndarray of int
            Indices of traces here.
        found : LikelihoodFit
            Of those traces, in that order.
        """
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(found, field.name)


def fit_by_likelihood(
    sampling: Sampling, powers: np.ndarray, model: str, with_intervals: bool = True
) -> LikelihoodFit:
    """Fit every trace separately.

    Parameters
    ----------
    sampling : Sampling
    powers : ndarray, shape (n_traces, n_bands)
        Band means; NaN where a band has no power.
    model : str
        One of `models.MODELS`, or "auto" to choose one for each trace.
    with_intervals : bool
        Whether to calculate ``beta_ci95`` and ``beta_stderr``; NaN otherwise.

    Returns
    -------
    LikelihoodFit
    """
    fit = LikelihoodFit.empty(len(powers))
    n_bands = np.sum(powers > 0, axis=1)
    least = min(MODELS.values()) if model == AUTO else MODELS[model]
    rows = np.flatnonzero(n_bands > least)
    if not len(rows):
        return fit
    estimates = Estimates.of(sampling, powers[rows])
    if model == AUTO:
        tried, scores = _compare_models(sampling, estimates, n_bands[rows])
        sound = np.flatnonzero(np.isfinite(scores).any(axis=0))
        these = estimates.of_traces(sound)
        fit.fill(rows[sound], _average_models(sampling, these, tried[:, sound], scores[:, sound]))
        return fit
    parameters = most_likely(sampling, estimates, model)
    sound = np.flatnonzero(_makes_sense(sampling, estimates, parameters, model))
    these = estimates.of_traces(sound)
    fit.fill(rows[sound], _complete_fit(sampling, these, parameters[sound], model, with_intervals))
    return fit


def _compare_models(
    sampling: Sampling, estimates: Estimates, n_bands: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit all models and score them.

    Returns
    -------
    tried : ndarray, shape (n_models, n_traces, n_parameters)
    scores : ndarray, shape (n_models, n_traces)
        AICc; infinite where the model is not meaningful.
    """
    tried = np.stack([most_likely(sampling, estimates, name) for name in MODELS])
    richest = list(MODELS)[-1]
    dispersion = assess_fit(sampling, estimates, tried[-1], richest).widening ** 2
    n_data = estimates.weights.sum(axis=1)
    scores = np.empty(tried.shape[:2])
    for number, (name, n_parameters) in enumerate(MODELS.items()):
        deviance = estimates.deviance(sampling, tried[number])
        n_fitted = is_fitted(tried[number], name).sum(axis=1)
        is_sound = _makes_sense(sampling, estimates, tried[number], name)
        score = aicc(deviance, n_fitted, n_data, dispersion)
        scores[number] = np.where(is_sound & (n_bands > n_parameters), score, np.inf)
    return tried, scores


def _average_models(
    sampling: Sampling, estimates: Estimates, tried: np.ndarray, scores: np.ndarray
) -> LikelihoodFit:
    """Return the best model of each trace, with the interval averaged over models."""
    weights = akaike_weights(scores)
    weights = np.where(weights > _LEAST_WEIGHT, weights, 0.0)
    weights /= weights.sum(axis=0)
    fits = [LikelihoodFit.empty(scores.shape[1]) for _ in MODELS]
    for number, name in enumerate(MODELS):
        rows = np.flatnonzero(weights[number])
        these = estimates.of_traces(rows)
        fits[number].fill(rows, _complete_fit(sampling, these, tried[number, rows], name, True))
    intervals = average_intervals(
        weights,
        np.stack([fit.parameters[:, BETA] for fit in fits]),
        np.stack([fit.beta_ci95 for fit in fits]),
    )
    # with a floor or knee of 0 the model equals the simpler one
    last = [FLOOR if name == "power_law_floor" else KNEE for name in MODELS]
    is_simpler = np.stack([tried[i, :, last[i]] == 0 for i in range(len(MODELS))])
    is_simpler[0] = False
    best = np.where(is_simpler, np.inf, scores).argmin(axis=0)
    return _best_of(fits, best, intervals)


def _best_of(fits: list[LikelihoodFit], best: np.ndarray, intervals: np.ndarray) -> LikelihoodFit:
    chosen = LikelihoodFit.empty(len(best))
    for number, fit in enumerate(fits):
        rows = np.flatnonzero(best == number)
        chosen.fill(rows, fit.of_traces(rows))
    stderr = _stderr_from(intervals, chosen.beta_stderr)
    return replace(chosen, beta_ci95=intervals, beta_stderr=stderr)


def _stderr_from(intervals: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return the standard error whose normal interval is as wide; ``otherwise`` if infinite."""
    spread = (intervals[:, 1] - intervals[:, 0]) / (2 * NORMAL_975)
    return np.where(np.isfinite(spread), spread, otherwise)


def _makes_sense(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, model: str
) -> np.ndarray:
    """Return where β is defined: with a floor in the model, it is not for white noise."""
    low, high = BETA_LIMITS
    inside = (parameters[:, BETA] > low) & (parameters[:, BETA] < high)
    if model == "power_law":
        return inside
    gain = estimates.white_deviance() - estimates.deviance(sampling, parameters)
    meaningful: np.ndarray = inside & (gain > _GAIN_OVER_WHITE)
    return meaningful


def _complete_fit(
    sampling: Sampling,
    estimates: Estimates,
    parameters: np.ndarray,
    model: str,
    with_intervals: bool,
) -> LikelihoodFit:
    goodness = assess_fit(sampling, estimates, parameters, model)
    stderr, intervals = np.full(len(parameters), np.nan), np.full((len(parameters), 2), np.nan)
    if with_intervals:
        errors = estimate_errors(sampling, estimates, parameters, model).widen(goodness.widening)
        intervals = likelihood_intervals(sampling, estimates, parameters, model, errors)
        # a floor or knee at its bound has no error, but β still varies with it
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
