"""Simulated movies, maps and images by the name of their scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.assembly import write_assembly_movie
from umlpsd_gpu.simulate.micrographs import write_simulated_micrograph
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.particles import write_simulated_particles
from umlpsd_gpu.simulate.spectrum_images import write_simulated_spectrum_image
from umlpsd_gpu.simulate.write_curves import write_simulated_curves

SceneName = Literal[
    "emitters", "assembly", "crystals", "curves", "micrograph", "particles", "spectrum-image"
]
WITHOUT_FRAMES = {
    "curves": "curves have",
    "micrograph": "a micrograph has",
    "particles": "an image of particles has",
    "spectrum-image": "a spectrum image has",
}
LAYOUTS = {"assembly": "domains", "crystals": "crystals"}


def write_scene(
    scene: SceneName,
    path: str | Path,
    size: str | None = None,
    of_emitters: dict[str, Any] | None = None,
    of_assembly: dict[str, Any] | None = None,
    of_curves: dict[str, Any] | None = None,
    of_micrograph: dict[str, Any] | None = None,
    of_particles: dict[str, Any] | None = None,
    overwrite: bool = False,
    **common: Any,
) -> tuple[Path, Path]:
    """Simulate a movie, a map of curves or a micrograph and write it with its truth.

    Parameters
    ----------
    scene : str
        A name in `SceneName`: isolated emitters; an assembly whose domains fill the image; crystals
        that touch; a map of current-voltage curves; an image of grains of different lattices, or of
        nanocrystals whose outlines are known; X-ray spectra.
    path : str or Path
        A TIFF file, for curves and X-ray spectra an .npz file, or a folder (no suffix).
    size : str, optional
        Rows and columns, as ``"128x128"``.
    of_emitters, of_assembly, of_curves, of_micrograph, of_particles : dict, optional
        Fields of ``MovieRecipe``, ``AssemblyRecipe``, ``CurvesRecipe``, ``MicrographRecipe`` and
        ``ParticlesRecipe``; those of other kinds of scene are ignored.
    overwrite : bool
        Whether existing files may be replaced.
    **common
        Fields of the recipes of movies, and ``seed``; None stands for the scene's default.

    Returns
    -------
    movie, map or image, truth : Path

    Raises
    ------
    SettingsError
        If a value is not allowed, or a scene without frames is given a number or an interval of
        them.
    OutputError
        If the files can't be written, or the movie exists and ``overwrite`` is False.
    """
    recipe = {name: value for name, value in common.items() if value is not None}
    if scene in WITHOUT_FRAMES and {"n_frames", "dt_s"} & set(recipe):
        what = WITHOUT_FRAMES[scene]
        raise SettingsError(f"--frames and --dt-s are of movies, and {what} none; leave them out")
    if size is not None:
        recipe |= _sides(scene, size)
    if scene == "spectrum-image":
        return write_simulated_spectrum_image(path, overwrite, **recipe)
    if scene == "particles":
        return write_simulated_particles(path, overwrite, **recipe, **(of_particles or {}))
    if scene == "micrograph":
        return write_simulated_micrograph(path, overwrite, **recipe, **(of_micrograph or {}))
    if scene == "curves":
        return write_simulated_curves(path, overwrite, **recipe, **(of_curves or {}))
    if scene == "emitters":
        truth = simulate_movie(path, overwrite, **recipe, **(of_emitters or {}))
        return truth.path, truth.table_path
    files = write_assembly_movie(
        path, overwrite, layout=LAYOUTS[scene], **recipe, **(of_assembly or {})
    )
    return files.path, files.grains_path


def _sides(scene: SceneName, size: str) -> dict[str, int]:
    """Return the fields of a recipe that say the size of the image."""
    rows, _, cols = size.lower().partition("x")
    if not (rows.isdecimal() and cols.isdecimal()):
        raise SettingsError(f"--size must look like 128x128, got '{size}'")
    if scene == "micrograph":
        if rows != cols:
            raise SettingsError(f"a micrograph is square, and --size is {size}; give it twice")
        return {"size": int(rows)}
    name = "n_columns" if scene in ("particles", "spectrum-image") else "n_cols"
    return {"n_rows": int(rows), name: int(cols)}
