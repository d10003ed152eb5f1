"""Averages of consecutive segments of a recording → whether they are blurred.

Sharpness is the power of fine structure over that of coarse structure. Both are taken from the
cross-spectrum of two segments in a row: noise is not the same in both and averages out, and
brightness cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.snapshot import Alarm

# Bands of spatial frequency, in cycles per standard deviation of the PSF
COARSE, FINE = (0.04, 0.08), (0.12, 0.20)
HIGHEST = 0.45  # cycles per pixel; the corners of the spectrum are left out
# The sharpness of a sample in focus stays above this share of its first one (our choice); where
# few modes make it uncertain, it must fall by as many standard deviations
LEAST_SHARE, LEAST_DEVIATIONS = 0.6, 4.0
# The first sharpness is the mean of as many; as many in a row must be low
N_FIRST, N_LOW = 3, 2
FAINTEST = 0.01  # a ratio below can't be told from none


@dataclass(frozen=True)
class Sharpness:
    """The sharpness of two segments in a row.

    Attributes
    ----------
    log_ratio : float
        Natural logarithm of fine over coarse power.
    error : float
        Its standard error, from the number of independent modes.
    """

    log_ratio: float
    error: float


def measure_sharpness(first: Array, second: Array, psf_sigma_px: float) -> Sharpness | None:
    """Return the sharpness of what two images have in common; None if that is nothing.

    Parameters
    ----------
    first, second : ndarray, shape (n_rows, n_cols)
    psf_sigma_px : float
        In their pixels.
    """
    spectra = [fft.rfft2(_windowed(image)) for image in (first, second)]
    common = (spectra[0] * np.conj(spectra[1])).real
    rows = fft.fftfreq(first.shape[0])[:, None]
    frequency = np.hypot(rows, fft.rfftfreq(first.shape[1])[None])
    coarse, n_coarse = _mean_within(common, frequency, COARSE, psf_sigma_px)
    fine, n_fine = _mean_within(common, frequency, FINE, psf_sigma_px)
    if min(n_coarse, n_fine) < 4 or not coarse > 0:
        return None
    ratio = max(fine / coarse, FAINTEST)
    # the window leaves about half of the modes independent
    return Sharpness(float(np.log(ratio)), float(np.sqrt(2 / n_coarse + 2 / n_fine)))


def _windowed(image: Array) -> Array:
    known = np.isfinite(image)
    level = float(image[known].mean()) if known.any() else 0.0
    rows, cols = (np.hanning(size + 2)[1:-1] for size in image.shape)
    windowed: Array = np.where(known, image - level, 0.0) * rows[:, None] * cols
    return windowed


def _mean_within(
    power: Array, frequency: Array, band: tuple[float, float], psf_sigma_px: float
) -> tuple[float, int]:
    low, high = (min(end / psf_sigma_px, HIGHEST) for end in band)
    inside = (frequency >= low) & (frequency < high)
    n_modes = int(np.count_nonzero(inside))
    return (float(power[inside].mean()) if n_modes else 0.0), n_modes


class FocusWatch:
    """Compares the sharpness of recent segments with that of the first ones.

    Parameters
    ----------
    psf_sigma_px : float
        In pixels of the movie.
    bin_px : int
        Pixels of the movie in each pixel of a segment, along each axis.
    n_per_segment : int
        Frames of a segment.
    """

    def __init__(self, psf_sigma_px: float, bin_px: int, n_per_segment: int) -> None:
        self._psf_sigma_px, self._bin_px = psf_sigma_px, bin_px
        self._n_per_segment, self._n_segments = n_per_segment, 0
        self._last: Array | None = None
        self._first: list[float] = []
        self._lows: list[float] = []
        self._since = 0

    def add(self, segment: Array) -> None:
        """Look at the next segment.

        Parameters
        ----------
        segment : ndarray, shape (n_rows, n_cols)
            Average of its frames, binned.
        """
        self._n_segments += 1
        earlier, self._last = self._last, segment
        if earlier is None:
            return
        found = measure_sharpness(earlier, segment, self._psf_sigma_px / self._bin_px)
        if found is None:
            return
        if len(self._first) < N_FIRST:
            self._first.append(found.log_ratio)
            return
        lost = float(np.mean(self._first)) - found.log_ratio
        if lost <= max(-np.log(LEAST_SHARE), LEAST_DEVIATIONS * found.error):
            self._lows = []
            return
        if not self._lows:
            self._since = (self._n_segments - 1) * self._n_per_segment
        self._lows = [*self._lows, lost][-N_LOW:]

    def alarm(self) -> Alarm | None:
        """Return the alarm that holds now, or None."""
        if len(self._lows) < N_LOW:
            return None
        lost = self._lows[-1]
        text = (
            f"The image is out of focus: its sharpness has fallen to {100 * np.exp(-lost):.0f} % "
            f"of its start, as by a further blur of {self._blur_px(lost):.1f} px (standard "
            f"deviation; the PSF has {self._psf_sigma_px:g} px), since frame {self._since:,}."
        )
        return Alarm("focus", self._since, text)

    def _blur_px(self, lost: float) -> float:
        """Return the Gaussian blur that lowers fine against coarse power by that logarithm."""
        coarse, fine = (np.mean(np.square(band)) for band in (COARSE, FINE))
        return float(np.sqrt(lost / (4 * np.pi**2 * (fine - coarse)))) * self._psf_sigma_px
