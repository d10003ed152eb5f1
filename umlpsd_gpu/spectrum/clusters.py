"""Cluster by cluster: the mean spectrum and the mean exponent, with standard errors."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum


def cluster_spectra(spectrum: Spectrum, fit: PowerLawFit, labels: np.ndarray) -> ClusterSpectra:
    """Average spectra and exponents over the traces of every cluster.

    Parameters
    ----------
    spectrum, fit : Spectrum, PowerLawFit
        Of the same traces, in the same order.
    labels : ndarray, shape (n_traces,), int
        Cluster of each trace, from 1; 0 for a trace that belongs to none.

    Returns
    -------
    ClusterSpectra
        Of the clusters that occur. Traces with NaN are left out of the mean concerned; a mean of
        none, and a standard error of fewer than two, are NaN.

    Raises
    ------
    SettingsError
        If the labels don't match the spectra.
    """
    labels = np.asarray(labels)
    n_traces = len(spectrum.psd)
    if labels.shape != (n_traces,) or len(fit.beta) != n_traces:
        raise SettingsError(
            f"labels of shape {labels.shape} and {len(fit.beta)} exponents don't match "
            f"{n_traces} spectra; give one of each for every trace"
        )
    clusters = np.unique(labels[labels > 0])
    members = [labels == cluster for cluster in clusters]
    spectra = [_mean_and_stderr(spectrum.psd[chosen]) for chosen in members]
    exponents = [_mean_and_stderr(fit.beta[chosen, None]) for chosen in members]
    n_freqs = len(spectrum.freqs_hz)
    return ClusterSpectra(
        clusters=clusters,
        n_traces=np.array([n for n, _, _ in spectra], dtype=np.int64),
        psd_mean=np.array([mean for _, mean, _ in spectra]).reshape(-1, n_freqs),
        psd_stderr=np.array([stderr for _, _, stderr in spectra]).reshape(-1, n_freqs),
        n_beta=np.array([n for n, _, _ in exponents], dtype=np.int64),
        beta_mean=np.array([mean[0] for _, mean, _ in exponents]),
        beta_stderr=np.array([stderr[0] for _, _, stderr in exponents]),
    )


def _mean_and_stderr(rows: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of finite rows, their mean, and its standard error."""
    sound = rows[np.isfinite(rows).all(axis=1)]
    n = len(sound)
    nothing = np.full(rows.shape[1], np.nan)
    mean = sound.mean(axis=0) if n >= 1 else nothing
    stderr = sound.std(axis=0, ddof=1) / np.sqrt(n) if n >= 2 else nothing
    return n, mean, stderr
