"""Simulated movies by the name of their scene, each with its own options."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.assembly import write_assembly_movie
from umlpsd_gpu.simulate.movie import simulate_movie

SceneName = Literal["emitters", "assembly", "crystals"]
LAYOUTS = {"assembly": "domains", "crystals": "crystals"}


def write_scene(
    scene: SceneName,
    path: str | Path,
    size: str | None = None,
    of_emitters: dict[str, Any] | None = None,
    of_assembly: dict[str, Any] | None = None,
    overwrite: bool = False,
    **common: Any,
) -> tuple[Path, Path]:
    """Simulate a movie and write it with its truth.

    Parameters
    ----------
    scene : {"emitters", "assembly", "crystals"}
        Isolated emitters; an assembly whose domains fill the image; or crystals that touch.
    path : str or Path
        A TIFF file, or a folder (no suffix).
    size : str, optional
        Rows and columns, as ``"128x128"``.
    of_emitters, of_assembly : dict, optional
        Fields of ``MovieRecipe`` and of ``AssemblyRecipe``; those of the other kind of scene are
        ignored.
    overwrite : bool
        Whether existing files may be replaced.
    **common
        Fields of both recipes; None stands for the scene's default.

    Returns
    -------
    movie, truth : Path

    Raises
    ------
    SettingsError
        If a value is not allowed.
    OutputError
        If the files can't be written, or the movie exists and ``overwrite`` is False.
    """
    recipe = {name: value for name, value in common.items() if value is not None}
    if size is not None:
        recipe["n_rows"], recipe["n_cols"] = _rows_and_cols(size)
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
