"""Features of all particles of an image: areas, lengths, Feret diameters, in nanometres."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import regionprops_table

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.noise import Noise, estimate_noise
from umlpsd_gpu.shapes.outline import SMOOTHING_PX, Outlines, find_outlines, polygon_area

Table = dict[str, np.ndarray]

# What scikit-image calls them, what they are called here, and the power of the pixel size
OF_MASK = (
    ("area", "area_of_mask", 2),
    ("perimeter_crofton", "perimeter_crofton", 1),
    ("eccentricity", "eccentricity", 0),
    ("axis_major_length", "major_axis", 1),
    ("axis_minor_length", "minor_axis", 1),
    ("extent", "extent", 0),
)
UNIT = {0: "", 1: "_nm", 2: "_nm2"}


def particle_features(
    image: np.ndarray,
    labels: np.ndarray,
    nm_per_px: float,
    outlines: Outlines | None = None,
    noise: Noise | None = None,
    psf_px: float = 0.8,
) -> Table:
    """Return a table of the published features of each particle.

    Parameters
    ----------
    image : ndarray of float or int, shape (n_rows, n_columns)
        NaN: not measured.
    labels : ndarray of int, shape (n_rows, n_columns)
        0: background.
    nm_per_px : float
        Side of a pixel in nanometres.
    outlines : Outlines, optional
        Those of the same image and labels. Default: found here.
    noise : Noise, optional
        Default: estimated from the image.
    psf_px : float, optional
        Standard deviation of the point-spread function.

    Returns
    -------
    dict of str to ndarray, shape (n_particles,)
        In rising order of ``label``. Names end in their unit, ``_nm`` or ``_nm2``; without one,
        they are ratios. From the sub-pixel outline: area, perimeter_polygon, circularity (4π area /
        perimeter²), equivalent_diameter (of the circle of equal area), convex_area, solidity, the
        largest and smallest distance of two parallel tangents (feret_max, feret_min; ISO 21363),
        feret_ratio (smallest over largest). From moments and pixels of the mask: the others.
        ``…_sd`` are standard deviations caused by noise; those of Feret diameters are upper limits,
        since a tangent touches the farthest of several points.

    Raises
    ------
    SettingsError
        If the pixel size is not above 0, or image and labels don't have one shape.

    Notes
    -----
    Blur moves the half level of an edge with the radius of curvature r inward by σ² / (2 r), which
    takes π σ² from the area of any outline; area and equivalent diameter are corrected for it.
    """
    if not (np.isfinite(nm_per_px) and nm_per_px > 0):
        raise SettingsError(
            f"nm_per_px is {nm_per_px}; give the side of a pixel in nanometres, above 0"
        )
    crops = cut_crops(image, labels)
    lines = find_outlines(crops) if outlines is None else outlines
    noise_sd = np.nan
    if len(crops):
        known = estimate_noise(image, labels) if noise is None else noise
        # at the half level
        half = crops.take(known.variance(np.asarray(image, dtype=np.float64)))
        noise_sd = (
            float(np.sqrt(np.median(half[crops.is_usable]))) if crops.is_usable.any() else np.nan
        )
    marks = np.asarray(labels).astype(np.int64, copy=False)
    names = ["label", *(name for name, _, _ in OF_MASK)]
    mask = regionprops_table(marks, properties=names)
    table: Table = {"label": np.asarray(mask["label"], dtype=np.int64)}
    for name, ours, power in OF_MASK:
        values = np.asarray(mask[name], dtype=np.float64)
        table[ours + UNIT[power]] = values * nm_per_px**power
    with np.errstate(divide="ignore", invalid="ignore"):
        table["aspect_ratio"] = table["major_axis_nm"] / table["minor_axis_nm"]
    table |= _of_outlines(lines, nm_per_px, noise_sd, psf_px)
    return table


def feret_diameters(polygon: np.ndarray) -> tuple[float, float, float]:
    """Return the Feret diameters of an outline, and the area of its convex hull.

    Parameters
    ----------
    polygon : ndarray of float, shape (n_vertices, 2)

    Returns
    -------
    largest, smallest, hull_area : float
        In pixels and square pixels: largest and smallest distance between two parallel tangents,
        as by calipers. The smallest one always has a side of the convex hull on a tangent.
    """
    try:
        hull = ConvexHull(polygon)
    except (QhullError, ValueError):  # all on one line
        extent = float(np.hypot(*np.ptp(polygon, axis=0)))
        return extent, 0.0, 0.0
    corners = polygon[hull.vertices]
    across = corners @ hull.equations[:, :2].T + hull.equations[:, 2]
    between = corners[:, None] - corners
    largest = float(np.sqrt(np.square(between).sum(axis=2).max()))
    return largest, float(-across.min(axis=0).max()), float(hull.volume)


def _of_outlines(lines: Outlines, nm_per_px: float, noise_sd: float, psf_px: float) -> Table:
    """Return the features that come from sub-pixel outlines."""
    polygons = lines.polygons
    area = np.array([abs(polygon_area(polygon)) for polygon in polygons])
    length = np.array([np.hypot(*np.diff(polygon, axis=0).T).sum() for polygon in polygons])
    ferets = np.array([feret_diameters(polygon) for polygon in polygons]).reshape(-1, 3)
    largest, smallest, convex = ferets.T
    # point-spread function, pixel, and the smoothing before the half level is sought
    blur2 = psf_px**2 + 1 / 12 + SMOOTHING_PX**2
    true_area = area + np.pi * blur2
    equivalent = 2 * np.sqrt(true_area / np.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        # noise moves the half level by itself over the slope of the edge; smoothed noise has the
        # variance sd² / (4π s²), and the integral sd² / (2 √π s) along a line
        moved = noise_sd / (np.abs(lines.contrast) / np.sqrt(2 * np.pi * blur2))
        area_sd = moved * np.sqrt(length / (2 * np.sqrt(np.pi) * SMOOTHING_PX))
        point_sd = moved / (2 * np.sqrt(np.pi) * SMOOTHING_PX)
        return {
            "area_nm2": true_area * nm_per_px**2,
            "area_sd_nm2": area_sd * nm_per_px**2,
            "perimeter_polygon_nm": length * nm_per_px,
            "circularity": 4 * np.pi * area / length**2,
            "equivalent_diameter_nm": equivalent * nm_per_px,
            "equivalent_diameter_sd_nm": equivalent * area_sd / (2 * true_area) * nm_per_px,
            "convex_area_nm2": convex * nm_per_px**2,
            "solidity": area / convex,
            "feret_max_nm": largest * nm_per_px,
            "feret_max_sd_nm": np.sqrt(2) * point_sd * nm_per_px,
            "feret_min_nm": smallest * nm_per_px,
            "feret_min_sd_nm": np.sqrt(2) * point_sd * nm_per_px,
            "feret_ratio": smallest / largest,
        }
