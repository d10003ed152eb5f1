"""Neighbouring frequencies averaged, so that a spectrum of any length has a few dozen points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BANDS_PER_DECADE = 20  # the spacing of log_welch, whose frequencies stay as they are


@dataclass(frozen=True)
class Bands:
    """Which frequencies are averaged, and how they count.

    Attributes
    ----------
    starts : ndarray, shape (n_bands,), int64
        First frequency of each band; the last band ends with the frequencies.
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
        """Average values along their last axis; (…, n_freqs) → (…, n_bands)."""
        sums = np.add.reduceat(values * self.weights, self.starts, axis=-1)
        return sums / np.add.reduceat(self.weights, self.starts)

    def powers(self, psd: np.ndarray) -> np.ndarray:
        """Average densities over the frequencies that have power; NaN in a band without any.

        Parameters
        ----------
        psd : ndarray, shape (n_traces, n_freqs)
        """
        has_power = psd > 0
        if has_power.all():
            return self.means(psd)
        sums = self.means(np.where(has_power, psd, 0.0))
        share = self.means(has_power.astype(float))
        return np.divide(sums, share, where=share > 0, out=np.full(sums.shape, np.nan))

    def samples(self, most: int) -> list[np.ndarray]:
        """Return up to ``most`` frequencies of each band, evenly spread."""
        parts = []
        for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True):
            n = min(size, most)
            parts.append(start + ((np.arange(n) + 0.5) * size / n).astype(np.int64))
        return parts


def each_alone(dof: np.ndarray) -> Bands:
    """Return bands of one frequency each."""
    return Bands(np.arange(len(dof)), dof)


def logarithmic(freqs: np.ndarray, dof: np.ndarray) -> Bands:
    """Return bands a twentieth of a decade wide, counted from the lowest frequency."""
    number = np.floor(BANDS_PER_DECADE * np.log10(freqs / freqs[0]) + 1e-9)
    return Bands(np.flatnonzero(np.diff(number, prepend=-1.0)), dof)
