"""The fitted shapes S(f) = A / (f^β + f_k^β) + C, and the estimates that are expected of them.

With f_k = 0 this is a power law with a white floor C; with C = 0 as well it is a pure power law.
f_k is a knee below which the density is constant: the spectrum of a random telegraph signal (a
Lorentzian) has β = 2.
"""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling

# model → number of parameters
MODELS = {"power_law": 2, "power_law_floor": 3, "power_law_knee": 4}
# columns of parameters: ln of the power law at the highest frequency, without its knee; β; floor
# divided by that power; (f_k / lowest frequency)^β. A pure power law has 0 in the last two
LEVEL, BETA, FLOOR, KNEE = range(4)
N_PARAMETERS = 4
BETA_LIMITS = (-2.0, 5.0)
# a nearly constant density has no meaningful knee; this only keeps the numbers finite
_LEAST_FALL = 0.05
_MOST_E_FOLDS = 30.0


def expected_means(sampling: Sampling, parameters: np.ndarray) -> np.ndarray:
    """Return the expected band means, divided by e^level.

    Parameters
    ----------
    sampling : Sampling
    parameters : ndarray, shape (n_traces, n_parameters)
        Columns LEVEL, BETA, FLOOR, KNEE.

    Returns
    -------
    ndarray, shape (n_traces, n_bands)
    """
    power, knee, _ = _shape_terms(sampling, parameters)
    means: np.ndarray = (1 / (power + knee)) @ sampling.response.T + parameters[:, FLOOR, None]
    return means


def expected_with_gradient(
    sampling: Sampling, parameters: np.ndarray, with_knee: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return `expected_means` and the derivatives of their logarithms.

    Parameters
    ----------
    sampling : Sampling
    parameters : ndarray, shape (n_traces, n_parameters)
        Columns LEVEL, BETA, FLOOR, KNEE.
    with_knee : bool
        Whether to calculate the derivative with respect to the knee; it is 0 otherwise.

    Returns
    -------
    means : ndarray, shape (n_traces, n_bands)
    gradient : ndarray, shape (n_traces, n_bands, n_parameters)
    """
    ln_f, ln_lowest = _logarithms(sampling)
    power, knee, at_lowest = _shape_terms(sampling, parameters)
    slow = 1 / (power + knee)
    response = sampling.response.T
    means = slow @ response + parameters[:, FLOOR, None]
    gradient = np.ones((*means.shape, N_PARAMETERS))
    gradient[..., BETA] = -(slow**2 * (power * ln_f + knee * ln_lowest)) @ response / means
    gradient[..., FLOOR] = 1 / means
    gradient[..., KNEE] = -at_lowest * (slow**2 @ response) / means if with_knee else 0.0
    return means, gradient


def replace_beta(parameters: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return parameters with other exponents, the knees staying at their frequencies.

    Parameters
    ----------
    parameters : ndarray, shape (n_traces, n_parameters)
    beta : ndarray, shape (n_traces,)

    Returns
    -------
    ndarray, shape (n_traces, n_parameters)
    """
    changed = parameters.copy()
    changed[:, BETA] = beta
    has_knee = parameters[:, KNEE] > 0
    ln_ratio = _ln_knee_over_lowest(parameters)
    changed[has_knee, KNEE] = np.exp(np.minimum(beta * ln_ratio, _MOST_E_FOLDS)[has_knee])
    return changed


def leaking_share(sampling: Sampling, parameters: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return how much of the leakage of a pure power law reaches each band.

    A floor dilutes the leakage. A knee removes the low-frequency power that would leak.

    Parameters
    ----------
    sampling : Sampling
    parameters : ndarray, shape (n_traces, n_parameters)
    means : ndarray, shape (n_traces, n_bands)
        `expected_means` of the parameters.

    Returns
    -------
    ndarray, shape (n_traces, n_bands)
        From 0 to 1.
    """
    knee = parameters[:, KNEE, None]
    kept = 1 / (1 + knee * (sampling.nodes[0] / sampling.freqs[0]) ** -parameters[:, BETA, None])
    share: np.ndarray = (1 - parameters[:, FLOOR, None] / means) * np.where(knee > 0, kept, 1.0)
    return share


def to_hertz(
    sampling: Sampling, parameters: np.ndarray, dt_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the parameters of every trace in units of counts and Hz.

    Parameters
    ----------
    sampling : Sampling
    parameters : ndarray, shape (n_traces, n_parameters)
    dt_s : float
        Frame interval, s.

    Returns
    -------
    amplitude : ndarray, shape (n_traces,), counts²/Hz
        A, at 1 Hz.
    floor : ndarray, shape (n_traces,), counts²/Hz
        C.
    knee_hz : ndarray, shape (n_traces,), Hz
        f_k; 0 without a knee.
    """
    level, beta = np.exp(parameters[:, LEVEL]), parameters[:, BETA]
    amplitude = level * (sampling.freqs[-1] / dt_s) ** beta
    knee_hz = np.exp(_ln_knee_over_lowest(parameters)) * sampling.freqs[0] / dt_s
    knee_hz = np.where(parameters[:, KNEE] == 0, 0.0, knee_hz)
    return amplitude, level * parameters[:, FLOOR], knee_hz


def _ln_knee_over_lowest(parameters: np.ndarray) -> np.ndarray:
    """Return ln(knee frequency / lowest frequency); any finite number without a knee."""
    knee, beta = parameters[:, KNEE], parameters[:, BETA]
    ln_power = np.log(np.where(knee > 0, knee, 1.0)) + 0 * knee
    falls = np.where(np.abs(beta) > _LEAST_FALL, beta, _LEAST_FALL)
    ln_ratio: np.ndarray = np.clip(ln_power / falls, -_MOST_E_FOLDS, _MOST_E_FOLDS)
    return ln_ratio


def _logarithms(sampling: Sampling) -> tuple[np.ndarray, float]:
    """Return ln(f / f_high) of the nodes and of the lowest frequency."""
    highest = sampling.freqs[-1]
    return np.log(sampling.nodes / highest), float(np.log(sampling.freqs[0] / highest))


def _shape_terms(
    sampling: Sampling, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (f/f_high)^β, the same for the knee, and the first at the lowest frequency."""
    ln_f, ln_lowest = _logarithms(sampling)
    beta = parameters[:, BETA, None]
    at_lowest = np.exp(beta * ln_lowest)
    return np.exp(beta * ln_f), parameters[:, KNEE, None] * at_lowest, at_lowest
