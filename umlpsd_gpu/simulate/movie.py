"""Movies of blinking emitters, written block by block, with files that contain the truth."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.classes import BLINKING_CLASSES
from umlpsd_gpu.simulate.files import truth_paths
from umlpsd_gpu.simulate.scene import place_spots, spot_images
from umlpsd_gpu.simulate.stack import draw_block, free_path, write_stack
from umlpsd_gpu.simulate.traces import ON_COUNTS, class_member_rng

CLASS_MIX = ("PEB", "TSB", "PBB")
AGGREGATE = "aggregate"
_SCENE_STREAM = 100  # differs from the class numbers of class_member_rng


@dataclass(frozen=True)
class MovieRecipe:
    """All parameters of a simulated movie.

    Attributes
    ----------
    n_emitters : int
        Isolated emitters; the classes of ``class_mix`` are used in turn.
    n_rows, n_cols, n_frames : int
    dt_s : float
        Frame interval, s.
    class_mix : tuple of str
    n_aggregates : int
        Brighter spots, 1.8 to 2.6 times as wide as an emitter; they blink as two-state emitters.
    min_separation_px, edge_px : float
        Minimum distance of emitters from each other (twice that around aggregates) and from the
        edge.
    psf_sigma_px : float
        Standard deviation of the image of an emitter, px.
    background_counts : float
        Expected background per pixel and frame.
    offset_counts : float
        Constant that the camera adds to every pixel.
    drift_px : float
        Distance by which the sample drifts, at constant velocity, from the first frame to the last,
        in direction (0.8, 0.6).
    pixel_size_um : float
        Object-plane pixel, µm.
    seed : int

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """

    n_emitters: int = 60
    n_rows: int = 128
    n_cols: int = 128
    n_frames: int = 10_000
    dt_s: float = 0.03
    class_mix: tuple[str, ...] = CLASS_MIX
    n_aggregates: int = 0
    min_separation_px: float = 8.0
    edge_px: float = 8.0
    psf_sigma_px: float = 1.3
    background_counts: float = 10.0
    offset_counts: float = 100.0
    drift_px: float = 0.0
    pixel_size_um: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        counts = (self.n_frames, self.n_rows, self.n_cols)
        lengths = (self.dt_s, self.psf_sigma_px, self.pixel_size_um)
        if min(counts) < 1 or not min(lengths) > 0:
            raise SettingsError(
                f"n_frames, n_rows, n_cols = {counts} and dt_s, psf_sigma_px, pixel_size_um = "
                f"{lengths} must all be above 0"
            )
        not_negative = (self.n_emitters, self.n_aggregates, self.background_counts, self.seed)
        if not min(not_negative) >= 0:
            raise SettingsError(
                f"n_emitters, n_aggregates, background_counts, seed = {not_negative} must all be "
                "at least 0"
            )
        numbers = [value for value in vars(self).values() if isinstance(value, float)]
        if not np.isfinite(numbers).all():
            raise SettingsError(f"a simulated movie needs finite numbers, got {self}")
        unknown = set(self.class_mix) - set(BLINKING_CLASSES)
        if unknown or not self.class_mix:
            raise SettingsError(
                f"class_mix {self.class_mix} must name one or more of {', '.join(BLINKING_CLASSES)}"
            )

    def drift(self) -> np.ndarray:
        """Return the displacement of the sample; (n_frames, 2), rows and columns in px."""
        progress = np.linspace(0, 1, self.n_frames)
        displacement: np.ndarray = self.drift_px * progress[:, None] * np.array([0.8, 0.6])
        return displacement


@dataclass(frozen=True)
class MovieTruth:
    """True positions, classes and brightness of the spots in a simulated movie.

    Attributes
    ----------
    path, table_path, recipe_path : Path
        The movie, ``<stem>_truth.csv`` (id, row, col, class, on_counts) and ``<stem>_truth.json``.
    rows, cols : ndarray, shape (n_spots,), px
        Position in the first frame; the centre of pixel (0, 0) is at (0.0, 0.0).
    classes : ndarray of str, shape (n_spots,)
        Blinking class, or ``"aggregate"``.
    on_counts : ndarray, shape (n_spots,)
        Counts per frame, summed over all pixels, when fully ON.
    shapes : ndarray, shape (n_spots, n_frames)
        Noiseless brightness, 0…1.
    recipe : MovieRecipe
    """

    path: Path
    table_path: Path
    recipe_path: Path
    rows: np.ndarray
    cols: np.ndarray
    classes: np.ndarray
    on_counts: np.ndarray
    shapes: np.ndarray
    recipe: MovieRecipe


def simulate_movie(path: str | Path, overwrite: bool = False, **recipe: Any) -> MovieTruth:
    """Simulate an EM-CCD movie of blinking emitters and write it as uint16 TIFF.

    Parameters
    ----------
    path : str or Path
        ``….ome.tif`` is written as OME-TIFF (BigTIFF), ``….tif`` as an ImageJ stack. A folder (no
        suffix) gets ``simulated_<seed>.tif``. Missing folders are created.
    overwrite : bool
        Whether an existing file may be replaced.
    **recipe
        Fields of ``MovieRecipe``.

    Returns
    -------
    MovieTruth
        Also written to files in the same folder.

    Raises
    ------
    SettingsError
        If the recipe contains an unknown name or a value that is not allowed.
    OutputError
        If the files can't be written, or the movie exists and ``overwrite`` is False.

    Examples
    --------
    >>> import tempfile
    >>> from umlpsd_gpu.simulate.movie import simulate_movie
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = simulate_movie(folder, n_emitters=2, n_rows=32, n_cols=32, n_frames=50)
    ...     truth.path.name
    'simulated_0.tif'
    >>> truth.classes.tolist()
    ['PEB', 'TSB']
    """
    try:
        made_by = MovieRecipe(**recipe)
    except TypeError as error:
        raise SettingsError(f"simulate_movie: {error}; see MovieRecipe for the names") from error
    path = free_path(path, f"simulated_{made_by.seed}.tif", overwrite)
    truth, sigmas_px = _compose(path, made_by)

    def block_of(first: int, stop: int) -> np.ndarray:
        return _draw_block(truth, sigmas_px, first, stop)

    write_stack(path, made_by, block_of, lambda: _write_truth(truth))
    return truth


def _compose(path: Path, recipe: MovieRecipe) -> tuple[MovieTruth, np.ndarray]:
    rng = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(_SCENE_STREAM,)))
    n_aggregates, n_emitters = recipe.n_aggregates, recipe.n_emitters
    # aggregates first, because they need the most room
    separations_px = np.repeat(
        [2 * recipe.min_separation_px, recipe.min_separation_px], [n_aggregates, n_emitters]
    )
    positions = place_spots(rng, (recipe.n_rows, recipe.n_cols), separations_px, recipe.edge_px)
    positions = np.roll(positions, -n_aggregates, axis=0)
    widths = np.append(np.ones(n_emitters), rng.uniform(1.8, 2.6, n_aggregates))
    names = [recipe.class_mix[i % len(recipe.class_mix)] for i in range(n_emitters)]
    on_counts = rng.uniform(*ON_COUNTS, n_emitters + n_aggregates)
    on_counts[n_emitters:] *= rng.uniform(3, 6, n_aggregates)
    shapes = np.empty((n_emitters + n_aggregates, recipe.n_frames))
    for i, name in enumerate(names + ["TSB"] * n_aggregates):
        member_rng = class_member_rng(recipe.seed, name, i)
        shapes[i] = BLINKING_CLASSES[name](member_rng, recipe.n_frames, recipe.dt_s)
    table_path, recipe_path = truth_paths(path)
    truth = MovieTruth(
        path=path,
        table_path=table_path,
        recipe_path=recipe_path,
        rows=positions[:, 0],
        cols=positions[:, 1],
        classes=np.array(names + [AGGREGATE] * n_aggregates, dtype=np.str_),
        on_counts=on_counts,
        shapes=shapes,
        recipe=recipe,
    )
    return truth, widths * recipe.psf_sigma_px


def _draw_block(truth: MovieTruth, sigmas_px: np.ndarray, start: int, stop: int) -> np.ndarray:
    recipe = truth.recipe
    # drift inside a block, a hundredth of the total in the default movie, is ignored
    displacement = recipe.drift()[start:stop].mean(axis=0)
    positions = np.stack([truth.rows, truth.cols], axis=1) + displacement
    light = spot_images(positions, sigmas_px, (recipe.n_rows, recipe.n_cols))

    def expected(frames: slice) -> np.ndarray:
        brightness = truth.on_counts[:, None] * truth.shapes[:, frames]
        counts: np.ndarray = recipe.background_counts + (light.T @ brightness).T
        return counts

    return draw_block(recipe, expected, start, stop)


def _write_truth(truth: MovieTruth) -> None:
    with truth.table_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "row", "col", "class", "on_counts"])
        columns = (truth.rows, truth.cols, truth.classes, truth.on_counts)
        for i, (row, col, name, on_counts) in enumerate(zip(*columns, strict=True)):
            writer.writerow([i, f"{row:.4f}", f"{col:.4f}", name, f"{on_counts:.3f}"])
    recipe = json.dumps({"movie": truth.path.name, **asdict(truth.recipe)}, indent=2)
    truth.recipe_path.write_text(recipe + "\n", encoding="utf-8")
