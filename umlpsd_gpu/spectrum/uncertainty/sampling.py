"""The statistics of an estimator: the mean of its estimates and how they scatter together.

They depend only on the estimator and the length of the traces, so that one `Sampling` serves all
traces. Fits work on band means; frequencies are in cycles per frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from umlpsd_gpu.spectrum.bands import Bands, logarithmic_bands, single_bands
from umlpsd_gpu.spectrum.log_welch import log_grid
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.spectrum.uncertainty.covariance import (
    log_welch_covariance,
    periodogram_covariance,
    welch_covariance,
)
from umlpsd_gpu.spectrum.uncertainty.leakage import leakage_through_ends, leakage_through_sidelobes
from umlpsd_gpu.spectrum.uncertainty.response import (
    cell_centres,
    cell_edges,
    hamming_response,
    mean_removal_response,
    window_response,
    window_response_without_mean,
)

# the effect of leakage is interpolated between these exponents
LEAKAGE_BETAS = np.array([0.0, 0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5])
_FREQS_PER_BAND = 12
_LOBE_EDGE_BINS = 2  # of a Hamming window


@dataclass(frozen=True, eq=False)
class Sampling:
    """Statistics of the estimates of one trace (their sampling distribution).

    Attributes
    ----------
    freqs : ndarray, shape (n_freqs,), cycles per frame
        The fitted frequencies.
    bands : Bands
    nodes : ndarray, shape (n_nodes,), cycles per frame
        Frequencies at which a density is evaluated.
    response : ndarray, shape (n_bands, n_nodes)
        Expected band means = response @ density.
    of_freqs : array or sparse array, shape (n_freqs, n_freqs)
        Relative covariance of the estimates of white noise.
    excess_at : callable
        Returns, for an exponent β, the covariance (n_bands, n_bands) that leakage in f^(−β) noise
        adds.
    is_known : bool
        Whether the estimator is one of this package. Of others only the degrees of freedom are
        known.
    """

    freqs: np.ndarray
    bands: Bands
    nodes: np.ndarray
    response: np.ndarray
    of_freqs: Any
    excess_at: Callable[[float], np.ndarray]
    is_known: bool

    @cached_property
    def covariance(self) -> np.ndarray:
        """Return the relative covariance of the band means of white noise."""
        return average_covariance(self.of_freqs, self.bands)

    @cached_property
    def weights(self) -> np.ndarray:
        """Return half the χ² degrees of freedom that each band adds to a smooth fit; (n_bands,).

        1 over the row sums of the covariance, so that shared information is counted once.
        """
        weights: np.ndarray = 1 / self.covariance.sum(axis=1)
        return weights

    @cached_property
    def excess(self) -> np.ndarray:
        """Return the covariance added by leakage at `LEAKAGE_BETAS`."""
        return np.array([self.excess_at(beta) for beta in LEAKAGE_BETAS.tolist()])


def average_covariance(of_freqs: Any, bands: Bands) -> np.ndarray:
    """Return the covariance of band means from that of single frequencies.

    Parameters
    ----------
    of_freqs : array or sparse array, shape (n_freqs, n_freqs)
    bands : Bands

    Returns
    -------
    ndarray, shape (n_bands, n_bands)
    """
    from scipy.sparse import csr_array

    shares = bands.weights / np.add.reduceat(bands.weights, bands.starts)[bands.owner]
    columns = np.arange(len(shares))
    mean = csr_array((shares, (bands.owner, columns)), shape=(len(bands.starts), len(shares)))
    covariance = mean @ (mean @ of_freqs).T
    return np.asarray(covariance.toarray() if hasattr(covariance, "toarray") else covariance)


def sampling_of(spectrum: Spectrum, chosen: slice) -> Sampling:
    """Return the statistics of the estimates at the selected frequencies.

    Spectra from other estimators, and spectra with missing frequencies, are treated as independent
    χ² estimates of the density at their frequencies.

    Parameters
    ----------
    spectrum : Spectrum
    chosen : slice
        Of its frequencies.

    Returns
    -------
    Sampling
    """
    freqs = spectrum.freqs_hz * spectrum.dt_s
    key = (spectrum.method, spectrum.n_frames, spectrum.nperseg, spectrum.noverlap)
    ours = _frequencies(*key)
    if len(ours) != len(freqs) or not np.allclose(ours, freqs, rtol=1e-9):
        return _independent(freqs[chosen], spectrum.dof[chosen])
    return _of_estimator(*key, chosen.start, chosen.stop)


def _frequencies(method: str, n_frames: int, nperseg: int, noverlap: int) -> np.ndarray:
    """Return the frequencies of an estimator; none if it is unknown."""
    if n_frames == 0 or method not in ("log_welch", "welch", "periodogram"):
        return np.empty(0)
    if method == "log_welch":
        return log_grid(n_frames).cycles / n_frames
    return np.fft.rfftfreq(nperseg if method == "welch" else n_frames)[1:]


def _independent(freqs: np.ndarray, dof: np.ndarray) -> Sampling:
    from scipy.sparse import diags_array

    bands = logarithmic_bands(freqs, dof) if len(freqs) > 200 else single_bands(dof)
    shares = np.zeros((len(bands.starts), len(freqs)))
    shares[bands.owner, np.arange(len(freqs))] = dof
    return Sampling(
        freqs,
        bands,
        freqs,
        shares / shares.sum(axis=1, keepdims=True),
        diags_array(2 / dof).tocsr(),
        lambda beta: np.zeros((len(bands.starts),) * 2),
        is_known=False,
    )


@lru_cache(maxsize=8)
def _of_estimator(
    method: str, n_frames: int, nperseg: int, noverlap: int, start: int, stop: int
) -> Sampling:
    freqs = _frequencies(method, n_frames, nperseg, noverlap)[start:stop]
    if method == "log_welch":
        return _of_log_welch(n_frames, freqs, start, stop)
    if method == "welch":
        return _of_welch(n_frames, nperseg, noverlap, freqs, start)
    return _of_periodogram(n_frames, freqs, start)


def _of_log_welch(n_frames: int, freqs: np.ndarray, start: int, stop: int) -> Sampling:
    grid, edges = log_grid(n_frames), cell_edges(n_frames)
    windows, nodes = grid.windows[start:stop], cell_centres(edges)
    pairs = zip(windows.tolist(), freqs[:, None], strict=True)
    response = np.concatenate([hamming_response(w, f, edges) for w, f in pairs])
    response *= mean_removal_response(n_frames, edges)
    is_far = nodes < (freqs - _LOBE_EDGE_BINS / windows)[:, None]
    covariance = log_welch_covariance(grid)[start:stop, start:stop]

    def excess_at(beta: float) -> np.ndarray:
        share, variance = leakage_through_sidelobes(beta, nodes, response, is_far, n_frames)
        return np.outer(share, share) * (variance - covariance)

    bands = single_bands(2 / covariance.diagonal())
    return Sampling(freqs, bands, nodes, response, covariance, excess_at, is_known=True)


def _of_welch(
    n_frames: int, nperseg: int, noverlap: int, freqs: np.ndarray, start: int
) -> Sampling:
    from scipy.signal import get_window

    window, step = get_window("hann", nperseg), nperseg - noverlap
    covariance = welch_covariance(window, step, (n_frames - noverlap) // step)
    covariance = covariance[start : start + len(freqs), start : start + len(freqs)]
    edges = cell_edges(n_frames)
    bands = logarithmic_bands(freqs, 2 / covariance.diagonal())
    response = _band_response(window, freqs, bands, edges)
    if start == 0:  # a Hann window transmits the mean only at its lowest frequency
        response[0] = window_response_without_mean(window, float(freqs[0]), edges)
    return Sampling(
        freqs,
        bands,
        cell_centres(edges),
        response,
        covariance,
        lambda beta: np.zeros((len(bands.starts),) * 2),
        is_known=True,
    )


def _of_periodogram(n_frames: int, freqs: np.ndarray, start: int) -> Sampling:
    covariance = periodogram_covariance(n_frames)
    covariance = covariance[start : start + len(freqs), start : start + len(freqs)]
    edges = cell_edges(n_frames)
    bands = logarithmic_bands(freqs, 2 / covariance.diagonal())
    return Sampling(
        freqs,
        bands,
        cell_centres(edges),
        _band_response(np.ones(n_frames), freqs, bands, edges),
        covariance,
        lambda beta: leakage_through_ends(beta, n_frames, bands, start + 1),
        is_known=True,
    )


def _band_response(
    window: np.ndarray, freqs: np.ndarray, bands: Bands, edges: np.ndarray
) -> np.ndarray:
    """Average the weights over each band, using a few of its frequencies."""
    picked = bands.pick_frequencies(_FREQS_PER_BAND)
    shares = window_response(window, freqs[np.concatenate(picked)], edges)
    shares *= bands.weights[np.concatenate(picked), None]
    starts = np.cumsum([0, *(len(part) for part in picked[:-1])])
    sums = np.add.reduceat(shares, starts, axis=0)
    shares = sums / np.add.reduceat(bands.weights[np.concatenate(picked)], starts)[:, None]
    # one-sided but for the Nyquist frequency, which isn't doubled
    response: np.ndarray = shares * bands.means(np.where(freqs == 0.5, 0.5, 1.0))[:, None]
    return response
