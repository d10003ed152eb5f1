"""Movies of crystal assemblies: touching grains whose pixels blink together, and the truth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.grains import grain_image
from umlpsd_gpu.simulate.shared_trend import grain_levels
from umlpsd_gpu.simulate.stack import beside, blocks_of, free_path, noisy_block, write_stack

# Counts of a pixel inside a grain [I]: well above the paper's threshold of 200; at the rim of a
# crystal, where blur takes a third of the light, still above, and a pixel further out below
GRAIN_COUNTS = (460.0, 540.0)
ROUGHNESS = 0.08  # relative spread of brightness over a grain, on the scale of the blur [I]
_SCENE_STREAM = 110  # beside the streams of the emitter movies


@dataclass(frozen=True)
class AssemblyRecipe:
    """Everything that determines a simulated assembly.

    Attributes
    ----------
    n_grains : int
        The first two are the closest neighbours and share a slow trend; of the others every
        second one (the third, fifth, …) switches by fast traps, the rest by slow ones of their own.
    layout : {"domains", "crystals"}
        ``domains``: grains fill the image, as inside one large crystal. ``crystals``: discs that
        touch, with background around them.
    n_rows, n_cols, n_frames : int
    dt_s : float
        Frame interval in seconds.
    trend_pcc : float
        Pearson correlation of the noiseless traces of grains 1 and 2, 0 to 1. Blur lends each
        grain a little of its neighbour's light, so that the mean traces of the default movie
        correlate 0.02 higher: at the paper's 0.83.
    modulation : float
        Standard deviation of a grain's brightness over time, relative to its mean.
    psf_sigma_px : float
        Blur of the image, standard deviation in pixels.
    background_counts : float
        Expected background per pixel and frame.
    offset_counts : float
        What the camera adds to every pixel.
    pixel_size_um : float
    seed : int

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """

    n_grains: int = 3
    layout: Literal["domains", "crystals"] = "domains"
    n_rows: int = 20
    n_cols: int = 20
    n_frames: int = 6000
    dt_s: float = 0.1
    trend_pcc: float = 0.81
    modulation: float = 0.2
    psf_sigma_px: float = 1.0
    background_counts: float = 20.0
    offset_counts: float = 20.0
    pixel_size_um: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = [value for value in vars(self).values() if isinstance(value, float)]
        if not np.isfinite(numbers).all():
            raise SettingsError(f"a simulated assembly needs finite numbers, got {self}")
        positive = (self.n_grains, self.n_rows, self.n_cols, self.dt_s, self.pixel_size_um)
        if not min(positive) > 0:
            raise SettingsError(
                f"n_grains, n_rows, n_cols, dt_s, pixel_size_um = {positive}; all must be above 0"
            )
        if self.n_frames < 2:
            raise SettingsError(f"n_frames is {self.n_frames}; a trend needs 2 frames or more")
        not_negative = (
            self.modulation,
            self.psf_sigma_px,
            self.background_counts,
            self.offset_counts,
            self.seed,
        )
        if not min(not_negative) >= 0:
            raise SettingsError(
                "modulation, psf_sigma_px, background_counts, offset_counts, seed = "
                f"{not_negative}; none may be below 0"
            )
        if not 0 <= self.trend_pcc <= 1:
            raise SettingsError(f"trend_pcc is {self.trend_pcc}, but must be from 0 to 1")
        if self.layout not in ("domains", "crystals"):
            raise SettingsError(f"layout '{self.layout}' is not known; choose domains or crystals")


@dataclass(frozen=True)
class AssemblyTruth:
    """What was put into a simulated assembly.

    Attributes
    ----------
    grains : ndarray, shape (n_rows, n_cols), uint16
        Grain of each pixel from 1, before blur; 0 outside.
    levels : ndarray, shape (n_grains, n_frames)
        Brightness of each grain over time, mean 1, noiseless.
    light : ndarray, shape (n_grains, n_rows, n_cols)
        Expected counts that each grain at level 1 sends to every pixel, blurred.
    recipe : AssemblyRecipe
    """

    grains: np.ndarray
    levels: np.ndarray
    light: np.ndarray
    recipe: AssemblyRecipe

    def accuracy(self, rows: np.ndarray, cols: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of pixels whose cluster is their grain, clusters matched to grains.

        Parameters
        ----------
        rows, cols : ndarray, shape (n_pixels,)
            Indices, of any real type.
        labels : ndarray of int, shape (n_pixels,)
            From 0 up; which number a cluster has doesn't matter. A pixel outside the grains is
            not counted.

        Raises
        ------
        SettingsError
            If no pixel lies in a grain.
        """
        grains = self.grains[rows.astype(np.intp), cols.astype(np.intp)].astype(np.intp)
        inside = grains > 0
        if not inside.any():
            raise SettingsError("none of these pixels lies in a grain; check rows and cols")
        found, put_in = labels[inside], grains[inside]
        return float(np.mean(match_labels(found, put_in) == put_in))


@dataclass(frozen=True)
class AssemblyFiles:
    """A simulated assembly on disk.

    Attributes
    ----------
    path : Path
        The movie.
    grains_path, recipe_path : Path
        ``<stem>_grains.tif`` (label image, uint16) and ``<stem>_truth.json``.
    truth : AssemblyTruth
    """

    path: Path
    grains_path: Path
    recipe_path: Path
    truth: AssemblyTruth


def simulate_assembly(**recipe: Any) -> tuple[np.ndarray, AssemblyTruth]:
    """Simulate a movie of touching grains in memory.

    Each grain's brightness changes as a whole. The light of all grains is blurred by the optics
    and counted by an EM-CCD camera (see ``emccd_counts``).

    Parameters
    ----------
    **recipe
        Fields of ``AssemblyRecipe``.

    Returns
    -------
    frames : ndarray, shape (n_frames, n_rows, n_cols), uint16
    truth : AssemblyTruth

    Raises
    ------
    SettingsError
        If the recipe holds an unknown name or a value that is not allowed, or the grains don't
        fit into the image.
    """
    truth = _compose(_recipe_of(recipe))
    made_by = truth.recipe
    blocks = [_noisy_block(truth, *block) for block in blocks_of(made_by.n_frames)]
    return np.concatenate(blocks).reshape(-1, made_by.n_rows, made_by.n_cols), truth


def write_assembly_movie(path: str | Path, overwrite: bool = False, **recipe: Any) -> AssemblyFiles:
    """Simulate what `simulate_assembly` does and write it as a stream, the truth beside it.

    Parameters
    ----------
    path : str or Path
        ``….ome.tif`` is written as OME-TIFF (BigTIFF), ``….tif`` as an ImageJ stack; a folder
        (no suffix) gets ``assembly_<seed>.tif``. Missing folders are made.
    overwrite : bool
        Whether a file that is there may be replaced.
    **recipe
        Fields of ``AssemblyRecipe``.

    Raises
    ------
    SettingsError
        As there.
    OutputError
        If the files can't be written, or the movie is there already.
    """
    made_by = _recipe_of(recipe)
    path = free_path(path, f"assembly_{made_by.seed}.tif", overwrite)
    truth = _compose(made_by)
    files = AssemblyFiles(path, beside(path, "grains.tif"), beside(path, "truth.json"), truth)

    def block_of(first: int, stop: int) -> np.ndarray:
        return _noisy_block(truth, first, stop)

    write_stack(path, made_by, block_of, lambda: _write_truth(files))
    return files


def _recipe_of(values: dict[str, Any]) -> AssemblyRecipe:
    try:
        return AssemblyRecipe(**values)
    except TypeError as error:
        raise SettingsError(
            f"simulated assembly: {error}; see AssemblyRecipe for the names"
        ) from error


def _compose(recipe: AssemblyRecipe) -> AssemblyTruth:
    rng = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(_SCENE_STREAM,)))
    shape = (recipe.n_rows, recipe.n_cols)
    grains = grain_image(rng, shape, recipe.n_grains, recipe.layout)
    counts = rng.uniform(*GRAIN_COUNTS, recipe.n_grains)
    brightness = 1 + ROUGHNESS * _smooth_noise(rng, shape, max(recipe.psf_sigma_px, 1.0))
    light = np.empty((recipe.n_grains, *shape))
    for i in range(recipe.n_grains):
        emitted = counts[i] * brightness * (grains == i + 1)
        # grains that fill the image go on beyond its edge
        light[i] = gaussian_filter(emitted, recipe.psf_sigma_px, mode="nearest")
    levels = grain_levels(
        recipe.n_grains,
        recipe.n_frames,
        recipe.dt_s,
        recipe.trend_pcc,
        recipe.modulation,
        recipe.seed,
    )
    return AssemblyTruth(grains, levels, light, recipe)


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> np.ndarray:
    """Return Gaussian noise of standard deviation 1, smooth over ``sigma_px``."""
    # the root of the sum of the squared weights of a Gaussian filter is 1 / (2 √π σ)
    noise = gaussian_filter(rng.standard_normal(shape), sigma_px, mode="wrap")
    return np.clip(noise * 2 * np.sqrt(np.pi) * sigma_px, -3, 3)


def _noisy_block(truth: AssemblyTruth, start: int, stop: int) -> np.ndarray:
    recipe = truth.recipe
    light = truth.light.reshape(recipe.n_grains, -1)

    def expected(frames: slice) -> np.ndarray:
        # einsum, not BLAS: the same bits whatever the threads
        lit = np.einsum("gf,gp->fp", truth.levels[:, frames], light)
        lit += recipe.background_counts
        return lit

    return noisy_block(recipe, expected, start, stop)


def _write_truth(files: AssemblyFiles) -> None:
    import tifffile

    truth = files.truth
    pixels_per_um = 1 / truth.recipe.pixel_size_um
    tifffile.imwrite(
        files.grains_path,
        truth.grains,
        imagej=True,
        resolution=(pixels_per_um, pixels_per_um),
        metadata={"unit": "um"},
    )
    recipe = json.dumps({"movie": files.path.name, **asdict(truth.recipe)}, indent=2)
    files.recipe_path.write_text(recipe + "\n", encoding="utf-8")
