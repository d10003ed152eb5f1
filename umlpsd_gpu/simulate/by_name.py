"""Simulated movies by the name of their scene, with the options that belong to it."""

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
    """Simulate a movie; return where it and its truth are.

    Parameters
    ----------
    scene : {"emitters", "assembly", "crystals"}
        Isolated emitters; an assembly whose domains fill the image; crystals that touch.
    path : str or Path
    size : str, optional
        Rows and columns as ``"128x128"``.
    of_emitters, of_assembly : dict, optional
        Fields of ``MovieRecipe`` or ``AssemblyRecipe``; those of the other scene are left aside.
    overwrite : bool
    **common
        Fields that both have; None stands for the scene's default.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    OutputError
        If the files can't be written, or the movie is there already.
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
