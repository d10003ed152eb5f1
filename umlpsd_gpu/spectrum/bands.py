"""Averages over neighbouring frequencies: a spectrum of any length has a few dozen points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANDS_PER_DECADE = 20  # as in log_welch, whose frequencies are not averaged


@dataclass(frozen=True)
class Bands:
    """Which frequencies are averaged, and their weights.

    Attributes
    ----------
    starts : ndarray, shape (n_bands,), int64
        Index of the first frequency of each band. The last band ends with the last frequency.
    weights : ndarray, shape (n_freqs,)
        χ² degrees of freedom of each frequency.
    """

    starts: np.ndarray
    weights: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Return the number of frequencies in each band; (n_bands,)."""
        return np.diff(self.starts, append=len(self.weights))

    @property
    def owner(self) -> np.ndarray:
        """Return the band of each frequency; (n_freqs,)."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Average values over each band, weighted by degrees of freedom.

        Parameters
        ----------
        values : ndarray, shape (..., n_freqs)

        Returns
        -------
        ndarray, shape (..., n_bands)
        """
        sums = np.add.reduceat(values * self.weights, self.starts, axis=-1)
        return sums / np.add.reduceat(self.weights, self.starts)

    def powers(self, psd: np.ndarray) -> np.ndarray:
        """Average densities over the frequencies that have power.

        Parameters
        ----------
        psd : ndarray, shape (n_traces, n_freqs)
            Not negative, in any unit.

        Returns
        -------
        ndarray, shape (n_traces, n_bands)
            In the unit of ``psd``; NaN for a band without power.
        """
        has_power = psd > 0
        if has_power.all():
            return self.means(psd)
        sums = self.means(np.where(has_power, psd, 0.0))
        share = self.means(has_power.astype(float))
        means: np.ndarray = np.divide(sums, share, where=share > 0, out=np.full(sums.shape, np.nan))
        return means

    def pick_frequencies(self, most: int) -> list[np.ndarray]:
        """Choose a few evenly spread frequencies of each band.

        Parameters
        ----------
        most : int
            Largest number of frequencies per band.

        Returns
        -------
        list of ndarray of int64, one per band
            Indices of frequencies.
        """
        parts = []
        for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True):
            n = min(size, most)
            parts.append(start + ((np.arange(n) + 0.5) * size / n).astype(np.int64))
        return parts


def single_bands(dof: np.ndarray) -> Bands:
    """Return bands of one frequency each.

    Parameters
    ----------
    dof : ndarray, shape (n_freqs,)
        χ² degrees of freedom of each frequency.

    Returns
    -------
    Bands
    """
    return Bands(np.arange(len(dof)), dof)


def logarithmic_bands(freqs: np.ndarray, dof: np.ndarray) -> Bands:
    """Return bands a twentieth of a decade wide, counted from the lowest frequency.

    Parameters
    ----------
    freqs : ndarray, shape (n_freqs,)
        Above 0 and rising, in any unit.
    dof : ndarray, shape (n_freqs,)
        χ² degrees of freedom of each frequency.

    Returns
    -------
    Bands
    """
    number = np.floor(BANDS_PER_DECADE * np.log10(freqs / freqs[0]) + 1e-9)
    return Bands(np.flatnonzero(np.diff(number, prepend=-1.0)), dof)
