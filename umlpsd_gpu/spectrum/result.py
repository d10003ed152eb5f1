"""Power spectra and their power-law fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.compute.export import Exported, LabelledArrays
from umlpsd_gpu.spectrum.display import (
    describe_fit,
    describe_spectrum,
    label_fit,
    label_spectrum,
)


@dataclass(frozen=True, repr=False, eq=False)
class Spectrum(Displayed, Exported):
    """One-sided power spectral densities of an ensemble on one frequency grid.

    Attributes
    ----------
    freqs_hz : ndarray, shape (n_freqs,), Hz
        Above 0, in rising order; ``log_welch`` may repeat a frequency.
    psd : ndarray, shape (n_traces, n_freqs), counts²/Hz
        A NumPy or CuPy array, as the traces were. ``log_welch`` keeps its published factor:
        multiply by 4π for the one-sided density. NaN for a trace that contains NaN or infinity.
    method : str
        Name of the estimator.
    dof : ndarray, shape (n_freqs,)
        χ² degrees of freedom of each estimate.
    dt_s : float
        Frame interval of the traces, s.
    n_frames, nperseg, noverlap : int
        Frames of a trace, of a window of ``welch``, and of the overlap of two windows; 0 where
        unknown or without windows. They determine what the estimates average and how they
        correlate.
    """

    freqs_hz: np.ndarray
    psd: np.ndarray
    method: str
    dof: np.ndarray
    dt_s: float
    n_frames: int = 0
    nperseg: int = 0
    noverlap: int = 0

    def _describe(self) -> Outline:
        return describe_spectrum(self)

    def _labelled(self) -> LabelledArrays:
        return label_spectrum(self)


@dataclass(frozen=True, repr=False, eq=False)
class PowerLawFit(Displayed, Exported):
    """S(f) = amplitude / (f^beta + knee^beta) + floor, fitted to every spectrum.

    Without a knee this is amplitude · f^(−beta) + floor. All values of a trace are NaN where a fit
    is not meaningful.

    Attributes
    ----------
    beta, beta_stderr : ndarray, shape (n_traces,)
        Exponent and its standard error.
    beta_ci95 : ndarray, shape (n_traces, 2)
        95 % confidence interval. It may be asymmetric; an end is infinite where the spectrum does
        not constrain β on that side.
    amplitude : ndarray, shape (n_traces,), counts²/Hz at 1 Hz
        Of the power law without its knee.
    floor : ndarray, shape (n_traces,), counts²/Hz
        0 for a model without a floor.
    knee_hz : ndarray, shape (n_traces,), Hz
        The density is constant below it; 0 where there is none.
    f_range_hz : tuple of float
        Lowest and highest frequency used, Hz.
    model : {"power_law", "power_law_floor", "power_law_knee", "auto"}
        The model that was requested.
    trace_models : tuple of str, length n_traces
        The model of each trace, which differs between traces if ``model`` is "auto"; "" where none
        fits.
    fitting : {"least_squares", "whittle"}
    reduced_chi2 : ndarray, shape (n_traces,)
        χ² per degree of freedom of the trace's model, about 1 where it describes the spectrum.
    p_value : ndarray, shape (n_traces,)
        Probability that noise with the fitted spectrum gives a larger χ².
    """

    beta: np.ndarray
    beta_stderr: np.ndarray
    beta_ci95: np.ndarray
    amplitude: np.ndarray
    floor: np.ndarray
    knee_hz: np.ndarray
    f_range_hz: tuple[float, float]
    model: str
    trace_models: tuple[str, ...]
    fitting: str
    reduced_chi2: np.ndarray
    p_value: np.ndarray

    @property
    def n_without_beta(self) -> int:
        """Return the number of traces without a meaningful fit."""
        return int(np.count_nonzero(np.isnan(self.beta)))

    def _describe(self) -> Outline:
        return describe_fit(self)

    def _labelled(self) -> LabelledArrays:
        return label_fit(self)


@dataclass(frozen=True, eq=False)
class ClusterSpectra:
    """Mean spectrum and mean exponent of every cluster.

    Attributes
    ----------
    clusters : ndarray, shape (n_clusters,), int
        Cluster numbers, from 1.
    n_traces : ndarray, shape (n_clusters,), int
        Traces with a finite spectrum.
    psd_mean, psd_stderr : ndarray, shape (n_clusters, n_freqs), counts²/Hz
        Standard error: sample standard deviation / √n; NaN for a single trace.
    n_beta : ndarray, shape (n_clusters,), int
        Traces with a finite exponent.
    beta_mean, beta_stderr : ndarray, shape (n_clusters,)
        <β> and its standard error over the traces of the cluster.
    """

    clusters: np.ndarray
    n_traces: np.ndarray
    psd_mean: np.ndarray
    psd_stderr: np.ndarray
    n_beta: np.ndarray
    beta_mean: np.ndarray
    beta_stderr: np.ndarray


def falling_density(freqs_hz: np.ndarray, beta: np.ndarray, knee_hz: np.ndarray) -> np.ndarray:
    """Return 1 / (f^β + knee^β), the shape of `PowerLawFit` without amplitude and floor.

    Parameters
    ----------
    freqs_hz, beta, knee_hz : array
        Broadcast against each other; a knee of 0 is none, whatever the sign of β.

    Returns
    -------
    ndarray
    """
    has_knee = np.asarray(knee_hz) > 0
    level = np.where(has_knee, np.where(has_knee, knee_hz, 1.0) ** beta, 0.0)
    shape: np.ndarray = 1 / (freqs_hz**beta + level)
    return shape
