"""What an estimator makes of a density: the mean of its estimates, and how they scatter together.

It depends on the estimator and the length of the traces alone, so that one `Sampling` serves all
traces. Fits work on band means; frequencies are in cycles per frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from umlpsd_gpu.spectrum.bands import Bands, each_alone, logarithmic
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
    seen_through,
    seen_without_mean,
    without_trace_mean,
)

# exponents between which the effect of leakage is interpolated
LEAKAGE_BETAS = np.array([0.0, 0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5])
_SAMPLES_PER_BAND = 12
_LOBE_EDGE_BINS = 2  # of a Hamming window


@dataclass(frozen=True, eq=False)
class Sampling:
    """The estimates of one trace: what they average and how they scatter.

    Attributes
    ----------
    freqs : ndarray, shape (n_freqs,)
        Those that are fitted.
    bands : Bands
    nodes : ndarray, shape (n_nodes,)
        Frequencies at which a density is asked for.
    response : ndarray, shape (n_bands, n_nodes)
        Expected band means = response @ density.
    of_freqs : array or sparse array, shape (n_freqs, n_freqs)
        Relative covariance of the estimates of white noise.
    excess_at : callable
        β → (n_bands, n_bands): what leakage in f^(−β) noise adds to it, averaged over bands.
    is_known : bool
        Whether the estimator is one of ours; of others only the degrees of freedom are known.
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
        return averaged(self.of_freqs, self.bands)

    @cached_property
    def weights(self) -> np.ndarray:
        """Return half the χ² degrees of freedom that each band adds to a smooth fit; (n_bands,).

        1 over the row sums of the covariance: what neighbours share is counted once.
        """
        return 1 / self.covariance.sum(axis=1)

    @cached_property
    def excess(self) -> np.ndarray:
        """Return the covariance added by leakage at `LEAKAGE_BETAS`."""
        return np.array([self.excess_at(beta) for beta in LEAKAGE_BETAS.tolist()])


def averaged(of_freqs: Any, bands: Bands) -> np.ndarray:
    """Return the covariance of band means from that of the frequencies."""
    from scipy.sparse import csr_array

    shares = bands.weights / np.add.reduceat(bands.weights, bands.starts)[bands.owner]
    columns = np.arange(len(shares))
    mean = csr_array((shares, (bands.owner, columns)), shape=(len(bands.starts), len(shares)))
    found = mean @ (mean @ of_freqs).T
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)


def sampling_of(spectrum: Spectrum, chosen: slice) -> Sampling:
    """Return what is known of the estimates at the chosen frequencies.

    Spectra that weren't made by our estimators, or were cut, are taken for independent χ²
    estimates of the density at their frequencies.
    """
    freqs = spectrum.freqs_hz * spectrum.dt_s
    key = (spectrum.method, spectrum.n_frames, spectrum.nperseg, spectrum.noverlap)
    ours = _frequencies(*key)
    if len(ours) != len(freqs) or not np.allclose(ours, freqs, rtol=1e-9):
        return _independent(freqs[chosen], spectrum.dof[chosen])
    return _of_estimator(*key, chosen.start, chosen.stop)


def _frequencies(method: str, n_frames: int, nperseg: int, noverlap: int) -> np.ndarray:
    """Return the frequencies of an estimator; none where it isn't known."""
    if n_frames == 0 or method not in ("log_welch", "welch", "periodogram"):
        return np.empty(0)
    if method == "log_welch":
        return log_grid(n_frames).cycles / n_frames
    return np.fft.rfftfreq(nperseg if method == "welch" else n_frames)[1:]


def _independent(freqs: np.ndarray, dof: np.ndarray) -> Sampling:
    from scipy.sparse import diags_array

    bands = logarithmic(freqs, dof) if len(freqs) > 200 else each_alone(dof)
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
    response = np.concatenate([seen_through(np.hamming(w), f, edges) for w, f in pairs])
    response *= without_trace_mean(n_frames, edges)
    is_far = nodes < (freqs - _LOBE_EDGE_BINS / windows)[:, None]
    covariance = log_welch_covariance(grid)[start:stop, start:stop]

    def excess_at(beta: float) -> np.ndarray:
        share, variance = leakage_through_sidelobes(beta, nodes, response, is_far, n_frames)
        return np.outer(share, share) * (variance - covariance)

    bands = each_alone(2 / covariance.diagonal())
    return Sampling(freqs, bands, nodes, response, covariance, excess_at, is_known=True)


def _of_welch(
    n_frames: int, nperseg: int, noverlap: int, freqs: np.ndarray, start: int
) -> Sampling:
    from scipy.signal import get_window

    window, step = get_window("hann", nperseg), nperseg - noverlap
    covariance = welch_covariance(window, step, (n_frames - noverlap) // step)
    covariance = covariance[start : start + len(freqs), start : start + len(freqs)]
    edges = cell_edges(n_frames)
    bands = logarithmic(freqs, 2 / covariance.diagonal())
    response = _seen_in_bands(window, freqs, bands, edges)
    if start == 0:  # a Hann window lets the mean of its frames through at its lowest frequency only
        response[0] = seen_without_mean(window, float(freqs[0]), edges)
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
    bands = logarithmic(freqs, 2 / covariance.diagonal())
    return Sampling(
        freqs,
        bands,
        cell_centres(edges),
        _seen_in_bands(np.ones(n_frames), freqs, bands, edges),
        covariance,
        lambda beta: leakage_through_ends(beta, n_frames, bands, start + 1),
        is_known=True,
    )


def _seen_in_bands(
    window: np.ndarray, freqs: np.ndarray, bands: Bands, edges: np.ndarray
) -> np.ndarray:
    """Average the shares over each band, by a sample of its frequencies."""
    samples = bands.samples(_SAMPLES_PER_BAND)
    shares = seen_through(window, freqs[np.concatenate(samples)], edges)
    shares *= bands.weights[np.concatenate(samples), None]
    starts = np.cumsum([0, *(len(sample) for sample in samples[:-1])])
    sums = np.add.reduceat(shares, starts, axis=0)
    shares = sums / np.add.reduceat(bands.weights[np.concatenate(samples)], starts)[:, None]
    # one-sided but for the Nyquist frequency, which isn't doubled
    return shares * bands.means(np.where(freqs == 0.5, 0.5, 1.0))[:, None]
