"""Simulated movies and maps of curves by the name of their scene, each with its own options."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.assembly import write_assembly_movie
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.write_curves import write_simulated_curves

SceneName = Literal["emitters", "assembly", "crystals", "curves"]
LAYOUTS = {"assembly": "domains", "crystals": "crystals"}


def write_scene(
    scene: SceneName,
    path: str | Path,
    size: str | None = None,
    of_emitters: dict[str, Any] | None = None,
    of_assembly: dict[str, Any] | None = None,
    of_curves: dict[str, Any] | None = None,
    overwrite: bool = False,
    **common: Any,
) -> tuple[Path, Path]:
    """Simulate a movie or a map of curves and write it with its truth.

    Parameters
    ----------
    scene : {"emitters", "assembly", "crystals", "curves"}
        Isolated emitters; an assembly whose domains fill the image; crystals that touch; or a map
        of current-voltage curves.
    path : str or Path
        A TIFF file, for curves an .npz file, or a folder (no suffix).
    size : str, optional
        Rows and columns, as ``"128x128"``.
    of_emitters, of_assembly, of_curves : dict, optional
        Fields of ``MovieRecipe``, ``AssemblyRecipe`` and ``CurvesRecipe``; those of other kinds of
        scene are ignored.
    overwrite : bool
        Whether existing files may be replaced.
    **common
        Fields of the recipes of movies, and ``seed``; None stands for the scene's default.

    Returns
    -------
    movie or map, truth : Path

    Raises
    ------
    SettingsError
        If a value is not allowed, or curves are given a number or an interval of frames.
    OutputError
        If the files can't be written, or the movie exists and ``overwrite`` is False.
    """
    recipe = {name: value for name, value in common.items() if value is not None}
    if size is not None:
        recipe["n_rows"], recipe["n_cols"] = _rows_and_cols(size)
    if scene == "curves":
        of_frames = [name for name in ("n_frames", "dt_s") if name in recipe]
        if of_frames:
            raise SettingsError(
                "--frames and --dt-s are of movies, and curves have none; leave them out"
            )
        return write_simulated_curves(path, overwrite, **recipe, **(of_curves or {}))
    if scene == "emitters":
        truth = simulate_movie(path, overwrite, **recipe, **(of_emitters or {}))
        return truth.path, truth.table_path
    files = write_assembly_movie(
        path, overwrite, layout=LAYOUTS[scene], **recipe, **(of_assembly or {})
    )
    return files.path, files.grains_path


def _rows_and_cols(size: str) -> tuple[int, int]:
    rows, _, cols = size.lower().partition("x")
    if not (rows.isdecimal() and cols.isdecimal()):
        raise SettingsError(f"--size must look like 128x128, got '{size}'")
    return int(rows), int(cols)
