"""Batches of super-ellipses: parameters as arrays, derivatives, and one form for equal curves.

Rows of parameters are (row, column, ln size, ln p, ln L, phase); p and L are positive and their
logarithms unbounded, so that a fit needs no limits on the way.
"""

from __future__ import annotations

import numpy as np

ROW, COLUMN, LN_SIZE, LN_P, LN_L, PHASE = range(6)
N_PARAMETERS = 6
# Needles below; above, a curve changes by less than a hundredth of its size
P_LIMITS = (0.5, 60.0)


def radii_and_slopes(
    half: np.ndarray, ln_p: np.ndarray, ln_l: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ln R for unit size, and its derivatives by ln p, ln L and the half angle.

    Parameters
    ----------
    half : ndarray of float
        d (θ + φ) / 2.
    ln_p, ln_l : ndarray of float
        Broadcast against ``half``.

    Returns
    -------
    ln_radius, by_ln_p, by_ln_l, by_half : ndarray of float64
        The shape of ``half``. The last diverges at the tips of curves with p < 1.

    Notes
    -----
    With a = L |cos|, b = |sin|: R = (a^p + b^p)^(−1/p). The larger term is taken out, so that no
    power overflows; s = b^p / (a^p + b^p) is the share of the sine.
    """
    tiny = 1e-12
    cosine = np.maximum(np.abs(np.cos(half)), tiny)
    sine = np.maximum(np.abs(np.sin(half)), tiny)
    p = np.exp(ln_p)
    ln_a, ln_b = np.log(cosine) + ln_l, np.log(sine)
    difference = p * (ln_b - ln_a)
    low = np.exp(-np.abs(difference))
    ln_sum = np.log1p(low)
    share = np.where(difference > 0, 1.0, low) / (1.0 + low)
    ln_radius = -np.maximum(ln_a, ln_b) - ln_sum / p
    # d ln R / d ln p = [ln(a^p + b^p) − (1 − s) p ln a − s p ln b] / p, around the larger term
    by_ln_p = (ln_sum - np.where(difference > 0, share - 1.0, share) * difference) / p
    slope_sign = np.sign(np.sin(2.0 * half))
    by_half = slope_sign * ((1.0 - share) * sine / cosine - share * cosine / sine)
    return ln_radius, by_ln_p, share - 1.0, by_half


def canonical(parameters: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return parameters with L at least 1 and the smallest positive phase.

    Parameters
    ----------
    parameters : ndarray of float, shape (n, 6)
    d : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n, 6)
        The same curves: (size, L, φ) and (size / L, 1 / L, φ + π / d) are equal, and φ repeats
        after 2π / d.
    """
    found = np.array(parameters, dtype=np.float64)
    is_turned = found[:, LN_L] < 0
    found[is_turned, LN_SIZE] -= found[is_turned, LN_L]
    found[is_turned, LN_L] *= -1
    found[is_turned, PHASE] += np.pi / d[is_turned]
    period = 2 * np.pi / d
    found[:, PHASE] = np.mod(found[:, PHASE], period)
    return found
