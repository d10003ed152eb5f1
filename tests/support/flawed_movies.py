"""Movies of a few emitters with the flaws of real ones; the emitters are known."""

import numpy as np

from umlpsd_gpu.simulate.defects import walk_px
from umlpsd_gpu.simulate.scene import spot_images

GRID = np.array([(14.0, 14.0), (14.0, 33.0), (32.0, 14.0), (32.0, 33.0)])


def blink(rng, n_spots, n_frames, mean_frames=6):
    """Return which spots are on in which frames; each switches at random."""
    starts = rng.random((n_spots, 1)) < 0.5
    return (np.cumsum(rng.random((n_spots, n_frames)) < 1 / mean_frames, axis=1) + starts) % 2


def emitter_movie(
    places=GRID,
    path=None,
    n_frames=120,
    shape=(48, 48),
    seed=0,
    counts=500.0,
    background=20.0,
    levels=None,
    offset=0.0,
):
    """Return frames (float64) with shot noise; ``path`` (n_frames, 2) moves all emitters."""
    rng = np.random.default_rng(seed)
    if levels is None:
        levels = blink(rng, len(places), n_frames)
    path = np.zeros((n_frames, 2)) if path is None else np.broadcast_to(path, (n_frames, 2))
    steps, at = np.unique(np.round(path * 10), axis=0, return_inverse=True)
    frames = np.empty((n_frames, *shape))
    for number, step in enumerate(steps):
        here = np.flatnonzero(at.ravel() == number)
        light = spot_images(np.asarray(places) + step / 10, np.full(len(places), 1.3), shape)
        expected = background + (light.T @ (counts * levels[:, here])).T
        frames[here] = rng.poisson(expected.reshape(-1, *shape))
    return frames + offset


def jump_path(n_frames, at, by):
    """Return a path that jumps once, at a share of the movie."""
    return (np.arange(n_frames) >= at * n_frames)[:, None] * np.asarray(by, float)


def drift_path(n_frames, by):
    """Return a path of constant velocity."""
    return np.linspace(0, 1, n_frames)[:, None] * np.asarray(by, float)


def outside_circle(shape, radius_px, centre=None):
    """Return the pixels outside a circle."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    centre = ((shape[0] - 1) / 2, (shape[1] - 1) / 2) if centre is None else centre
    return np.hypot(rows - centre[0], cols - centre[1]) > radius_px


def moving_rim(n_frames, shape, largest_px=4, seed=0):
    """Return the pixels, per frame, that registration by whole pixels leaves empty."""
    shifts = walk_px(np.random.default_rng(seed), n_frames, largest_px)
    rows, cols = np.arange(shape[0]), np.arange(shape[1])
    empty_rows = (rows < shifts[:, :1]) | (rows >= shape[0] + shifts[:, :1])
    empty_cols = (cols < shifts[:, 1:]) | (cols >= shape[1] + shifts[:, 1:])
    return empty_rows[:, :, None] | empty_cols[:, None, :]
