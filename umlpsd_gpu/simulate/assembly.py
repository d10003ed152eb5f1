"""Movies of crystal assemblies: touching grains whose pixels blink together, with their truth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.files import truth_path
from umlpsd_gpu.simulate.grains import grain_image
from umlpsd_gpu.simulate.shared_trend import grain_levels
from umlpsd_gpu.simulate.stack import draw_block, frame_blocks, free_path, write_stack

# Counts of a pixel inside a grain [I]: well above the paper's threshold of 200, still above it at
# the rim of a crystal, where blur removes a third of the light, and below it one pixel further out
GRAIN_COUNTS = (460.0, 540.0)
ROUGHNESS = 0.08  # relative variation of brightness inside a grain, over the width of the blur [I]
_SCENE_STREAM = 110  # differs from those of the emitter movies


@dataclass(frozen=True)
class AssemblyRecipe:
    """All parameters of a simulated assembly.

    Attributes
    ----------
    n_grains : int
        The first two are the closest neighbours and share a slow trend. The third, fifth, … switch
        by fast traps, the others by slow traps of their own.
    layout : {"domains", "crystals"}
        ``domains``: grains fill the image, as inside one large crystal. ``crystals``: discs that
        touch, surrounded by background.
    n_rows, n_cols, n_frames : int
    dt_s : float
        Frame interval, s.
    trend_pcc : float
        Pearson correlation of the noiseless traces of grains 1 and 2, 0 to 1. Blur adds a little of
        the neighbour's light to each grain, so that the mean traces in the default movie correlate
        0.02 more: 0.83, as in the paper.
    modulation : float
        Standard deviation of a grain's brightness over time, relative to its mean.
    signal : float
        Factor on the counts of the grains.
    psf_sigma_px : float
        Standard deviation of the blur, px.
    background_counts : float
        Expected background per pixel and frame.
    offset_counts : float
        Constant that the camera adds to every pixel.
    pixel_size_um : float
        Object-plane pixel, µm.
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
    signal: float = 1.0
    psf_sigma_px: float = 1.0
    background_counts: float = 20.0
    offset_counts: float = 20.0
    pixel_size_um: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        numbers = [value for value in vars(self).values() if isinstance(value, float)]
        if not np.isfinite(numbers).all():
            raise SettingsError(f"a simulated assembly needs finite numbers, got {self}")
        positive = (
            self.n_grains,
            self.n_rows,
            self.n_cols,
            self.dt_s,
            self.signal,
            self.pixel_size_um,
        )
        if not min(positive) > 0:
            raise SettingsError(
                "n_grains, n_rows, n_cols, dt_s, signal, pixel_size_um = "
                f"{positive} must all be above 0"
            )
        if self.n_frames < 2:
            raise SettingsError(f"n_frames is {self.n_frames}, but a trend needs at least 2 frames")
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
                f"{not_negative} must all be at least 0"
            )
        if not 0 <= self.trend_pcc <= 1:
            raise SettingsError(f"trend_pcc is {self.trend_pcc}, but must be from 0 to 1")
        if self.layout not in ("domains", "crystals"):
            raise SettingsError(f"layout '{self.layout}' is not known; choose domains or crystals")


@dataclass(frozen=True)
class AssemblyTruth:
    """True grains and brightness of a simulated assembly.

    Attributes
    ----------
    grains : ndarray, shape (n_rows, n_cols), uint16
        Grain of each pixel from 1, before blur; 0 outside.
    levels : ndarray, shape (n_grains, n_frames)
        Noiseless brightness of each grain over time, mean 1.
    light : ndarray, shape (n_grains, n_rows, n_cols)
        Expected counts in every pixel from each grain at level 1, after blur.
    recipe : AssemblyRecipe
    """

    grains: np.ndarray
    levels: np.ndarray
    light: np.ndarray
    recipe: AssemblyRecipe

    def accuracy(self, rows: np.ndarray, cols: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of pixels whose cluster is that of their grain, after matching.

        Parameters
        ----------
        rows, cols : ndarray, shape (n_pixels,)
            Whole numbers of any real dtype, counted from 0.
        labels : ndarray of int, shape (n_pixels,)
            From 0; the numbering of the clusters does not matter. Pixels outside the grains are
            ignored.

        Returns
        -------
        float

        Raises
        ------
        SettingsError
            If no pixel is in a grain.
        """
        grains = self.grains[rows.astype(np.intp), cols.astype(np.intp)].astype(np.intp)
        inside = grains > 0
        if not inside.any():
            raise SettingsError("none of these pixels is in a grain; check rows and cols")
        clusters, truth = labels[inside], grains[inside]
        return float(np.mean(match_labels(clusters, truth) == truth))


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

    The brightness of each grain changes as a whole. The light of all grains is blurred by the
    optics and recorded by an EM-CCD camera (see ``emccd_counts``).

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
        If the recipe contains an unknown name or a value that is not allowed, or the grains do not
        fit in the image.

    Examples
    --------
    >>> from umlpsd_gpu.simulate.assembly import simulate_assembly
    >>> frames, truth = simulate_assembly(n_rows=10, n_cols=12, n_frames=50)
    >>> frames.shape, frames.dtype
    ((50, 10, 12), dtype('uint16'))
    >>> int(truth.grains.max())
    3
    """
    truth = _compose(_recipe_of(recipe))
    made_by = truth.recipe
    blocks = [_draw_block(truth, *block) for block in frame_blocks(made_by.n_frames)]
    return np.concatenate(blocks).reshape(-1, made_by.n_rows, made_by.n_cols), truth


def write_assembly_movie(path: str | Path, overwrite: bool = False, **recipe: Any) -> AssemblyFiles:
    """Simulate as `simulate_assembly`, and write the movie and its truth block by block.

    Parameters
    ----------
    path : str or Path
        ``….ome.tif`` is written as OME-TIFF (BigTIFF), ``….tif`` as an ImageJ stack. A folder (no
        suffix) gets ``assembly_<seed>.tif``. Missing folders are created.
    overwrite : bool
        Whether an existing file may be replaced.
    **recipe
        Fields of ``AssemblyRecipe``.

    Returns
    -------
    AssemblyFiles

    Raises
    ------
    SettingsError
        If the recipe contains an unknown name or a value that is not allowed, or the grains do not
        fit in the image.
    OutputError
        If the files can't be written, or the movie exists and ``overwrite`` is False.
    """
    made_by = _recipe_of(recipe)
    path = free_path(path, f"assembly_{made_by.seed}.tif", overwrite)
    truth = _compose(made_by)
    files = AssemblyFiles(
        path, truth_path(path, "grains.tif"), truth_path(path, "truth.json"), truth
    )

    def block_of(first: int, stop: int) -> np.ndarray:
        return _draw_block(truth, first, stop)

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
    counts = recipe.signal * rng.uniform(*GRAIN_COUNTS, recipe.n_grains)
    brightness = 1 + ROUGHNESS * _smooth_noise(rng, shape, max(recipe.psf_sigma_px, 1.0))
    light = np.empty((recipe.n_grains, *shape))
    for i in range(recipe.n_grains):
        emitted = counts[i] * brightness * (grains == i + 1)
        # grains that fill the image continue beyond its edge
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
    limited: np.ndarray = np.clip(noise * 2 * np.sqrt(np.pi) * sigma_px, -3, 3)
    return limited


def _draw_block(truth: AssemblyTruth, start: int, stop: int) -> np.ndarray:
    recipe = truth.recipe
    light = truth.light.reshape(recipe.n_grains, -1)

    def expected(frames: slice) -> np.ndarray:
        # einsum, not BLAS, so that the result does not depend on the threads
        lit: np.ndarray = np.einsum("gf,gp->fp", truth.levels[:, frames], light)
        lit += recipe.background_counts
        return lit

    return draw_block(recipe, expected, start, stop)


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
