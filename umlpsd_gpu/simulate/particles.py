"""Simulated electron micrographs of nanocrystals whose outlines are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from scipy import ndimage

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.files import require_free, truth_path, truth_paths, write_with_truth
from umlpsd_gpu.simulate.particle_images import (
    add_noise,
    cover,
    draw_annotations,
    label_shapes,
    to_grey,
    transmission,
    true_diameter_px,
    uneven_background,
)
from umlpsd_gpu.simulate.particle_placement import Ground, draw_shape

Kind = Literal[
    "isolated",
    "touching-convex",
    "touching-concave",
    "low-contrast",
    "overlapping",
    "pale-beside-dark",
    "bright-on-dark",
]
KINDS: dict[str, dict[str, Any]] = {
    "isolated": {"touching_share": 0.0, "concave_share": 0.3},
    "touching-convex": {},
    "touching-concave": {"concave_share": 0.3},
    "low-contrast": {"contrast_to_noise": 2.5, "touching_share": 0.5, "concave_share": 0.2},
    "overlapping": {"overlap_depth": 0.1, "concave_share": 0.2},
    "pale-beside-dark": {"pale_share": 0.4, "concave_share": 0.2},
    "bright-on-dark": {"is_bright": True, "contrast": 1.5, "concave_share": 0.2},
}
LARGEST_SIDE = 8192
# How far outside the image a centre may be, in diameters; and pixels of a particle that is seen
OUTSIDE_SHARE, FEWEST_SEEN_PX = 0.4, 10


@dataclass(frozen=True)
class ParticlesRecipe:
    """What to simulate.

    Attributes
    ----------
    kind : str
        A name in `KINDS`, whose values replace the defaults of the other fields.
    n_particles : int
        Fewer are placed where the image is full.
    n_rows, n_columns : int
        Of the image.
    diameter_px : float
        Median diameter of the circle of the same area.
    log_spread : float
        Standard deviation of ln(diameter).
    d_values : tuple of int
        Orders of the super-ellipses.
    p_range, l_range : (float, float)
        Of their exponents and ratios.
    concave_share, touching_share, pale_share : float
        Shares of all particles.
    overlap_depth : float
        How deep touching particles overlap, as a share of the diameter of the smaller one.
    contrast : float
        Mean change of the signal by a particle, as a share of the background.
    contrast_spread : float
        Half the range of the contrast, as a share of it.
    pale_contrast : float
        Contrast of pale particles over that of the others.
    contrast_to_noise : float
        Mean contrast over the standard deviation of the noise of the background.
    is_bright : bool
        Whether particles are brighter than the background.
    unevenness : float
        Half the range of the background, as a share of it.
    psf_px, noise_correlation_px : float
        Standard deviations of the blur, and of the spread of the noise.
    readout_share : float
        Share of the variance of the noise that is no shot noise.
    has_annotations : bool
        Whether a scale bar with text and a panel letter are burnt in.
    pixel_nm : float
        Side of a pixel.
    seed : int
    """

    kind: Kind = "touching-convex"
    n_particles: int = 200
    n_rows: int = 1024
    n_columns: int = 1024
    diameter_px: float = 34.0
    log_spread: float = 0.2
    d_values: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    p_range: tuple[float, float] = (0.7, 12.0)
    l_range: tuple[float, float] = (1.0, 2.0)
    concave_share: float = 0.0
    touching_share: float = 0.8
    pale_share: float = 0.0
    overlap_depth: float = 0.0
    contrast: float = 0.35
    contrast_spread: float = 0.3
    pale_contrast: float = 0.3
    contrast_to_noise: float = 7.0
    is_bright: bool = False
    unevenness: float = 0.15
    psf_px: float = 0.8
    noise_correlation_px: float = 0.0
    readout_share: float = 0.1
    has_annotations: bool = True
    pixel_nm: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class SimulatedParticles:
    """An image and its truth.

    Attributes
    ----------
    image : ndarray of uint8, shape (n_rows, n_columns)
    labels : ndarray of int32, shape (n_rows, n_columns)
        Number of the particle, from 1; the last one where particles overlap; 0: background. Scale
        bar and letters hide no labels.
    shapes : tuple of SuperEllipse
        Of each particle.
    contrasts : ndarray of float64, shape (n_particles,)
        Change of the signal, as a share of the background.
    is_edge_cut, is_overlapping : ndarray of bool, shape (n_particles,)
    is_annotated : ndarray of bool, shape (n_rows, n_columns)
        Where a scale bar or letters are.
    bar_px : int
        Length of the scale bar; 0: none.
    recipe : ParticlesRecipe
    """

    image: np.ndarray
    labels: np.ndarray
    shapes: tuple[SuperEllipse, ...]
    contrasts: np.ndarray
    is_edge_cut: np.ndarray
    is_overlapping: np.ndarray
    is_annotated: np.ndarray
    bar_px: int
    recipe: ParticlesRecipe


def simulate_particles(kind: Kind = "touching-convex", **recipe: Any) -> SimulatedParticles:
    """Simulate an electron micrograph of nanocrystals.

    Parameters
    ----------
    kind : str
        A name in `KINDS`.
    **recipe
        Other fields of `ParticlesRecipe`; they replace those of the kind.

    Returns
    -------
    SimulatedParticles

    Raises
    ------
    SettingsError
        If a value is not allowed.

    Examples
    --------
    >>> scene = simulate_particles("isolated", n_particles=5, n_rows=256, n_columns=256)
    >>> int(scene.labels.max())
    5
    """
    wanted = _checked(kind, recipe)
    rng = np.random.default_rng([wanted.seed, list(KINDS).index(wanted.kind)])
    shapes = _arrange(rng, wanted)
    contrasts = wanted.contrast * (1 + wanted.contrast_spread * rng.uniform(-1, 1, len(shapes)))
    contrasts[rng.random(len(shapes)) < wanted.pale_share] *= wanted.pale_contrast
    labels, is_edge_cut, is_overlapping = label_shapes(shapes, wanted.n_rows, wanted.n_columns)
    image, background_counts = _expose(rng, shapes, contrasts, wanted)
    grey = to_grey(image, background_counts, wanted.is_bright)
    bar_px, is_annotated = 0, np.zeros(grey.shape, dtype=bool)
    if wanted.has_annotations:
        bar_nm = _round_length(0.2 * wanted.n_columns * wanted.pixel_nm)
        bar_px = round(bar_nm / wanted.pixel_nm)
        is_annotated = draw_annotations(grey, bar_px, f"{bar_nm:g} nm", "(a)")
    return SimulatedParticles(
        grey, labels, shapes, contrasts, is_edge_cut, is_overlapping, is_annotated, bar_px, wanted
    )


def write_simulated_particles(
    path: str | Path, overwrite: bool = False, **recipe: Any
) -> tuple[Path, Path]:
    """Simulate particles and write TIFF, truth as .csv, recipe as .json, and a label image.

    Parameters
    ----------
    path : path
        A file ``….tif``, with the pixel size in the tags of ImageJ, or ``….ome.tif``.
    overwrite : bool
        Whether existing files may be replaced.
    **recipe
        Fields of `ParticlesRecipe`.

    Returns
    -------
    image, truth : Path
        The label image is ``…_truth_labels.tif``.

    Raises
    ------
    SettingsError
        If a value is not allowed, or the file is no TIFF.
    OutputError
        If the files can't be written, or exist and ``overwrite`` is False.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SettingsError(f"particles are written as .tif, got '{path.name}'; change its ending")
    label_path = truth_path(path, "truth_labels.tif")
    require_free(path, *truth_paths(path), label_path, overwrite=overwrite)
    scene = simulate_particles(**recipe)

    def write(partial: Path) -> None:
        _write_image(scene.labels.astype(np.uint16), label_path, scene.recipe.pixel_nm, False)
        is_ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
        _write_image(scene.image, partial, scene.recipe.pixel_nm, is_ome)

    facts = asdict(scene.recipe) | {"bar_px": scene.bar_px}
    return write_with_truth(path, write, _rows(scene), facts)


def _write_image(image: np.ndarray, path: Path, pixel_nm: float, is_ome: bool) -> None:
    import tifffile

    if is_ome:
        sizes = {f"PhysicalSize{axis}": pixel_nm for axis in "XY"}
        units = {f"PhysicalSize{axis}Unit": "nm" for axis in "XY"}
        tifffile.imwrite(path, image, ome=True, metadata={"axes": "YX", **sizes, **units})
    else:
        per_nm = (1 / pixel_nm, 1 / pixel_nm)
        tifffile.imwrite(path, image, imagej=True, resolution=per_nm, metadata={"unit": "nm"})


def _checked(kind: str, recipe: Mapping[str, Any]) -> ParticlesRecipe:
    if kind not in get_args(Kind):
        raise SettingsError(
            f"particles are simulated as one of {', '.join(KINDS)}, got '{kind}'; choose one"
        )
    wanted = ParticlesRecipe(**{"kind": kind, **KINDS[kind], **recipe})
    sides = (wanted.n_rows, wanted.n_columns)
    if not all(128 <= side <= LARGEST_SIDE for side in sides):
        raise SettingsError(
            f"an image of particles has 128 to {LARGEST_SIDE} pixels a side, got "
            f"{sides[0]} × {sides[1]}; change the size"
        )
    if not 6 <= wanted.diameter_px <= min(sides) / 4:
        raise SettingsError(
            f"particles are at least 6 pixels and at most a quarter of the image wide, got "
            f"{wanted.diameter_px:g} pixels; change diameter_px"
        )
    for name in ("n_particles", "contrast_to_noise", "contrast", "pixel_nm"):
        if not getattr(wanted, name) > 0:
            raise SettingsError(f"{name} must be above 0, got {getattr(wanted, name):g}")
    return wanted


def _arrange(rng: np.random.Generator, recipe: ParticlesRecipe) -> tuple[SuperEllipse, ...]:
    """Draw and place particles, the first of a group apart and the others next to it."""
    ground = Ground(recipe.n_rows, recipe.n_columns, OUTSIDE_SHARE * recipe.diameter_px)
    is_concave = rng.random(recipe.n_particles) < recipe.concave_share
    is_touching = rng.random(recipe.n_particles) < recipe.touching_share
    placed: list[SuperEllipse] = []
    for concave, touching in zip(is_concave, is_touching, strict=True):
        diameter = float(recipe.diameter_px * np.exp(recipe.log_spread * rng.standard_normal()))
        shape = draw_shape(
            rng, diameter, bool(concave), recipe.d_values, recipe.p_range, recipe.l_range
        )
        overlap_px = recipe.overlap_depth * min(diameter, recipe.diameter_px)
        if touching and placed:
            found = ground.place_touching(rng, shape, placed, overlap_px)
        else:
            found = ground.place_apart(rng, shape, 3.0 + 3.0 * recipe.psf_px)
        if found is not None:
            placed.append(found)
    return tuple(shape for shape in placed if _is_seen(shape, recipe))


def _is_seen(shape: SuperEllipse, recipe: ParticlesRecipe) -> bool:
    coverage = cover(shape, recipe.n_rows, recipe.n_columns, 1).coverage
    return int(np.count_nonzero(coverage)) >= FEWEST_SEEN_PX


def _expose(
    rng: np.random.Generator,
    shapes: Sequence[SuperEllipse],
    contrasts: np.ndarray,
    recipe: ParticlesRecipe,
) -> tuple[np.ndarray, float]:
    """Return noisy counts, and the mean counts of the background."""
    size = recipe.n_rows, recipe.n_columns
    signal = transmission(shapes, contrasts, *size, recipe.is_bright)
    signal *= uneven_background(rng, *size, recipe.unevenness)
    signal = ndimage.gaussian_filter(signal, recipe.psf_px)
    # variance of the noise: counts / (1 − readout_share)
    shot_share = 1.0 - recipe.readout_share
    counts = (recipe.contrast_to_noise / recipe.contrast) ** 2 / shot_share
    readout = float(np.sqrt(counts * recipe.readout_share / shot_share))
    return add_noise(rng, counts * signal, recipe.noise_correlation_px, readout), counts


def _round_length(nm: float) -> float:
    """Return the largest of 1, 2, 5 · 10ⁿ that is not longer."""
    power = 10.0 ** np.floor(np.log10(nm))
    return float(max(factor * power for factor in (1, 2, 5) if factor * power <= nm))


def _rows(scene: SimulatedParticles) -> Iterator[Sequence[Any]]:
    """Yield the headings, and the truth of every particle."""
    yield (
        *("label", "x_px", "y_px", "p", "d", "l_ratio", "diameter_px", "rotation_rad"),
        *("contrast", "is_edge_cut", "is_overlapping"),
    )
    for number, shape in enumerate(scene.shapes):
        yield (
            *(number + 1, shape.column, shape.row, shape.p, shape.d, shape.l_ratio),
            *(true_diameter_px(shape), shape.phase_rad, float(scene.contrasts[number])),
            *(bool(scene.is_edge_cut[number]), bool(scene.is_overlapping[number])),
        )
