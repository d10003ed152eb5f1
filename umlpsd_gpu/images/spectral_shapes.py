"""What of the spectra of windows is compared: their shapes, without what is coherent everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.images.windowed_fft import WindowedSpectra

# Share of the mean square that the variance of Rayleigh-distributed amplitudes is: amplitudes of a
# random field from window to window
RAYLEIGH_SHARE = 1 - np.pi / 4
# Probability at which a frequency of a random field is taken for a coherent one; there are
# thousands of frequencies
COHERENT_P = 1e-4
# Fewest independent windows in which coherence is looked for
FEWEST_WINDOWS = 12


@dataclass(frozen=True)
class Shapes:
    """Spectra of windows that were divided by their contrast.

    Attributes
    ----------
    values : ndarray of float32, shape (n_windows, n_compared)
        Of mean 1 in each window; 0 in windows without any contrast.
    contrast : ndarray, shape (n_windows,)
        Mean amplitude of each window, by that of all windows.
    """

    values: Array
    contrast: np.ndarray


def coherent_frequencies(spectra: WindowedSpectra) -> np.ndarray:
    """Return which frequencies have nearly the same amplitude in all windows.

    In a random field the amplitude at a frequency follows Rayleigh's distribution from window to
    window. A lattice that is the same everywhere varies less. Random phases would make its
    surrogates vary more than the image, which would hide what else is local.

    Parameters
    ----------
    spectra : WindowedSpectra

    Returns
    -------
    ndarray of bool, shape (n_frequencies,)
        All False where windows are too few to tell.
    """
    amplitudes = spectra.amplitudes
    xp = xp_of(amplitudes)
    # windows tapered by Hann that overlap by half are nearly independent
    share = min(1.0, (2 * spectra.step / spectra.window) ** 2)
    n_independent = int(amplitudes.shape[0] * share)
    if n_independent < FEWEST_WINDOWS:
        return np.zeros(amplitudes.shape[1], dtype=bool)
    scaled = _scaled(amplitudes)
    mean_square = (scaled * scaled).mean(axis=0, dtype=xp.float64)
    variance = mean_square - scaled.mean(axis=0, dtype=xp.float64) ** 2
    n_free = n_independent - 1
    limit = RAYLEIGH_SHARE * 2 * float(special.gammaincinv(n_free / 2, COHERENT_P)) / n_free
    coherent: np.ndarray = on_host(variance < limit * mean_square)
    # a lattice that fills all frequencies is itself what varies or not
    return coherent if not coherent.all() else np.zeros_like(coherent)


def spectral_shapes(amplitudes: Array, coherent: np.ndarray) -> Shapes:
    """Divide the spectrum of each window by its mean amplitude.

    Parameters
    ----------
    amplitudes : ndarray, shape (n_windows, n_frequencies)
    coherent : ndarray of bool, shape (n_frequencies,)
        Frequencies to leave out.

    Returns
    -------
    Shapes
    """
    xp = xp_of(amplitudes)
    kept = amplitudes[:, xp.asarray(~coherent)] if coherent.any() else amplitudes
    scaled = _scaled(kept)
    contrast = scaled.mean(axis=1, dtype=xp.float64)
    divisor = xp.where(contrast > 0, contrast, 1.0).astype(xp.float32)
    return Shapes(scaled / divisor[:, None], on_host(contrast))


def _scaled(amplitudes: Array) -> Array:
    """Return amplitudes by their mean, so that squares neither overflow nor vanish."""
    mean = float(amplitudes.mean(dtype=xp_of(amplitudes).float64))
    scaled: Array = amplitudes / np.float32(mean) if mean > 0 else amplitudes
    return scaled
