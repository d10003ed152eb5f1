"""Fits of all models of transport to many curves, and the choice between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from umlpsd_gpu.analyses.curves.conditioning.noise import ORDER, VARIANCE_OF_DIFFERENCE
from umlpsd_gpu.analyses.curves.quantities.least_squares import Fits, fit_all
from umlpsd_gpu.analyses.curves.quantities.readings import Readings
from umlpsd_gpu.analyses.curves.quantities.transport_models import (
    MODELS,
    OHMIC,
    SPACE_CHARGE,
    THERMIONIC,
    Points,
    TransportModel,
)
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.threads import thread_pool

# A model needs to describe a current no better than this share of it; the noise of real currents
# grows with them, too. [I]
TOLERANCE = 0.03
# A model fits if its residuals are within twice noise and tolerance together. [I]
MOST_CHI2 = 4.0
# Of models whose AICc is within this of the best, the simplest is chosen: beyond it there is
# considerably less support (Burnham and Anderson, Model Selection, 2002, section 2.6).
LEAST_DIFFERENCE = 6.0
# The forward current must exceed the saturation current by e², else resistance hides the junction,
# and idealities outside these limits are of another mechanism. [I]
LEAST_RISE, IDEALITIES = 2.0, (0.9, 10.0)
# An ohmic part this many standard errors below zero is none.
MOST_NEGATIVE = 3.0
# Weights come from averages over this many points: from single points, low ones would weigh more
WEIGHT_POINTS = 7
BLOCK = 256
# The noise at a point comes from this many points, where it is this much larger than the floor; by
# chance it is up to 1.6 times as large
LOCAL_POINTS, CLEARLY_LARGER = 15, 1.7


@dataclass(frozen=True, eq=False)
class TransportFits:
    """All fits, and the choice.

    Attributes
    ----------
    fits : dict of str to Fits
        By name of the model.
    chosen : ndarray, shape (n_curves,), int
        Place in `MODELS`; −1 where none fits.
    support : ndarray, shape (n_curves,)
        Akaike weight of the chosen model among all; NaN where none fits.
    """

    fits: dict[str, Fits]
    chosen: np.ndarray
    support: np.ndarray


def fit_transport(readings: Readings, temperature_k: float) -> TransportFits:
    """Fit every model to every curve and choose one by AICc.

    Akaike's criterion with the correction for small samples (Hurvich and Tsai, Biometrika 76, 297,
    1989) assumes no size of the noise, only its course: noise and 3 % of the current.

    Parameters
    ----------
    readings : Readings
    temperature_k : float

    Returns
    -------
    TransportFits
    """
    points = _points(readings, temperature_k)
    n = len(points.current)
    blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    with thread_pool(n_cores()) as pool:
        # iterated outside NumPy's warnings: trial parameters may overflow, and are then refused
        parts = list(pool.map(lambda rows: _fit_block(points.take(rows)), blocks))
    fits = {model.name: _joined([part[model.name] for part in parts]) for model in MODELS}
    plausible = {model.name: _is_plausible(model, fits[model.name], points) for model in MODELS}
    n_used = np.count_nonzero(points.weight, axis=1)
    return TransportFits(fits, *_choose(fits, plausible, n_used))


def _points(readings: Readings, temperature_k: float) -> Points:
    current = readings.polarity * readings.current
    smooth = uniform_filter1d(current, WEIGHT_POINTS, axis=1, mode="nearest")
    noise = _local_noise(current, readings.noise)
    weight = 1 / np.hypot(noise, TOLERANCE * smooth)
    weight = np.where(readings.is_saturated, 0.0, weight)
    size = np.where(readings.is_saturated, 0.0, current)
    up, down = (
        np.abs(size[:, side]).sum(axis=1) for side in (readings.bias > 0, readings.bias < 0)
    )
    # the side that is saturated carries the larger current
    n_clipped = [
        readings.is_saturated[:, side].sum(axis=1)
        for side in (readings.bias > 0, readings.bias < 0)
    ]
    is_up = np.where(n_clipped[0] != n_clipped[1], n_clipped[0] > n_clipped[1], up >= down)
    sign = np.where(is_up, 1.0, -1.0)
    return Points(readings.bias, current, weight, sign, temperature_k)


def _local_noise(current: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return the noise at each point: the floor, or more where third differences show it."""
    squares = np.square(np.diff(current, ORDER, axis=1))
    squares = np.pad(squares, ((0, 0), (1, ORDER - 1)), mode="edge")
    around = uniform_filter1d(squares, LOCAL_POINTS, axis=1, mode="nearest")
    local = np.sqrt(np.maximum(around, 0) / VARIANCE_OF_DIFFERENCE)
    least = np.maximum(floor, np.finfo(np.float64).tiny)[:, None]
    noise: np.ndarray = np.where(local > CLEARLY_LARGER * least, local, least)
    return noise


def _fit_block(points: Points) -> dict[str, Fits]:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return {model.name: _fit_model(model, points) for model in MODELS}


def _fit_model(model: TransportModel, points: Points) -> Fits:
    most = float(np.abs(points.bias).max())
    lower, upper = (np.array(limit) for limit in model.limits(most))

    def residuals(parameters: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        some = points.take(rows)
        above, slopes = model.predict(parameters, some)
        return above * some.weight, slopes * some.weight[:, None]

    start = np.clip(_start(model, points, most), lower, upper)
    return fit_all(residuals, start, lower, upper, np.count_nonzero(points.weight, axis=1))


def _start(model: TransportModel, points: Points, most: float) -> np.ndarray:
    """Return the trial parameters that fit each curve best."""
    if model in (OHMIC, SPACE_CHARGE):
        return np.full((len(points.current), 1 if model is OHMIC else 2), 1e-12)
    trials = (_thermionic_trials if model is THERMIONIC else _trials)(model, points, most)
    best, least = None, np.full(len(points.current), np.inf)
    for trial in trials:
        above, _ = model.predict(trial, points)
        chi2 = np.square(above * points.weight).sum(axis=1)
        chi2 = np.where(np.isfinite(chi2), chi2, np.finfo(np.float64).max)
        best = trial if best is None else np.where((chi2 < least)[:, None], trial, best)
        least = np.minimum(least, chi2)
    assert best is not None
    return best


def _trials(model: TransportModel, points: Points, most: float) -> Iterator[np.ndarray]:
    """Yield trial parameters with the amplitude that fits each curve best."""
    n = len(points.current)
    for shape in model.starts(most):
        trial = np.tile([0.0, *shape], (n, 1))
        above, _ = model.predict(trial, points)
        unit = above + points.current
        square = np.square(points.weight)
        amplitude = (square * unit * points.current).sum(axis=1)
        amplitude = amplitude / np.maximum((square * unit * unit).sum(axis=1), 1e-300)
        trial[:, 0] = np.log(np.maximum(amplitude, 1e-50))
        yield trial


def _thermionic_trials(model: TransportModel, points: Points, most: float) -> Iterator[np.ndarray]:
    """Yield trial parameters of several idealities and resistances.

    The resistance is at most the slope dV/dI at the end of the forward branch. For each pair ln I₀
    is the median over the forward branch, where the current is above the noise.
    """
    current = points.sign[:, None] * points.current
    bias = points.sign[:, None] * points.bias
    # the weight is 1/√(noise² + (3 % I)²): 20 is a current of at least 25 times the noise
    forward = (bias > 0) & (current * points.weight > 20)
    most_resistance = _resistance_at_end(bias, current, forward)
    thermal = points.temperature_k * 8.617333262e-5
    for (log_n,) in model.starts(most):
        for share in (0.0, 0.5, 0.9):
            resistance = share * most_resistance
            junction = bias - resistance[:, None] * current
            exponent = np.minimum(junction / (np.exp(log_n) * thermal), 300)
            with_reverse = exponent + np.log(-np.expm1(-np.maximum(junction, 1e-6) / thermal))
            level = np.where(forward, np.log(np.maximum(current, 1e-300)) - with_reverse, np.nan)
            level[~forward.any(axis=1)] = -25.0
            log_saturation = np.nanmedian(level, axis=1)
            yield np.stack([log_saturation, np.full(len(current), log_n), resistance], axis=1)


def _resistance_at_end(bias: np.ndarray, current: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Return dV/dI between the last point of the forward branch and 90 % of its bias."""
    rows = np.arange(len(bias))
    end = np.argmax(np.where(forward, bias, -np.inf), axis=1)
    last = bias[rows, end]
    inner = np.argmin(np.abs(bias - 0.9 * last[:, None]), axis=1)
    rise = current[rows, end] - current[rows, inner]
    return np.where(rise > 0, (last - bias[rows, inner]) / np.where(rise > 0, rise, 1), 0.0)


def _joined(parts: list[Fits]) -> Fits:
    names = "parameters", "covariance", "chi2", "converged"
    return Fits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _is_plausible(model: TransportModel, fit: Fits, points: Points) -> np.ndarray:
    """Return which curves are within the physical range of a model."""
    found = np.ones(len(fit.parameters), dtype=bool)
    if model is THERMIONIC:
        largest = np.where(points.weight > 0, points.sign[:, None] * points.current, 0).max(axis=1)
        with np.errstate(divide="ignore"):
            rise = np.log(largest) - fit.parameters[:, 0]
        low, high = IDEALITIES
        ideality = np.exp(fit.parameters[:, 1])
        found = (rise > LEAST_RISE) & (ideality > low) & (ideality < high)
    if model is SPACE_CHARGE:
        error = np.sqrt(np.maximum(fit.covariance[:, 1, 1], 0))
        found = fit.parameters[:, 1] > -MOST_NEGATIVE * error
    return found


def _choose(
    fits: dict[str, Fits], plausible: dict[str, np.ndarray], n_used: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of the chosen model, −1 for none, and its Akaike weight."""
    criteria, fitting = [], []
    n = np.maximum(n_used, 1)
    for model in MODELS:
        fit = fits[model.name]
        p = fit.parameters.shape[1]
        k = p + 1  # the size of the noise is a parameter as well
        # so few residuals can't be told from an exact fit
        least = np.maximum(fit.chi2, 1e-12 * n)
        with np.errstate(divide="ignore", invalid="ignore"):
            aicc = n * np.log(least / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        usable = (n_used > k + 1) & np.isfinite(fit.chi2) & plausible[model.name]
        criteria.append(np.where(usable, aicc, np.inf))
        fitting.append(usable & (fit.chi2 <= MOST_CHI2 * (n - p)))
    values = np.stack(criteria)
    lowest = values.min(axis=0)
    above = values - np.where(np.isfinite(lowest), lowest, 0.0)
    sizes = np.array([fits[model.name].parameters.shape[1] for model in MODELS])[:, None]
    # by the number of parameters first, then by the criterion
    rank = np.where(above <= LEAST_DIFFERENCE, 1e3 * sizes + above, np.inf)
    chosen = np.argmin(rank, axis=0)
    columns = np.arange(n.size)
    fits_well = np.stack(fitting)[chosen, columns]
    weight = np.exp(-above / 2)
    support = weight[chosen, columns] / weight.sum(axis=0)
    return np.where(fits_well, chosen, -1), np.where(fits_well, support, np.nan)
