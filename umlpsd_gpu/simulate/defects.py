"""Frames without any emitter, with the defects that real movies have: nothing may be found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from umlpsd_gpu.simulate.camera import emccd_counts

OFFSET_COUNTS = 100.0

Frames = np.ndarray


def simulate_empty(
    kind: str, seed: int = 0, n_frames: int = 200, n_rows: int = 96, n_cols: int = 96
) -> Frames:
    """Simulate a movie that contains noise and one kind of defect, but no emitter.

    Parameters
    ----------
    kind : str
        One of `EMPTY_MOVIES`.
    seed : int
    n_frames, n_rows, n_cols : int

    Returns
    -------
    ndarray, shape (n_frames, n_rows, n_cols), counts
        uint16; float32 where pixels are NaN.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.defects import simulate_empty
    >>> simulate_empty("one cosmic ray", n_frames=20, n_rows=8, n_cols=8).shape
    (20, 8, 8)
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    return EMPTY_MOVIES[kind](rng, (n_frames, n_rows, n_cols))


def _store(counts: np.ndarray) -> Frames:
    stored: Frames = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    return stored


def _poisson(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    level = float(np.exp(rng.uniform(np.log(2), np.log(400))))
    return _store(rng.poisson(level, shape) + OFFSET_COUNTS)


def _emccd(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    level = float(np.exp(rng.uniform(np.log(1), np.log(50))))
    return _store(emccd_counts(rng, np.full(shape, level, np.float32)) + OFFSET_COUNTS)


def _scmos(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    """Each pixel has its own offset, gain and read noise; one in 300 is many times as noisy."""
    pixels = shape[1:]
    read_noise = rng.lognormal(np.log(1.5), 0.3, pixels)
    noisy = rng.random(pixels) < 1 / 300
    read_noise[noisy] *= rng.uniform(3, 20, np.count_nonzero(noisy))
    offset = OFFSET_COUNTS + rng.normal(0, 1.0, pixels)
    gain = 2.0 * rng.normal(1, 0.01, pixels)
    light = rng.poisson(rng.uniform(2, 60), shape)
    return _store(offset + gain * light + read_noise * rng.standard_normal(shape, np.float32))


def _one_cosmic_ray(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    frames = _emccd(rng, shape).astype(np.float64)
    add_cosmic_ray(frames, rng)
    return _store(frames)


def add_cosmic_ray(frames: Frames, rng: np.random.Generator) -> tuple[int, int, int]:
    """Add one hit, a spot or a track of 1 to 8 pixels, to one frame; in place.

    Parameters
    ----------
    frames : ndarray, shape (n_frames, n_rows, n_cols)
    rng : numpy.random.Generator

    Returns
    -------
    (int, int, int)
        Frame, row and column of the centre.
    """
    n_frames, n_rows, n_cols = frames.shape
    t, row, col = (int(rng.integers(n)) for n in (n_frames, n_rows, n_cols))
    angle, length_px = rng.uniform(0, np.pi), rng.choice([0.0, 0.0, rng.uniform(1, 8)])
    sigma_px = rng.uniform(0.4, 1.4)
    rows, cols = np.mgrid[:n_rows, :n_cols]
    light = np.zeros((n_rows, n_cols))
    for along in np.linspace(-0.5, 0.5, max(1, int(2 * length_px))) * length_px:
        r, c = row + along * np.sin(angle), col + along * np.cos(angle)
        light += np.exp(-((rows - r) ** 2 + (cols - c) ** 2) / (2 * sigma_px**2))
    height = float(np.exp(rng.uniform(np.log(100), np.log(20_000))))
    frames[t] += (height / light.max() * light).astype(frames.dtype)
    return t, row, col


def _cleared_outside_a_circle(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    frames = _poisson(rng, shape) if rng.random() < 0.5 else _emccd(rng, shape)
    n_rows, n_cols = shape[1:]
    rows, cols = np.mgrid[:n_rows, :n_cols]
    centre = rng.uniform(0.3, 0.7, 2) * (n_rows, n_cols)
    radius_px = rng.uniform(0.15, 0.5) * min(n_rows, n_cols)
    outside = np.hypot(rows - centre[0], cols - centre[1]) > radius_px
    frames[:, outside] = rng.choice([0, 0, 255, 65535])
    return frames


def walk_px(rng: np.random.Generator, n_frames: int, largest_px: int) -> np.ndarray:
    """Return shifts of whole pixels that wander within ± ``largest_px``; (n_frames, 2) int.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_frames, largest_px : int
    """
    path = np.cumsum(rng.normal(0, largest_px / np.sqrt(n_frames), (n_frames, 2)), axis=0)
    shifts: np.ndarray = np.clip(np.rint(path), -largest_px, largest_px).astype(int)
    return shifts


def _rim(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels a registration of whole pixels left empty, per frame."""
    n_frames, n_rows, n_cols = shape
    shifts = walk_px(rng, n_frames, int(rng.integers(2, 9)))
    rows, cols = np.arange(n_rows), np.arange(n_cols)
    empty_rows = ((rows - shifts[:, :1]) < 0) | ((rows - shifts[:, :1]) >= n_rows)
    empty_cols = ((cols - shifts[:, 1:]) < 0) | ((cols - shifts[:, 1:]) >= n_cols)
    empty: np.ndarray = empty_rows[:, :, None] | empty_cols[:, None, :]
    return empty


def _moving_zero_borders(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    frames = _poisson(rng, shape) if rng.random() < 0.5 else _emccd(rng, shape)
    frames[_rim(rng, shape)] = 0
    return frames


def _nan_rim(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    frames = _emccd(rng, shape).astype(np.float32)
    frames[_rim(rng, shape)] = np.nan
    return frames


def _blinking_hot_pixels(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    """Simulate groups of one to four pixels within 5 × 5 that switch between two levels."""
    n_frames, n_rows, n_cols = shape
    counts = _emccd(rng, shape).astype(np.float32)
    for _ in range(rng.integers(3, 9)):
        corner = rng.integers(0, (n_rows - 5, n_cols - 5))
        n_hot = int(rng.integers(1, 5))
        height, rate = np.exp(rng.uniform(np.log(10), np.log(1000))), rng.uniform(0.01, 0.5)
        for place in rng.choice(25, n_hot, replace=False):
            is_on = np.cumsum(rng.random(n_frames) < rate) % 2
            counts[:, corner[0] + place // 5, corner[1] + place % 5] += height * is_on
    return _store(counts)


def _blinking_columns(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    """One or two columns or rows of the sensor whose level switches."""
    n_frames = shape[0]
    counts = _emccd(rng, shape).astype(np.float32)
    for _ in range(rng.integers(1, 3)):
        height, rate = np.exp(rng.uniform(np.log(3), np.log(100))), rng.uniform(0.01, 0.5)
        level = height * (np.cumsum(rng.random(n_frames) < rate) % 2)
        axis = int(rng.integers(1, 3))
        line = int(rng.integers(shape[axis]))
        np.moveaxis(counts, axis, 1)[:, line] += level[:, None]
    return _store(counts)


def _one_white_frame(rng: np.random.Generator, shape: tuple[int, int, int]) -> Frames:
    counts = _emccd(rng, shape).astype(np.float32)
    counts[rng.integers(shape[0])] += rng.poisson(rng.uniform(50, 20_000), shape[1:])
    return _store(counts)


EMPTY_MOVIES: dict[str, Callable[[np.random.Generator, tuple[int, int, int]], Frames]] = {
    "Poisson": _poisson,
    "EM-CCD": _emccd,
    "sCMOS with pixel-wise read noise": _scmos,
    "one cosmic ray": _one_cosmic_ray,
    "cleared outside a circle": _cleared_outside_a_circle,
    "zero borders that move": _moving_zero_borders,
    "NaN rim": _nan_rim,
    "blinking hot pixels": _blinking_hot_pixels,
    "blinking columns": _blinking_columns,
    "one white frame": _one_white_frame,
}
