"""How a camera shows simulated particles: transmission, background, blur, noise, annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii
from umlpsd_gpu.simulate.particle_shapes import render_coverage

# Points of a tabulated outline, and points a pixel along each axis that say how much of it is
# covered
N_ANGLES, N_SUBPIXELS = 720, 4
# Grey value of the background of an 8-bit image
BACKGROUND_GREY = {"dark": 165.0, "bright": 55.0}
WHITE = 255
# Pixels that particles share before they count as overlapping: less is the rounding of the masks
FEWEST_SHARED_PX = 4
# Font size that gives letters about ten pixels high
LETTER_POINTS = 14.0


@dataclass(frozen=True)
class Patch:
    """Part of an image that a shape covers.

    Attributes
    ----------
    rows, columns : slice
        In the image; empty where the shape is outside.
    coverage : ndarray of float64
        Covered share of each pixel, 0…1.
    """

    rows: slice
    columns: slice
    coverage: np.ndarray


def cover(shape: SuperEllipse, n_rows: int, n_columns: int, n_subpixels: int) -> Patch:
    """Return which pixels a shape covers.

    Parameters
    ----------
    shape : SuperEllipse
    n_rows, n_columns : int
        Of the image.
    n_subpixels : int
        Points a pixel along each axis at which the shape is evaluated.

    Returns
    -------
    Patch
    """
    reach = radii(shape, np.linspace(-np.pi, np.pi, N_ANGLES + 1)).max() + 1.0
    rows = _range(shape.row, reach, n_rows)
    columns = _range(shape.column, reach, n_columns)
    size, origin = zip(*((s.stop - s.start, s.start) for s in (rows, columns)), strict=True)
    coverage = render_coverage(shape, size, 0.0, origin, n_subpixels, N_ANGLES)
    return Patch(rows, columns, coverage)


def _range(centre: float, reach: float, n: int) -> slice:
    first = min(max(int(np.floor(centre - reach)), 0), n)
    return slice(first, max(first, min(int(np.ceil(centre + reach)) + 1, n)))


def uneven_background(
    rng: np.random.Generator, n_rows: int, n_columns: int, unevenness: float
) -> np.ndarray:
    """Return a background of mean about 1 that varies slowly.

    Parameters
    ----------
    rng : Generator
    n_rows, n_columns : int
    unevenness : float
        Half the range of the background, as a share of it.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
    """
    down, right = np.ogrid[0 : 1 : n_rows * 1j, 0 : 1 : n_columns * 1j]
    total = rng.uniform(-1, 1) * down + rng.uniform(-1, 1) * right
    for _ in range(3):
        frequency, phase = rng.uniform(-2, 2, 2), rng.uniform(0, 2 * np.pi)
        total = total + 0.4 * np.cos(
            2 * np.pi * (frequency[0] * down + frequency[1] * right) + phase
        )
    total -= total.mean()
    background: np.ndarray = 1.0 + unevenness * total / np.abs(total).max()
    return background


def add_noise(
    rng: np.random.Generator, counts: np.ndarray, correlation_px: float, readout_counts: float
) -> np.ndarray:
    """Return counts with Poisson noise, spread by the scintillator, and readout noise.

    Parameters
    ----------
    rng : Generator
    counts : ndarray of float64
        Expected counts.
    correlation_px : float
        Standard deviation of the Gaussian that spreads the noise; its variance is restored, so that
        the contrast-to-noise ratio holds. 0: white noise.
    readout_counts : float
        Standard deviation of the readout noise.

    Returns
    -------
    ndarray of float64, the shape of ``counts``
    """
    noise = rng.poisson(counts) - counts
    if correlation_px > 0:
        impulse = np.zeros((31, 31))
        impulse[15, 15] = 1.0
        kernel = ndimage.gaussian_filter(impulse, correlation_px)
        noise = ndimage.gaussian_filter(noise, correlation_px, mode="wrap") / np.sqrt(
            (kernel**2).sum()
        )
    noisy: np.ndarray = counts + noise + readout_counts * rng.standard_normal(counts.shape)
    return noisy


def to_grey(counts: np.ndarray, background_counts: float, is_bright: bool) -> np.ndarray:
    """Return an 8-bit image whose background has a fixed grey value.

    Parameters
    ----------
    counts : ndarray of float64
    background_counts : float
        That get the grey value.
    is_bright : bool
        Whether particles are brighter than the background, which is then dark.

    Returns
    -------
    ndarray of uint8, the shape of ``counts``
        0 and 255 are left to annotations.
    """
    grey = BACKGROUND_GREY["bright" if is_bright else "dark"] * counts / background_counts
    return np.clip(np.rint(grey), 1, WHITE - 1).astype(np.uint8)


def draw_annotations(
    image: np.ndarray, bar_px: int, bar_text: str, panel_letter: str
) -> np.ndarray:
    """Burn a scale bar with its text and a panel letter into an image, in place.

    Parameters
    ----------
    image : ndarray of uint8, shape (n_rows, n_columns)
    bar_px : int
        Length of the bar, at the bottom left.
    bar_text : str
        Above the bar.
    panel_letter : str
        At the top left; empty: none.

    Returns
    -------
    ndarray of bool, shape (n_rows, n_columns)
        Which pixels were drawn on.
    """
    n_rows = image.shape[0]
    thickness, margin = max(3, n_rows // 100), max(6, n_rows // 32)
    is_drawn = np.zeros(image.shape, dtype=bool)
    top = n_rows - margin - thickness
    is_drawn[top : top + thickness, margin : margin + bar_px] = True
    zoom = n_rows / 512
    ink = np.where(is_drawn, 1.0, 0.0)
    _stamp(ink, _letters(bar_text, LETTER_POINTS * zoom), top - thickness, margin)
    if panel_letter:
        picture = _letters(panel_letter, 1.6 * LETTER_POINTS * zoom)
        _stamp(ink, picture, margin + picture.shape[0], margin)
    image[...] = np.rint(image + ink * (WHITE - image.astype(float))).astype(np.uint8)
    return ink > 0


def _stamp(ink: np.ndarray, picture: np.ndarray, bottom: int, left: int) -> None:
    """Draw a picture whose lower left corner is given; what is outside the image is cut off."""
    top = max(bottom - picture.shape[0], 0)
    part = ink[top:bottom, left : left + picture.shape[1]]
    np.maximum(part, picture[: part.shape[0], : part.shape[1]], out=part)


def _letters(text: str, points: float) -> np.ndarray:
    """Return the coverage of pixels by text, 0…1."""
    from matplotlib.textpath import TextPath
    from skimage.draw import polygon2mask

    path = TextPath((0, 0), text, size=points)
    outlines = [np.asarray(outline) for outline in path.to_polygons()]
    low = np.min([outline.min(axis=0) for outline in outlines], axis=0)
    size = np.ceil(np.max([outline.max(axis=0) for outline in outlines], axis=0) - low).astype(int)
    fine = np.zeros((size + 1)[::-1] * N_SUBPIXELS, dtype=bool)
    for outline in outlines:
        corners = ((outline - low) * N_SUBPIXELS)[:, ::-1]
        fine ^= polygon2mask(fine.shape, corners)  # a path inside another is a hole
    n = N_SUBPIXELS
    blocks = fine[::-1].reshape(fine.shape[0] // n, n, fine.shape[1] // n, n)
    coverage: np.ndarray = blocks.mean(axis=(1, 3))
    return coverage


def transmission(
    shapes: Sequence[SuperEllipse],
    contrasts: np.ndarray,
    n_rows: int,
    n_columns: int,
    is_bright: bool,
) -> np.ndarray:
    """Return the signal of particles over a background of 1.

    Parameters
    ----------
    shapes : sequence of SuperEllipse
    contrasts : ndarray of float64, shape (n_shapes,)
        Change of the signal by each, as a share of the background.
    n_rows, n_columns : int
    is_bright : bool
        Signals add up; otherwise absorption multiplies.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
    """
    signal = np.ones((n_rows, n_columns))
    for shape, contrast in zip(shapes, contrasts, strict=True):
        patch = cover(shape, n_rows, n_columns, N_SUBPIXELS)
        part = signal[patch.rows, patch.columns]
        if is_bright:
            part += contrast * patch.coverage
        else:
            part *= 1.0 - contrast * patch.coverage
    return signal


def label_shapes(
    shapes: Sequence[SuperEllipse], n_rows: int, n_columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the label image of shapes, which of them the edge cuts, and which overlap.

    Parameters
    ----------
    shapes : sequence of SuperEllipse
    n_rows, n_columns : int

    Returns
    -------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1; the last shape where several overlap; 0 outside.
    is_edge_cut, is_overlapping : ndarray of bool, shape (n_shapes,)
    """
    labels = np.zeros((n_rows, n_columns), dtype=np.int32)
    is_edge_cut, is_overlapping = np.zeros((2, len(shapes)), dtype=bool)
    for number, shape in enumerate(shapes):
        patch = cover(shape, n_rows, n_columns, N_SUBPIXELS)
        part, is_own = labels[patch.rows, patch.columns], patch.coverage >= 0.5
        others, n_shared = np.unique(part[is_own & (part > 0)], return_counts=True)
        others = others[n_shared >= FEWEST_SHARED_PX]
        is_overlapping[others - 1] = True
        is_overlapping[number] = others.size > 0
        part[is_own] = number + 1
        is_edge_cut[number] = _is_cut(shape, n_rows, n_columns)
    return labels, is_edge_cut, is_overlapping


def _is_cut(shape: SuperEllipse, n_rows: int, n_columns: int) -> bool:
    angles = np.linspace(0, 2 * np.pi, N_ANGLES)
    outline = radii(shape, angles)
    rows, columns = shape.row + outline * np.sin(angles), shape.column + outline * np.cos(angles)
    return bool(
        min(rows.min(), columns.min()) < -0.5
        or rows.max() > n_rows - 0.5
        or columns.max() > n_columns - 0.5
    )


def true_diameter_px(shape: SuperEllipse) -> float:
    """Return the diameter of the circle of the same area.

    Parameters
    ----------
    shape : SuperEllipse

    Returns
    -------
    float
        Pixels.
    """
    unit = radii(replace(shape, size_px=1.0), np.linspace(0, 2 * np.pi, 1440, endpoint=False))
    return float(2.0 * shape.size_px * np.sqrt((unit**2).mean()))
