"""Images in which nothing is local, of many kinds, and images with a trend: what micrographs find.

Kinds and seeds are those of `micrographs.py`, which measures them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.simulate.micrographs import simulate_micrograph

# A field is drawn with this many pixels more on each side, which are cut off: borders then differ
MARGIN = 64


def gaussian_field(rng: np.random.Generator, size: int, amplitude: Callable) -> np.ndarray:
    """Return a Gaussian field of unit variance, whose opposite borders differ.

    `amplitude` takes the frequencies of rows and columns, in 1/pixel.
    """
    n = size + 2 * MARGIN
    noise = fft.rfft2(rng.standard_normal((n, n)))
    rows, columns = np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)
    field = fft.irfft2(noise * amplitude(rows, columns), (n, n))[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return (field - field.mean()) / field.std()


def power_law(exponent: float) -> Callable:
    """Return an amplitude that falls as a power of the frequency."""
    return lambda r, c: np.maximum(np.hypot(r, c), 1e-3) ** -exponent


def ring(centre: float, width: float) -> Callable:
    """Return an amplitude that is large at one distance from the centre, as of amorphous films."""
    return lambda r, c: np.exp(-0.5 * ((np.hypot(r, c) - centre) / width) ** 2)


def anisotropic(long: float, short: float, angle: float) -> Callable:
    """Return an amplitude with streaks, as of a polished or scratched surface."""

    def amplitude(r: np.ndarray, c: np.ndarray) -> np.ndarray:
        along = np.cos(angle) * c + np.sin(angle) * r
        across = np.cos(angle) * r - np.sin(angle) * c
        return np.exp(-2 * np.pi**2 * ((along * long) ** 2 + (across * short) ** 2))

    return amplitude


def lattice(seed: int, size: int, signal_to_noise: float) -> np.ndarray:
    """Return one lattice in white noise."""
    return simulate_micrograph(
        n_grains=1, size=size, signal_to_noise=signal_to_noise, seed=seed
    ).image


def textures(seed: int, size: int) -> dict[str, np.ndarray]:
    """Return an image of each kind; nothing in them is local."""
    rng = np.random.default_rng([seed, 77])
    noise = rng.standard_normal((size, size))
    blobs = gaussian_field(rng, size, power_law(0))
    angle = rng.uniform(0, np.pi)
    return {
        "white noise": noise,
        "counts, 3 a pixel": rng.poisson(3.0, (size, size)).astype(float),
        "smooth, σ 1.5 px": gaussian_filter(blobs, 1.5),
        "smooth, σ 6 px": gaussian_filter(blobs, 6.0) * 10 + 0.1 * noise,
        "streaks": gaussian_field(rng, size, anisotropic(12, 1.5, angle)) + 0.1 * noise,
        "1/f": gaussian_field(rng, size, power_law(1.0)),
        "1/f²": gaussian_field(rng, size, power_law(2.0)) + 0.1 * noise,
        "ring": gaussian_field(rng, size, ring(0.12, 0.02)) + 0.5 * noise,
        "lattice, SNR 0.3": lattice(seed, size, 0.3),
        "lattice, SNR 3": lattice(seed, size, 3.0),
    }


def other_textures(seed: int, size: int) -> dict[str, np.ndarray]:
    """Return images that are the same everywhere, but no Gaussian fields."""
    rng = np.random.default_rng([seed, 78])
    noise = rng.standard_normal((size, size))
    smooth = gaussian_field(rng, size, lambda r, c: np.exp(-2 * (np.pi * 4) ** 2 * (r**2 + c**2)))
    particles = np.zeros((size, size))
    np.add.at(particles, tuple(rng.integers(0, size, (2, size * size // 400))), 1.0)
    sparse = np.zeros((size, size))
    np.add.at(sparse, tuple(rng.integers(0, size, (2, size * size // 10_000))), 1.0)
    return {
        "two phases, 4 px": np.sign(smooth) + 0.3 * noise,
        "speckle": gaussian_filter(noise, 1.5) ** 2,
        "particles, 1 in 20² px": 30 * gaussian_filter(particles, 3) + 0.2 * noise,
        "particles, 1 in 100² px": 30 * gaussian_filter(sparse, 3) + 0.2 * noise,
    }


def trends(seed: int, size: int) -> dict[str, np.ndarray]:
    """Return noise with trends across the image."""
    rng = np.random.default_rng([seed, 79])
    noise = rng.standard_normal((size, size))
    row, column = np.mgrid[:size, :size] / size
    grains = simulate_micrograph(n_grains=1, size=size, signal_to_noise=0.5, seed=seed).image
    grains = (grains - grains.mean()) / grains.std()
    vignette = 1 - 0.5 * ((row - 0.5) ** 2 + (column - 0.5) ** 2)
    return {
        "brightness, linear": noise + 20 * column,
        "brightness, vignette": noise + 40 * vignette,
        "contrast ± 20 %": noise * (0.8 + 0.4 * column),
        "contrast of a lattice ± 20 %": grains * (0.8 + 0.4 * column),
        "shot noise of a vignette": rng.poisson(100 * vignette**2).astype(float),
    }


def domains(seed: int, size: int) -> dict[str, np.ndarray]:
    """Return images of one lattice in two directions that differ little."""
    rows, columns = np.mgrid[:size, :size]
    images = {}
    for turn in (2, 4, 8):
        rng = np.random.default_rng([seed, turn])
        first = rng.uniform(0, 90)
        waves = [_square_lattice(rows, columns, first + angle) for angle in (0, turn)]
        here = np.where(columns + 0.3 * rows < 0.6 * size, *waves)
        images[f"lattice turned by {turn}°, SNR 1"] = here + rng.standard_normal((size, size))
    return images


def under_a_lattice(seed: int, size: int) -> dict[str, np.ndarray]:
    """Return images of a sharp lattice of SNR 3, and something weak in a fifth of them."""
    strong = lattice(seed, size, 3.0)
    strong = (strong - strong.mean()) / 1500
    grains = simulate_micrograph(n_grains=5, size=size, seed=seed + 1000).grains
    rows, columns = np.mgrid[:size, :size]
    wave = np.cos(2 * np.pi * (0.11 * columns + 0.05 * rows))
    noise = np.random.default_rng([seed, 81]).standard_normal((size, size))
    return {
        "weak wave (amplitude 0.4) in a fifth": strong + 0.4 * wave * (grains == 0),
        "no lattice in a fifth": np.where(grains == 0, noise, strong),
    }


def _square_lattice(rows: np.ndarray, columns: np.ndarray, angle_deg: float) -> np.ndarray:
    angle = np.radians(angle_deg)
    waves = 0.0
    for turned in (angle, angle + np.pi / 2):
        phase = (np.cos(turned) * columns + np.sin(turned) * rows) / 8.3
        waves = waves + np.cos(2 * np.pi * phase)
    return waves
