"""Offsets of bias and current: where the curves of a map cross zero."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from umlpsd_gpu.analyses.curves.conditioning.noise import MAD_OF_GAUSSIAN

# A quartic takes up the bend of a curve around zero, as of a diode within ± 30 mV; the window has
# at least this many points, to leave residuals.
ORDER, LEAST_POINTS = 4, 7
# By default the window is this share of the bias range to each side.
SHARE_OF_RANGE = 0.03
# The lines are taken around the offset of the bias found before: curves bend
N_PASSES = 3
# Rounds of the robust line through intercepts against slopes; it settles in a few.
N_ROUNDS = 20
# Curves further than this many standard deviations from the line count less (Huber 1964).
HUBER = 1.345
# The bias offset is only believed beyond this many standard errors.
LEAST_SIGNIFICANCE = 3.0
# Zero-bias currents that scatter more than this many times their errors are told.
LARGE_SCATTER = 3.0


@dataclass(frozen=True)
class Offsets:
    """Offsets of a map.

    Attributes
    ----------
    bias : float
        In volts.
    current : float
        In amperes.
    bias_error, current_error : float
        Standard errors.
    scatter : float
        Scatter of the zero-bias currents of the curves around the common offset, divided by
        their errors; about 1 where the offset is common to all.
    """

    bias: float
    current: float
    bias_error: float
    current_error: float
    scatter: float

    @property
    def has_large_scatter(self) -> bool:
        """Whether curves differ in their zero-bias current by more than the noise."""
        return self.scatter > LARGE_SCATTER


def find_offsets(
    bias: np.ndarray,
    current: np.ndarray,
    noise: np.ndarray,
    window_v: float | None = None,
    fixed_bias: bool = False,
) -> Offsets:
    """Find the offsets of bias and current that all curves of a map share.

    The current of a curve at zero is a = I₀ − g V₀, with the conductance g there, the offset I₀ of
    the amplifier and the offset V₀ of the bias. One curve can't tell the two apart; curves of
    different conductance can: a against g is a line with slope −V₀ and intercept I₀. Where all
    conductances are alike, or V₀ is within three standard errors of 0, V₀ is taken to be 0.

    Parameters
    ----------
    bias : ndarray, shape (n_points,)
        In volts.
    current : ndarray, shape (n_curves, n_points)
        Mean of both sweeps in amperes, so that displacement currents cancel; NaN where unknown.
    noise : ndarray, shape (n_curves,)
        In amperes.
    window_v : float, optional
        Points within ± this bias are used. Default: 3 % of the bias range, at least seven points.
    fixed_bias : bool
        Whether the bias is known to have no offset.

    Returns
    -------
    Offsets
    """
    found = Offsets(0.0, 0.0, np.nan, np.nan, np.nan)
    for _ in range(N_PASSES):
        shifted = bias - found.bias
        near = _points_near_zero(shifted, window_v)
        intercept, slope, error = _local_lines(shifted[near], current[:, near], noise)
        known = np.isfinite(intercept) & np.isfinite(error) & (error > 0)
        if not known.any():
            break
        more = _common_offsets(intercept[known], slope[known], error[known], fixed_bias)
        found = replace(more, bias=found.bias + more.bias)
    return found


def _points_near_zero(bias: np.ndarray, window_v: float | None) -> np.ndarray:
    """Return indices of the points in the window; at least the seven nearest to zero."""
    distance = np.abs(bias)
    half_width = window_v if window_v is not None else SHARE_OF_RANGE * np.ptp(bias)
    nearest = np.sort(np.argsort(distance, kind="stable")[:LEAST_POINTS])
    inside = np.flatnonzero(distance <= half_width)
    return inside if inside.size >= nearest.size else nearest


def _local_lines(
    bias: np.ndarray, current: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return current at zero, slope, and the error of the current, of the median of residuals.

    The median of what a curve is without its slope and bend is robust against single bad points.
    """
    unit = np.abs(bias).max()
    columns = np.vander(bias / unit, min(ORDER, bias.size - 3) + 1, increasing=True)
    solution = current @ np.linalg.pinv(columns).T
    slope = solution[:, 1] / unit
    rest = current - solution[:, 1:] @ columns[:, 1:].T
    intercept = np.median(rest, axis=1)
    spread = np.sqrt(np.linalg.inv(columns.T @ columns)[0, 0] * np.pi / 2)
    # the noise near zero is what counts: in tunnelling it is smaller than at large currents
    local = np.sqrt(np.mean(np.square(rest - intercept[:, None]), axis=1))
    return intercept, slope, spread * np.minimum(noise, np.maximum(local, 0.3 * noise))


def _common_offsets(
    intercept: np.ndarray, slope: np.ndarray, error: np.ndarray, fixed_bias: bool
) -> Offsets:
    """Fit intercept = I₀ − slope · V₀ by iteratively reweighted least squares."""
    current, bias = float(np.median(intercept)), 0.0
    covariance = np.full((2, 2), np.nan)
    if not fixed_bias and np.ptp(slope) > 0 and slope.size >= LEAST_POINTS:
        columns = np.stack([np.ones_like(slope), -slope], axis=1)
        (current, bias), covariance = _robust_line(columns, intercept, error)
        if abs(bias) < LEAST_SIGNIFICANCE * np.sqrt(covariance[1, 1]):
            bias = 0.0
    rest = intercept + slope * bias
    if bias == 0.0:
        current = float(np.median(rest))
    scatter = _mad_sd((rest - current) / error)
    sd = np.sqrt(np.pi / 2 / rest.size) * max(_mad_sd(rest - current), float(np.min(error)))
    return Offsets(
        float(bias), float(current), float(np.sqrt(covariance[1, 1])), float(sd), scatter
    )


def _robust_line(
    columns: np.ndarray, intercept: np.ndarray, error: np.ndarray
) -> tuple[tuple[float, float], np.ndarray]:
    # the slopes of a map span decades: without scaling the normal equations are singular
    scale = np.abs(columns).max(axis=0)
    scaled = columns / scale
    weight = 1 / np.square(error)
    solution = np.zeros(2)
    covariance = np.full((2, 2), np.nan)
    for _ in range(N_ROUNDS):
        normal = (scaled * weight[:, None]).T @ scaled
        inverse = np.linalg.pinv(normal)
        solution = inverse @ (scaled.T @ (weight * intercept))
        rest = (intercept - scaled @ solution) / error
        sd = max(_mad_sd(rest), 1e-12)
        # scaled by the scatter found, which is above the noise where curves differ
        covariance = inverse * max(sd, 1.0) ** 2 / np.outer(scale, scale)
        weight = np.minimum(1, HUBER * sd / np.maximum(np.abs(rest), 1e-300)) / np.square(error)
    found = solution / scale
    return (float(found[0]), float(found[1])), covariance


def _mad_sd(values: np.ndarray) -> float:
    return float(np.median(np.abs(values - np.median(values))) / MAD_OF_GAUSSIAN)
