"""Simulated images of single super-ellipses with known truth, for the fits of their shapes.

The image is made by counting points inside the outline, eight by eight in each pixel, which shares
nothing with the line integrals of the fit (``umlpsd_gpu/shapes/pixel_model.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii

OVERSAMPLING = 8
# Radii are tabulated at this many angles, and interpolated
N_ANGLES = 7200


@dataclass(frozen=True)
class ShapeRecipe:
    """What to simulate.

    Attributes
    ----------
    n_shapes : int
    d_range : (int, int)
        Smallest and largest d; all are equally frequent.
    p_range : (float, float)
        Log-uniform.
    l_range : (float, float)
        Uniform.
    diameter_px_range : (float, float)
        Twice the largest radius; uniform.
    contrast_to_noise : float
        Brightness of a particle over the standard deviation of the noise of the background.
    psf_px : float
        Standard deviation of the Gaussian point-spread function.
    contrast : float
        Particle minus background, in counts; negative for dark particles.
    background : float
        In counts.
    poisson_share : float
        Share of the variance of the background that follows the signal; the rest is constant.
    margin_px : int
        From the largest particle to the edge of its tile.
    seed : int
    """

    n_shapes: int = 100
    d_range: tuple[int, int] = (1, 6)
    p_range: tuple[float, float] = (0.7, 15.0)
    l_range: tuple[float, float] = (1.0, 3.0)
    diameter_px_range: tuple[float, float] = (20.0, 50.0)
    contrast_to_noise: float = 7.0
    psf_px: float = 0.8
    contrast: float = -600.0
    background: float = 1500.0
    poisson_share: float = 0.5
    margin_px: int = 10
    seed: int = 0


@dataclass(frozen=True)
class SimulatedShapes:
    """Particles on the tiles of a square grid, and their truth.

    Attributes
    ----------
    image : ndarray of float64, shape (n_rows, n_columns)
    labels : ndarray of int32, shape (n_rows, n_columns)
        1 for the first shape; pixels at least half covered.
    shapes : tuple of SuperEllipse
        In pixels of the whole image.
    recipe : ShapeRecipe
    """

    image: np.ndarray
    labels: np.ndarray
    shapes: tuple[SuperEllipse, ...]
    recipe: ShapeRecipe


def simulate_shapes(**recipe: Any) -> SimulatedShapes:
    """Simulate separate super-ellipses with noise.

    Parameters
    ----------
    **recipe
        Fields of `ShapeRecipe`.

    Returns
    -------
    SimulatedShapes

    Raises
    ------
    SettingsError
        If a value is not allowed.

    Examples
    --------
    >>> made = simulate_shapes(n_shapes=3, seed=1)
    >>> made.labels.max(), len(made.shapes)
    (np.int32(3), 3)
    """
    wanted = _checked(ShapeRecipe(**recipe))
    rng = np.random.default_rng([wanted.seed, 19])
    side = int(np.ceil(wanted.diameter_px_range[1])) + 2 * wanted.margin_px
    n_across = int(np.ceil(np.sqrt(wanted.n_shapes)))
    n_down = -(-wanted.n_shapes // n_across)
    covered = np.zeros((n_down * side, n_across * side))
    labels = np.zeros(covered.shape, dtype=np.int32)
    shapes = tuple(_draw_shapes(wanted, rng, side, n_across))
    for number, shape in enumerate(shapes):
        top, left = side * (number // n_across), side * (number % n_across)
        tile = slice(top, top + side), slice(left, left + side)
        blurred, sharp = (
            render_coverage(shape, (side, side), psf, (top, left)) for psf in (wanted.psf_px, 0.0)
        )
        covered[tile] = blurred
        labels[tile][sharp >= 0.5] = number + 1
    image = _add_noise(wanted.background + wanted.contrast * covered, wanted, rng)
    return SimulatedShapes(image, labels, shapes, wanted)


def render_coverage(
    shape: SuperEllipse,
    size: tuple[int, int],
    psf_px: float = 0.0,
    origin: tuple[int, int] = (0, 0),
    oversampling: int = OVERSAMPLING,
    n_angles: int = N_ANGLES,
) -> np.ndarray:
    """Return the share of each pixel that a shape covers, after a Gaussian blur.

    Parameters
    ----------
    shape : SuperEllipse
    size : (int, int)
        Rows and columns of the image.
    psf_px : float, optional
        Standard deviation of the blur.
    origin : (int, int), optional
        Row and column of the image's first pixel.
    oversampling : int, optional
        Points across a pixel.
    n_angles : int, optional
        At which the radius is tabulated.

    Returns
    -------
    ndarray of float64, shape ``size``
        0 to 1.
    """
    n_rows, n_cols = size
    within = (np.arange(oversampling) + 0.5) / oversampling - 0.5
    rows = (origin[0] + np.arange(n_rows)[:, None] + within).ravel() - shape.row
    columns = (origin[1] + np.arange(n_cols)[:, None] + within).ravel() - shape.column
    angles = np.linspace(-np.pi, np.pi, n_angles + 1)
    limit = np.interp(
        np.arctan2(rows[:, None], columns), angles, radii(shape, angles), period=2 * np.pi
    )
    inside = (np.hypot(rows[:, None], columns) <= limit).astype(np.float64)
    if psf_px > 0:
        inside = gaussian_filter(inside, psf_px * oversampling, mode="constant", truncate=5)
    points = inside.reshape(n_rows, oversampling, n_cols, oversampling)
    covered: np.ndarray = points.mean(axis=(1, 3))
    return covered


def _checked(recipe: ShapeRecipe) -> ShapeRecipe:
    ranges = {
        "d_range": recipe.d_range,
        "p_range": recipe.p_range,
        "l_range": recipe.l_range,
        "diameter_px_range": recipe.diameter_px_range,
    }
    for name, (low, high) in ranges.items():
        least = {"d_range": 1, "l_range": 1}.get(name, 0)
        if not (least <= low <= high and high > 0):
            raise SettingsError(
                f"{name} is ({low}, {high}); give two rising values of at least {least}"
            )
    for name in ("n_shapes", "contrast_to_noise"):
        if not getattr(recipe, name) > 0:
            raise SettingsError(f"{name} is {getattr(recipe, name)}; give a value above 0")
    if not (0 <= recipe.poisson_share <= 1 and recipe.background + min(recipe.contrast, 0) >= 0):
        raise SettingsError(
            f"poisson_share is {recipe.poisson_share}, background {recipe.background} and contrast "
            f"{recipe.contrast}; give a share from 0 to 1 and counts that are never negative"
        )
    return recipe


def _draw_shapes(
    recipe: ShapeRecipe, rng: np.random.Generator, side: int, n_across: int
) -> Iterator[SuperEllipse]:
    """Yield shapes, each in the middle of its tile up to half a pixel."""
    angles = np.linspace(0, 2 * np.pi, 2881)
    for number in range(recipe.n_shapes):
        d = int(rng.integers(recipe.d_range[0], recipe.d_range[1] + 1))
        p = float(np.exp(rng.uniform(*np.log(recipe.p_range))))
        l_ratio = float(rng.uniform(*recipe.l_range))
        unit = SuperEllipse(0.0, 0.0, 1.0, d, p, l_ratio)
        size = rng.uniform(*recipe.diameter_px_range) / (2 * radii(unit, angles).max())
        row, column = (side - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
        yield SuperEllipse(
            row=float(row + side * (number // n_across)),
            column=float(column + side * (number % n_across)),
            size_px=float(size),
            d=d,
            p=p,
            l_ratio=l_ratio,
            phase_rad=float(rng.uniform(0, 2 * np.pi / d)),
        )


def _add_noise(clean: np.ndarray, recipe: ShapeRecipe, rng: np.random.Generator) -> np.ndarray:
    variance = (recipe.contrast / recipe.contrast_to_noise) ** 2
    constant = (1 - recipe.poisson_share) * variance
    noisy: np.ndarray = clean + np.sqrt(constant) * rng.standard_normal(clean.shape)
    if recipe.poisson_share > 0 and recipe.background > 0:
        per_count = recipe.poisson_share * variance / recipe.background
        noisy += per_count * rng.poisson(clean / per_count) - clean
    return noisy
