"""Power spectra and their power-law fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spectrum:
    """One-sided power spectral densities of an ensemble on one frequency grid.

    Attributes
    ----------
    freqs_hz : ndarray, shape (n_freqs,)
        Above 0, not falling; ``log_welch`` may repeat a frequency.
    psd : ndarray, shape (n_traces, n_freqs), counts²/Hz
        ``log_welch`` keeps its published factor: 4π times it is the one-sided density.
        NaN for a trace that holds NaN or infinities.
    method : str
    dof : ndarray, shape (n_freqs,)
        χ² degrees of freedom of each estimate.
    dt_s : float
        Frame interval of the traces.
    """

    freqs_hz: np.ndarray
    psd: np.ndarray
    method: str
    dof: np.ndarray
    dt_s: float


@dataclass(frozen=True)
class PowerLawFit:
    """S(f) = amplitude · f^(−beta) + floor, fitted to every spectrum.

    Attributes
    ----------
    beta, beta_stderr : ndarray, shape (n_traces,)
        NaN where a fit makes no sense (NaN, or no power in the range).
    beta_ci95 : ndarray, shape (n_traces, 2)
    amplitude : ndarray, shape (n_traces,), counts²/Hz at 1 Hz
    floor : ndarray, shape (n_traces,), counts²/Hz
        0 for the model without a floor.
    f_range_hz : tuple of float
        Lowest and highest frequency used.
    model : {"power_law", "power_law_floor"}
    """

    beta: np.ndarray
    beta_stderr: np.ndarray
    beta_ci95: np.ndarray
    amplitude: np.ndarray
    floor: np.ndarray
    f_range_hz: tuple[float, float]
    model: str


@dataclass(frozen=True)
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
