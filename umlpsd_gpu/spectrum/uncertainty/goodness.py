"""Whether a spectrum has the form that was fitted.

Band means are combined into a few wide bands. A cube root makes their ratios to the model nearly
normal (Wilson & Hilferty, PNAS 17, 684, 1931 [L]). The sum of squares is calculated with their
covariance, less the part that a change of the parameters explains. For Gaussian noise with the
model's spectrum it follows χ², however the parameters were estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.spectrum.models import KNEE, LEVEL, expected_with_gradient
from umlpsd_gpu.spectrum.uncertainty.intervals import is_fitted, quadratic_forms
from umlpsd_gpu.spectrum.uncertainty.sampling import Sampling
from umlpsd_gpu.spectrum.uncertainty.whittle import Estimates

_WIDE_BANDS_PER_DECADE = 5
_LEAST_DOF = 8.0  # of a wide band, so that its cube root is nearly normal
_TAIL = 0.01


@dataclass(frozen=True)
class Goodness:
    """Goodness of fit of each trace.

    Attributes
    ----------
    chi2, dof : ndarray, shape (n_traces,)
        NaN where there are too few wide bands for a test.
    """

    chi2: np.ndarray
    dof: np.ndarray

    @property
    def reduced_chi2(self) -> np.ndarray:
        """Return χ² per degree of freedom; (n_traces,)."""
        reduced: np.ndarray = self.chi2 / self.dof
        return reduced

    @property
    def p_value(self) -> np.ndarray:
        """Return the probability of a larger χ²; (n_traces,)."""
        from scipy.special import chdtrc

        probability: np.ndarray = chdtrc(self.dof, self.chi2)
        return probability

    @property
    def widening(self) -> np.ndarray:
        """Return the factor by which errors of β are widened; (n_traces,).

        1 up to the 99 % point of χ², above it the root of 1 + the excess per degree of freedom.
        """
        from scipy.special import chdtri

        excess = (self.chi2 - chdtri(self.dof, _TAIL)) / self.dof
        factor: np.ndarray = np.sqrt(1 + np.maximum(np.where(np.isnan(excess), 0.0, excess), 0.0))
        return factor


def assess_fit(
    sampling: Sampling, estimates: Estimates, parameters: np.ndarray, model: str
) -> Goodness:
    """Test every spectrum against its model.

    Parameters
    ----------
    sampling : Sampling
    estimates : Estimates
    parameters : ndarray, shape (n_traces, n_parameters)
        Columns as in `models`.
    model : str
        One of `models.MODELS`.

    Returns
    -------
    Goodness
    """
    wide = _wide_bands(sampling)
    fitted = is_fitted(parameters, model)
    means, gradient = expected_with_gradient(sampling, parameters, bool(fitted[:, KNEE].any()))
    ratio = estimates.means / (means * np.exp(parameters[:, LEVEL, None]))
    counted = estimates.weights > 0
    # a band without power is left out of its wide band
    shares = wide[None] * counted[:, None]
    shares = shares / np.maximum(shares.sum(axis=2, keepdims=True), 1e-300)
    ratios = np.einsum("nwb,nb->nw", shares, ratio)
    gradients = shares @ (gradient * fitted[:, None])
    covariance = quadratic_forms(sampling, parameters, means, np.swapaxes(shares, 1, 2))
    return _test_ratios(ratios, gradients, covariance, fitted.sum(axis=1))


def _test_ratios(
    ratios: np.ndarray, gradients: np.ndarray, covariance: np.ndarray, n_fitted: np.ndarray
) -> Goodness:
    n_wide = ratios.shape[1]
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    has_power = variance > 0
    variance = np.where(has_power, variance, 1.0)
    third = variance / 9  # 2/9ν, ν = 2 / variance
    scores = np.where(has_power, (np.cbrt(ratios) - (1 - third)) / np.sqrt(third), 0.0)
    deviation = np.sqrt(variance)
    correlation = covariance / deviation[:, :, None] / deviation[:, None, :]
    correlation[:, np.arange(n_wide), np.arange(n_wide)] = 1.0
    slopes = gradients / deviation[:, :, None]
    size = np.sqrt((slopes**2).sum(axis=1, keepdims=True))
    slopes = slopes / np.where(size > 0, size, 1.0)
    weighted = np.linalg.solve(correlation, np.concatenate([scores[..., None], slopes], axis=2))
    own = np.einsum("nw,nw->n", scores, weighted[..., 0])
    explained = np.einsum("nwp,nw->np", slopes, weighted[..., 0])
    inverse = np.linalg.pinv(np.swapaxes(slopes, 1, 2) @ weighted[..., 1:], hermitian=True)
    chi2 = own - np.einsum("np,npq,nq->n", explained, inverse, explained)
    dof = has_power.sum(axis=1) - n_fitted
    enough = dof >= 1
    return Goodness(np.where(enough, chi2, np.nan), np.where(enough, dof, np.nan).astype(float))


def _wide_bands(sampling: Sampling) -> np.ndarray:
    """Return the weight of each band in each wide band; (n_wide, n_bands)."""
    bands = sampling.bands
    centres = np.exp(bands.means(np.log(sampling.freqs)))
    decade = np.floor(_WIDE_BANDS_PER_DECADE * np.log10(centres / centres[0]) + 1e-9)
    owners: list[int] = []
    dof_so_far = 0.0
    for i, weight in enumerate(sampling.weights.tolist()):
        is_new = i == 0 or (decade[i] > decade[i - 1] and dof_so_far >= _LEAST_DOF)
        owners.append(owners[-1] + is_new if owners else 0)
        dof_so_far = 2 * weight + (0.0 if is_new else dof_so_far)
    if len(owners) and dof_so_far < _LEAST_DOF:  # merge the last one with its neighbour
        owners = [min(owner, max(owners[-1] - 1, 0)) for owner in owners]
    shares = np.zeros((owners[-1] + 1, len(owners)))
    shares[owners, np.arange(len(owners))] = sampling.weights
    return shares
