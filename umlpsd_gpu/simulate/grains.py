"""Where simulated grains lie: domains that fill an image, or crystals that touch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import mean as mean_of_labels
from scipy.spatial import cKDTree

from umlpsd_gpu.errors import SettingsError

# Rounds of Lloyd's relaxation: grains of like but not equal area [I]
N_RELAXATIONS = 5
# Radius of a crystal over the largest distance between nearest centres: above a half, so that
# every crystal touches its neighbour [I]
RADIUS = 0.6
FEWEST_PIXELS = 9  # of a grain: less is lost in the blur


def grain_image(
    rng: np.random.Generator, shape: tuple[int, int], n_grains: int, layout: str
) -> np.ndarray:
    """Return the grain of each pixel, from 1; grains 1 and 2 are the closest; (n_rows, n_cols).

    Parameters
    ----------
    layout : {"domains", "crystals"}
        ``domains`` fill the image; of ``crystals``, discs cut where they meet, none reaches the
        outermost pixels and 0 is the background.

    Returns
    -------
    ndarray of uint16

    Raises
    ------
    SettingsError
        If a grain has too few pixels, or grains 1 and 2 don't touch.
    """
    if n_grains * FEWEST_PIXELS > shape[0] * shape[1] or n_grains > np.iinfo(np.uint16).max:
        raise _too_many(n_grains, shape)
    pixels = np.indices(shape).reshape(2, -1).T.astype(np.float64)
    field = pixels
    if layout == "crystals":
        # centres keep to the middle, so that there is room for the crystals around them
        reach = np.array(shape) / (2 + 2 * np.sqrt(n_grains))
        middle = (pixels >= reach) & (pixels <= np.array(shape) - 1 - reach)
        field = pixels[middle.all(axis=1)]
    centres = _numbered_by_closeness(_relaxed(rng, field, n_grains, shape))
    distance_px, nearest = cKDTree(centres).query(pixels)
    grains = nearest + 1
    if layout == "crystals":
        grains[distance_px > _radius_px(centres, reach)] = 0
        grains[((pixels < 1) | (pixels > np.array(shape) - 2)).any(axis=1)] = 0
    image: np.ndarray = grains.reshape(shape).astype(np.uint16)
    if np.bincount(grains, minlength=n_grains + 1)[1:].min() < FEWEST_PIXELS:
        raise _too_many(n_grains, shape)
    return image


def _relaxed(
    rng: np.random.Generator, field: np.ndarray, n_grains: int, shape: tuple[int, int]
) -> np.ndarray:
    """Throw centres on the field and spread them out; (n_grains, 2)."""
    if len(field) < n_grains:
        raise _too_many(n_grains, shape)
    centres = field[rng.choice(len(field), n_grains, replace=False)]
    numbers = np.arange(n_grains)
    for _ in range(N_RELAXATIONS):
        nearest = cKDTree(centres).query(field)[1]
        centres = np.stack([mean_of_labels(axis, nearest, numbers) for axis in field.T], axis=1)
    return centres


def _numbered_by_closeness(centres: np.ndarray) -> np.ndarray:
    """Put the two closest centres first: they share a border whatever the rest."""
    if len(centres) < 2:
        return centres
    gaps_px, neighbours = cKDTree(centres).query(centres, k=2)
    first = int(np.argmin(gaps_px[:, 1]))
    second = int(neighbours[first, neighbours[first] != first][0])
    others = np.delete(np.arange(len(centres)), [first, second])
    return centres[np.concatenate([[first, second], others])]


def _radius_px(centres: np.ndarray, reach: np.ndarray) -> float:
    if len(centres) < 2:
        return float(reach.min())
    return RADIUS * float(cKDTree(centres).query(centres, k=2)[0][:, 1].max())


def _too_many(n_grains: int, shape: tuple[int, int]) -> SettingsError:
    return SettingsError(
        f"{n_grains} grains of {FEWEST_PIXELS} pixels or more don't fit into {shape[0]} × "
        f"{shape[1]} pixels; ask for fewer grains or a larger image"
    )
