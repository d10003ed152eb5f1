"""Mean spectrum and mean exponent of each cluster, with standard errors."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum


def cluster_spectra(spectrum: Spectrum, fit: PowerLawFit, labels: np.ndarray) -> ClusterSpectra:
    """Average spectra and exponents over the traces of each cluster.

    Parameters
    ----------
    spectrum : Spectrum
    fit : PowerLawFit
        Of the same traces in the same order.
    labels : ndarray, shape (n_traces,), int
        Cluster of each trace, from 1; 0 for a trace that is not in a cluster.

    Returns
    -------
    ClusterSpectra
        Of the clusters that have traces. A trace with NaN is left out of the mean it would spoil. A
        mean of no traces is NaN, and so is a standard error of fewer than two.

    Raises
    ------
    SettingsError
        If the number of labels or exponents differs from the number of spectra.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import fit_power_law, power_spectrum
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> from umlpsd_gpu.spectrum.clusters import cluster_spectra
    >>> traces = simulate_traces({"TSB": 2, "PBB": 3}, n_frames=1000).traces
    >>> spectrum = power_spectrum(traces)
    >>> found = cluster_spectra(spectrum, fit_power_law(spectrum), np.array([1, 1, 2, 2, 2]))
    >>> found.n_traces
    array([2, 3])
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
