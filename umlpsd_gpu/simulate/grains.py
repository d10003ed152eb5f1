"""Positions and shapes of simulated grains: domains that fill an image, or crystals that touch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import mean as mean_of_labels
from scipy.spatial import cKDTree

from umlpsd_gpu.errors import SettingsError

# rounds of Lloyd's relaxation, which give grains of similar but not equal area [I]
N_RELAXATIONS = 5
# Radius of a crystal divided by the largest distance between nearest centres: above 0.5, so that
# every crystal touches its neighbour [I]
RADIUS = 0.6
FEWEST_PIXELS = 9  # of a grain: a smaller one would disappear in the blur


def grain_image(
    rng: np.random.Generator, shape: tuple[int, int], n_grains: int, layout: str
) -> np.ndarray:
    """Return the grain of each pixel; grains 1 and 2 are the closest neighbours.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (n_rows, n_cols)
    n_grains : int
    layout : {"domains", "crystals"}
        ``domains`` fill the image. ``crystals`` are discs, cut where they meet, with a background
        of 0 that includes the outermost pixels.

    Returns
    -------
    ndarray of uint16, shape (n_rows, n_cols)
        Grains from 1.

    Raises
    ------
    SettingsError
        If a grain would have too few pixels.
    """
    if n_grains * FEWEST_PIXELS > shape[0] * shape[1] or n_grains > np.iinfo(np.uint16).max:
        raise _too_many(n_grains, shape)
    pixels = np.indices(shape).reshape(2, -1).T.astype(np.float64)
    field = pixels
    if layout == "crystals":
        # centres are kept away from the edge, to leave room for the crystals around them
        reach = np.array(shape) / (2 + 2 * np.sqrt(n_grains))
        middle = (pixels >= reach) & (pixels <= np.array(shape) - 1 - reach)
        field = pixels[middle.all(axis=1)]
    centres = _put_closest_first(_relax(rng, field, n_grains, shape))
    distance_px, nearest = cKDTree(centres).query(pixels)
    grains = nearest + 1
    if layout == "crystals":
        grains[distance_px > _radius_px(centres, reach)] = 0
        grains[((pixels < 1) | (pixels > np.array(shape) - 2)).any(axis=1)] = 0
    image: np.ndarray = grains.reshape(shape).astype(np.uint16)
    if np.bincount(grains, minlength=n_grains + 1)[1:].min() < FEWEST_PIXELS:
        raise _too_many(n_grains, shape)
    return image


def _relax(
    rng: np.random.Generator, field: np.ndarray, n_grains: int, shape: tuple[int, int]
) -> np.ndarray:
    """Draw random centres inside the field and spread them evenly; (n_grains, 2)."""
    if len(field) < n_grains:
        raise _too_many(n_grains, shape)
    centres = field[rng.choice(len(field), n_grains, replace=False)]
    numbers = np.arange(n_grains)
    for _ in range(N_RELAXATIONS):
        nearest = cKDTree(centres).query(field)[1]
        centres = np.stack([mean_of_labels(axis, nearest, numbers) for axis in field.T], axis=1)
    return centres


def _put_closest_first(centres: np.ndarray) -> np.ndarray:
    """Put the two closest centres first, so that these two always share a border."""
    if len(centres) < 2:
        return centres
    gaps_px, neighbours = cKDTree(centres).query(centres, k=2)
    first = int(np.argmin(gaps_px[:, 1]))
    second = int(neighbours[first, neighbours[first] != first][0])
    others = np.delete(np.arange(len(centres)), [first, second])
    ordered: np.ndarray = centres[np.concatenate([[first, second], others])]
    return ordered


def _radius_px(centres: np.ndarray, reach: np.ndarray) -> float:
    if len(centres) < 2:
        return float(reach.min())
    return RADIUS * float(cKDTree(centres).query(centres, k=2)[0][:, 1].max())


def _too_many(n_grains: int, shape: tuple[int, int]) -> SettingsError:
    return SettingsError(
        f"{n_grains} grains of at least {FEWEST_PIXELS} pixels don't fit into {shape[0]} × "
        f"{shape[1]} pixels; choose fewer grains or a larger image"
    )
