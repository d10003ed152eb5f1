"""Simulated micrographs with known truth: grains of different lattices in noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.files import require_free, truth_paths, write_with_truth
from umlpsd_gpu.simulate.local_spectra import draw_wave

# A grain is at least this share of the mean grain
LEAST_GRAIN = 0.5
# Counts of the mean of an image, and of one standard deviation of the noise
MEAN_COUNTS, NOISE_COUNTS = 20_000.0, 1_500.0


@dataclass(frozen=True)
class MicrographRecipe:
    """What to simulate.

    Attributes
    ----------
    n_grains : int
        Grains of different lattices; 1: the same lattice everywhere.
    size : int
        Rows and columns, in pixels.
    signal_to_noise : float
        Standard deviation of the lattice over that of the noise.
    shortest_px, longest_px : float
        Range of the lattice spacings, in pixels.
    pixel_m : float
        Side of a pixel.
    seed : int
    """

    n_grains: int = 3
    size: int = 1024
    signal_to_noise: float = 0.5
    shortest_px: float = 6.0
    longest_px: float = 14.0
    pixel_m: float = 2e-11
    seed: int = 0


@dataclass(frozen=True)
class Lattice:
    """Two families of lattice lines of a grain.

    Attributes
    ----------
    spacings_px : (float, float)
        Distances of lines.
    angles_deg : (float, float)
        Directions across the lines, counterclockwise from the right, 0…180.
    """

    spacings_px: tuple[float, float]
    angles_deg: tuple[float, float]


@dataclass(frozen=True)
class SimulatedMicrograph:
    """An image and its truth.

    Attributes
    ----------
    image : ndarray of float32, shape (size, size)
    grains : ndarray of int, shape (size, size)
        Number of the grain, from 0.
    lattices : tuple of Lattice
        Of each grain.
    recipe : MicrographRecipe
    """

    image: np.ndarray
    grains: np.ndarray
    lattices: tuple[Lattice, ...]
    recipe: MicrographRecipe


def simulate_micrograph(**recipe: Any) -> SimulatedMicrograph:
    """Simulate an image of grains, each with two families of lattice lines, in white noise.

    Parameters
    ----------
    **recipe
        Fields of `MicrographRecipe`.

    Returns
    -------
    SimulatedMicrograph

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    wanted = _checked(recipe)
    rng = np.random.default_rng([wanted.seed, wanted.n_grains])
    rows, columns = np.mgrid[: wanted.size, : wanted.size]
    grains = _draw_grains(rng, wanted.n_grains, rows, columns)
    lattices = tuple(_draw_lattice(rng, wanted) for _ in range(wanted.n_grains))
    image = rng.standard_normal(grains.shape)
    for number, lattice in enumerate(lattices):
        waves = _waves(lattice, rng.uniform(0, 2 * np.pi, 2), rows, columns)
        image += wanted.signal_to_noise * np.where(grains == number, waves, 0.0)
    counts = (MEAN_COUNTS + NOISE_COUNTS * image).astype(np.float32)
    return SimulatedMicrograph(counts, grains, lattices, wanted)


def write_simulated_micrograph(
    path: str | Path, overwrite: bool = False, **recipe: Any
) -> tuple[Path, Path]:
    """Simulate a micrograph and write it as TIFF, with its truth as .csv and recipe as .json.

    Parameters
    ----------
    path : path
        A file ``….tif``.
    overwrite : bool
        Whether existing files may be replaced.
    **recipe
        Fields of `MicrographRecipe`.

    Returns
    -------
    image, truth : Path

    Raises
    ------
    SettingsError
        If a value is not allowed, or the file is no TIFF.
    OutputError
        If the files can't be written, or exist and ``overwrite`` is False.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SettingsError(f"a micrograph is written as .tif, got '{path.name}'")
    require_free(path, *truth_paths(path), overwrite=overwrite)
    scene = simulate_micrograph(**recipe)
    return write_with_truth(
        path, lambda partial: _write_image(scene, partial), _rows(scene), asdict(scene.recipe)
    )


def _write_image(scene: SimulatedMicrograph, path: Path) -> None:
    import tifffile

    pixel_nm = scene.recipe.pixel_m * 1e9
    tifffile.imwrite(
        path,
        np.clip(np.rint(scene.image), 0, 65535).astype(np.uint16),
        imagej=True,
        resolution=(1 / pixel_nm, 1 / pixel_nm),
        metadata={"unit": "nm"},
    )


def _checked(recipe: Mapping[str, Any]) -> MicrographRecipe:
    wanted = MicrographRecipe(**recipe)
    if not 1 <= wanted.n_grains <= 20:
        raise SettingsError(f"a micrograph has 1 to 20 grains, got {wanted.n_grains}")
    if wanted.size < 64:
        raise SettingsError(f"a micrograph has at least 64 pixels a side, got {wanted.size}")
    if not 2 < wanted.shortest_px <= wanted.longest_px:
        raise SettingsError(
            f"lattice spacings must be longer than 2 pixels, got {wanted.shortest_px:g} to "
            f"{wanted.longest_px:g}"
        )
    return wanted


def _draw_grains(
    rng: np.random.Generator, n_grains: int, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return the Voronoi cells of random points, none of which is small."""
    size = rows.shape[0]
    while True:
        points = rng.uniform(0, size, (n_grains, 2))
        distances = [(rows - row) ** 2 + (columns - column) ** 2 for row, column in points]
        grains: np.ndarray = np.argmin(distances, axis=0)
        if np.bincount(grains.ravel(), minlength=n_grains).min() > LEAST_GRAIN * size**2 / n_grains:
            return grains


def _draw_lattice(rng: np.random.Generator, recipe: MicrographRecipe) -> Lattice:
    first = rng.uniform(recipe.shortest_px, recipe.longest_px)
    second = float(np.clip(first * rng.uniform(0.8, 1.25), recipe.shortest_px, recipe.longest_px))
    angle = rng.uniform(0, 180)
    return Lattice((first, second), (angle, (angle + rng.uniform(60, 90)) % 180))


def _waves(
    lattice: Lattice, phases: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return waves of unit variance across the lines of a lattice."""
    families = zip(lattice.spacings_px, lattice.angles_deg, phases, strict=True)
    waves: np.ndarray = np.sum([draw_wave(*each, rows, columns) for each in families], axis=0)
    return waves


def _rows(scene: SimulatedMicrograph) -> Iterator[Sequence[Any]]:
    """Yield the headings, and the lattice spacings of every grain."""
    yield "grain", "share", "spacing_m", "angle_deg"
    shares = np.bincount(scene.grains.ravel(), minlength=len(scene.lattices)) / scene.grains.size
    for number, lattice in enumerate(scene.lattices):
        for spacing, angle in zip(lattice.spacings_px, lattice.angles_deg, strict=True):
            yield number + 1, float(shares[number]), spacing * scene.recipe.pixel_m, angle
