"""Sub-pixel outlines of particles: where the brightness is half-way between inside and outside.

On a straight edge the half level is where the edge is, whatever the point-spread function. On an
edge of radius of curvature r it is moved inward by σ² / (2 r), and corners are rounded: use the
outline for features and as a start, and `pixel_fit` where corners matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from umlpsd_gpu.shapes.crops import Crops

N_ANGLES = 128
# Blur against noise before the level is sought, in pixels
SMOOTHING_PX = 0.7
# Distance from the edge of the mask at which brightness is that of inside or outside
PLATEAU_PX = 2
MIN_PLATEAU = 6
# An outline that crosses a ray again, this far away, is not star-shaped
REENTRANT_PX = 1.5
REENTRANT_SHARE = 0.03


@dataclass(frozen=True)
class Outlines:
    """Outlines of particles.

    Attributes
    ----------
    polygons : tuple of ndarray of float64, shape (n_vertices, 2)
        Rows and columns in pixels of the whole image; closed, the last vertex is the first.
    centres : ndarray of float64, shape (n, 2)
        Centroids of the polygons.
    radii : ndarray of float64, shape (n, 128)
        Distance from the centre at equal angles from 0, counted from the direction of the columns
        to that of the rows; the farthest where a ray crosses more than once, interpolated where it
        never does.
    is_star_shaped : ndarray of bool, shape (n,)
        Whether each ray from the centre crosses the outline once; if not, ``radii`` don't describe
        the particle, the polygon does.
    contrast : ndarray of float64, shape (n,)
        Brightness inside minus outside.
    background : ndarray of float64, shape (n,)
        Brightness outside.
    """

    polygons: tuple[np.ndarray, ...]
    centres: np.ndarray
    radii: np.ndarray
    is_star_shaped: np.ndarray
    contrast: np.ndarray
    background: np.ndarray


def angles_rad(n_angles: int = N_ANGLES) -> np.ndarray:
    """Return the directions of the radii.

    Parameters
    ----------
    n_angles : int, optional

    Returns
    -------
    ndarray of float64, shape (n_angles,)
        From 0, in equal steps.
    """
    return np.arange(n_angles) * (2 * np.pi / n_angles)


def find_outlines(crops: Crops) -> Outlines:
    """Find the outline of each particle.

    Parameters
    ----------
    crops : Crops

    Returns
    -------
    Outlines
        Where no closed line is found at the half level, the outline of the mask.
    """
    found = [_outline(crops, number) for number in range(len(crops))]
    polygons = tuple(one[0] for one in found)
    centres = np.array([centroid(polygon) for polygon in polygons]).reshape(-1, 2)
    rays = [
        polygon_radii(polygon - centre) for polygon, centre in zip(polygons, centres, strict=True)
    ]
    return Outlines(
        polygons=polygons,
        centres=centres,
        radii=np.array([radii for radii, _ in rays]).reshape(-1, N_ANGLES),
        is_star_shaped=np.array([is_star for _, is_star in rays], dtype=bool),
        contrast=np.array([inside - outside for _, inside, outside in found]),
        background=np.array([outside for _, _, outside in found]),
    )


def polygon_area(polygon: np.ndarray) -> float:
    """Return the signed area of a closed polygon.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)
        Rows and columns; the last vertex is the first.

    Returns
    -------
    float
        Positive where columns turn to rows.
    """
    rows, columns = polygon.T - polygon.mean(axis=0)[:, None]
    return float(0.5 * np.sum(columns[:-1] * rows[1:] - columns[1:] * rows[:-1]))


def centroid(polygon: np.ndarray) -> np.ndarray:
    """Return the centroid of the area in a closed polygon.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)
        Rows and columns; the last vertex is the first.

    Returns
    -------
    ndarray of float64, shape (2,)
        The mean of the vertices where the area is 0.
    """
    middle = polygon.mean(axis=0)
    rows, columns = (polygon - middle).T
    cross = columns[:-1] * rows[1:] - columns[1:] * rows[:-1]
    area = 0.5 * cross.sum()
    if abs(area) < 1e-9:
        return np.asarray(middle)
    sums = [((part[:-1] + part[1:]) * cross).sum() for part in (rows, columns)]
    return np.asarray(middle + np.array(sums) / (6 * area))


def polygon_radii(polygon: np.ndarray, n_angles: int = N_ANGLES) -> tuple[np.ndarray, bool]:
    """Return the radii of a polygon around the origin, and whether every ray crosses it once.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)
        Rows and columns; the last vertex is the first.
    n_angles : int, optional

    Returns
    -------
    radii : ndarray of float64, shape (n_angles,)
    is_star_shaped : bool
    """
    row, column = polygon[:-1].T
    rays = angles_rad(n_angles)
    cosine, sine = np.cos(rays)[:, None], np.sin(rays)[:, None]
    # distance of the vertices from the line of each ray
    aside = row * cosine - column * sine
    is_before = aside <= 0
    ray, vertex = np.nonzero(is_before != np.roll(is_before, -1, axis=1))
    following = (vertex + 1) % row.size
    # along the ray, where edges cross it
    cosine, sine = cosine[ray, 0], sine[ray, 0]
    along = column[vertex] * cosine + row[vertex] * sine
    along_next = column[following] * cosine + row[following] * sine
    before, after = aside[ray, vertex], aside[ray, following]
    radius = along + before / (before - after) * (along_next - along)
    farthest = np.full(n_angles, -1.0)
    np.maximum.at(farthest, ray, radius)
    is_hit = farthest > 0
    second = np.zeros(n_angles, dtype=bool)
    second[ray[(radius > 0) & (radius < farthest[ray] - REENTRANT_PX)]] = True
    if not is_hit.any():
        return np.full(n_angles, np.hypot(row, column).mean()), False
    filled = np.interp(rays, rays[is_hit], farthest[is_hit], period=2 * np.pi)
    return filled, bool(is_hit.all() and second.mean() <= REENTRANT_SHARE)


def _outline(crops: Crops, number: int) -> tuple[np.ndarray, float, float]:
    """Return the polygon in the image, and the brightness inside and outside."""
    values, usable, mask = (
        crops.view(number, each) for each in (crops.values, crops.is_usable, crops.is_inside)
    )
    inside, outside = _plateaus(values, usable, mask)
    # what belongs to others is taken for background, or for the particle if it has its label
    clean = np.where(usable, values, np.where(mask, inside, outside))
    smooth = ndimage.gaussian_filter(clean, SMOOTHING_PX, mode="nearest")
    scaled = (smooth - outside) / (inside - outside) if inside != outside else mask.astype(float)
    polygon = _main_contour(scaled, mask)
    if polygon is None:
        polygon = _main_contour(mask.astype(np.float64), mask)
    assert polygon is not None
    offset = crops.tops[number], crops.lefts[number]
    return polygon + np.array(offset, dtype=np.float64), inside, outside


def _plateaus(values: np.ndarray, usable: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Return the brightness inside and outside, away from the edge where there is room."""
    padded = np.pad(mask, 1)
    depth = ndimage.binary_erosion(padded, iterations=PLATEAU_PX)[1:-1, 1:-1]
    far = ~ndimage.binary_dilation(mask, iterations=PLATEAU_PX)
    outer = values[usable & far] if np.count_nonzero(usable & far) >= MIN_PLATEAU else values[~mask]
    outside = float(np.median(outer)) if outer.size else float(values.min())
    core = values[depth & usable]
    if core.size >= MIN_PLATEAU:
        return float(np.median(core)), outside
    own = values[mask & usable] if np.any(mask & usable) else values[mask]
    sign = 1.0 if np.median(own) >= outside else -1.0
    return sign * float(np.quantile(sign * own, 0.8)), outside


def _main_contour(scaled: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """Return the closed line at one half that shares most area with the mask, as a polygon."""
    contours = find_contours(np.pad(scaled, 1, constant_values=0.0), 0.5)
    area, best, best_miss = float(np.count_nonzero(mask)), None, np.inf
    for contour in contours:
        miss = abs(abs(polygon_area(contour)) - area)
        if len(contour) > 3 and miss < best_miss:
            best, best_miss = contour - 1.0, miss
    if best is None or best_miss > 0.5 * area:
        return best if best is not None and not np.any(scaled != mask) else None
    oriented: np.ndarray = best if polygon_area(best) > 0 else best[::-1]
    return oriented
