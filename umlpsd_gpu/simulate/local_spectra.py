"""Simulated images whose spectrum differs from place to place: lattices in random fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import map_coordinates

# The Fourier transform of a window tapered by Hann: the amplitude of a wave of amplitude 1, by the
# number of pixels, and the root mean square of white noise of variance 1, by the side of the window
WAVE, NOISE_RMS = 1 / 8, 3 / 8
# Mean of a Rayleigh distribution by its root mean square
RAYLEIGH_MEAN = float(np.sqrt(np.pi) / 2)


@dataclass(frozen=True)
class Wave:
    """A family of lattice lines.

    Attributes
    ----------
    spacing_px : float
        Distance of the lines.
    angle_deg : float
        Direction across the lines, counterclockwise from the right.
    amplitude : float
        Half of the difference between largest and smallest value, where the strength is 1.
    """

    spacing_px: float
    angle_deg: float
    amplitude: float


@dataclass(frozen=True)
class LocalSpectrum:
    """One kind of place in an image: what is there, and how strong it is where.

    Attributes
    ----------
    strength : ndarray, shape (n_rows, n_columns)
        Of each pixel of the image.
    background : ndarray, shape (window, window)
        Mean amplitude spectrum of a random field in windows tapered by Hann, where the strength is
        1; zero frequency at [window // 2, window // 2].
    waves : sequence of Wave
    """

    strength: np.ndarray
    background: np.ndarray
    waves: Sequence[Wave]


def simulate_local_spectra(kinds: Sequence[LocalSpectrum], seed: int | Sequence[int]) -> np.ndarray:
    """Draw an image in which the spectra of windows are sums of those of several kinds of places.

    Random fields of all kinds are made of one white noise, so that their amplitudes add, and not
    their powers. Each wave has a random phase and is coherent over the whole image.

    Parameters
    ----------
    kinds : sequence of LocalSpectrum
        At least one; of one shape.
    seed : int or sequence of int

    Returns
    -------
    ndarray of float32, shape (n_rows, n_columns)
        Of mean 0, except by chance.
    """
    rng = np.random.default_rng(seed)
    shape = kinds[0].strength.shape
    noise = fft.rfft2(rng.standard_normal(shape))
    image = np.zeros(shape)
    places = np.arange(shape[0])[:, None], np.arange(shape[1])
    for kind in kinds:
        content = fft.irfft2(noise * _gain(kind.background, shape), shape)
        for wave in kind.waves:
            phase = rng.uniform(0, 2 * np.pi)
            content += wave.amplitude * draw_wave(wave.spacing_px, wave.angle_deg, phase, *places)
        image += kind.strength * content
    return image.astype(np.float32)


def draw_wave(
    spacing_px: float, angle_deg: float, phase: float, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return a wave of amplitude 1 across lattice lines.

    Parameters
    ----------
    spacing_px : float
        Distance of the lines.
    angle_deg : float
        Direction across them, counterclockwise from the right.
    phase : float
    rows, columns : ndarray
        Of the pixels, counted downwards and to the right; they are broadcast.

    Returns
    -------
    ndarray of float64
    """
    angle = np.radians(angle_deg)
    # rows run downwards, angles are counted counterclockwise
    along = np.cos(angle) * columns - np.sin(angle) * rows
    wave: np.ndarray = np.cos(2 * np.pi * along / spacing_px + phase)
    return wave


def wave_amplitude(peak: float, offset: tuple[float, float], window: int) -> float:
    """Return the amplitude of a wave from the height of its spot in the spectrum of a window.

    Parameters
    ----------
    peak : float
        Amplitude at the nearest frequency of the transform, without the background.
    offset : (float, float)
        Distance of the wave from that frequency along both axes, in steps of the transform.
    window : int
        Side of the window, in pixels.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.images.windowed_fft import windowed_spectra
    >>> wave = np.cos(2 * np.pi * 10.3 / 64 * np.arange(128)) * np.ones((128, 1))
    >>> peak = windowed_spectra(wave, 64, 32).amplitudes.max()
    >>> round(wave_amplitude(float(peak), (0.0, 0.3), 64), 2)
    1.0
    """
    # the transform of a Hann window is sinc(x) / (1 - x²)
    loss = float(np.prod([np.sinc(x) / (1 - x**2) for x in offset]))
    return peak / (WAVE * window**2 * loss)


def spread_over_pixels(
    values: np.ndarray, centres: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]
) -> np.ndarray:
    """Interpolate values of windows between their centres; outside of these they are constant.

    Parameters
    ----------
    values : ndarray, shape (rows of windows, columns of windows)
    centres : tuple of ndarray
        Rows and columns of the centres, in pixels.
    shape : (int, int)
        Of the image.

    Returns
    -------
    ndarray, shape (n_rows, n_columns)
    """
    by_row, by_column = (
        np.stack([np.interp(np.arange(n), at, unit) for unit in np.eye(at.size)])
        for n, at in zip(shape, centres, strict=True)
    )
    spread: np.ndarray = by_row.T @ values @ by_column
    return spread


def _gain(background: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return by what white noise is multiplied at each frequency of the image."""
    window = background.shape[0]
    rows = np.fft.fftfreq(shape[0]) * window + window // 2
    columns = np.fft.rfftfreq(shape[1]) * window + window // 2
    places = np.meshgrid(rows, columns, indexing="ij")
    wanted = map_coordinates(background.astype(float), places, order=1, mode="grid-wrap")
    gain: np.ndarray = wanted / (RAYLEIGH_MEAN * NOISE_RMS * window)
    return gain
