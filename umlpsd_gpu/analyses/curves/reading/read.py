"""Read maps of curves: the verb, and the reader of each kind of file."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.curves.curve_map import CurveMap, Origin
from umlpsd_gpu.analyses.curves.reading.arrays import read_arrays
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.folders import read_files
from umlpsd_gpu.analyses.curves.reading.gwyddion import read_volume
from umlpsd_gpu.analyses.curves.reading.igor import read_wave
from umlpsd_gpu.analyses.curves.reading.nanonis_grid import open_grid, read_grid
from umlpsd_gpu.analyses.curves.reading.nanonis_scan import read_scan
from umlpsd_gpu.analyses.curves.reading.nanonis_text import is_spectrum, read_spectrum
from umlpsd_gpu.analyses.curves.reading.omicron import read_matrix
from umlpsd_gpu.analyses.curves.reading.polarity import with_polarity
from umlpsd_gpu.analyses.curves.reading.recording import Recording, to_curve_map
from umlpsd_gpu.analyses.curves.reading.text_curves import read_text_curves
from umlpsd_gpu.analyses.curves.settings import CurvesSettings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import settings_from_keywords, show_settings

TEXT_SUFFIXES = (".dat", ".txt", ".csv", ".tsv", ".asc")
ARRAY_SUFFIXES = (".npy", ".npz", ".h5", ".hdf5", ".mat")
# Files of microscopes that hold nothing but curves
MATRIX_END = "_mtrx"  # MATRIX names its files '…--4_1.I(V)_mtrx'
CURVE_SUFFIXES = (".3ds", ".ibw", ".i(v)_mtrx", ".gwy")
ALL_SUFFIXES = (*CURVE_SUFFIXES, *TEXT_SUFFIXES, *ARRAY_SUFFIXES)
ADVICE = {
    ".sxm": "it is a scan; give the curves, and the scan with --topography",
    ".mtrx": "it holds the parameters; give the file of the curves, as …--4_1.I(V)_mtrx",
    ".spm": "export the curves of a Bruker file as text, or as volume data with Gwyddion",
    ".pfc": "export the curves of a Bruker file as text, or as volume data with Gwyddion",
    ".nid": "export the curves of a Nanosurf file as text, or as volume data with Gwyddion",
    ".sm4": "export the curves of an RHK file as text, or as volume data with Gwyddion",
    ".zip": "unpack it",
    ".xlsx": "save the table as .csv",
}


@show_settings(CurvesSettings)
def read_curves(
    source: str | Path | Sequence[str | Path],
    settings: CurvesSettings | None = None,
    **values: Any,
) -> CurveMap:
    """Read a map of curves: currents over one bias axis, with positions and units.

    Parameters
    ----------
    source : path, or sequence of paths
        A Nanonis grid (``.3ds``) or spectrum (``.dat``); text (``.txt``, ``.csv``, ``.tsv``,
        ``.asc``) whose first column is the bias, or with pairs of columns; arrays (``.npy``,
        ``.npz``, ``.h5``, ``.mat``); with the extra ``spm`` Igor waves (``.ibw``), Omicron MATRIX
        (``….I(V)_mtrx``) and Gwyddion volume data (``.gwy``). A folder, a pattern or several files
        are the curves of one map, a file each, in natural order.
    settings : CurvesSettings, optional
    **values
        Single settings by name, which replace those of ``settings``: ``current_unit="nA"``.

    Returns
    -------
    CurveMap
        Bias in volts, currents in amperes, positions and heights in metres. ``origins`` says where
        units, channel and sweep direction are from; ``notes`` what the user should know.

    Raises
    ------
    UmlpsdError
        If the file can't be read, or what it doesn't say is not given: unit of current or bias, an
        axis of the bias, or the channel of the current.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from umlpsd_gpu import read_curves
    >>> bias = np.linspace(-1, 1, 5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = np.column_stack([bias, 2 * bias, 3 * bias])
    ...     np.savetxt(f"{folder}/two.csv", table, header="bias (V),I1 (nA),I2 (nA)", delimiter=",")
    ...     curves = read_curves(f"{folder}/two.csv")
    >>> curves.n_curves, curves.origins["current unit"].value
    (2, 'nA')
    >>> print(curves.current["forward"][0])
    [-2.e-09 -1.e-09  0.e+00  1.e-09  2.e-09]
    """
    chosen = settings_from_keywords(settings or CurvesSettings(), values, "read_curves")
    names = [source] if isinstance(source, str | os.PathLike) else list(source)
    place, files = list_files([str(name) for name in names])
    return read_map(place, files, chosen)


def read_map(place: Path, files: Sequence[Path], settings: CurvesSettings) -> CurveMap:
    """Read the files of one map.

    Parameters
    ----------
    place : Path
        For messages.
    files : sequence of Path
        From `list_files`.
    settings : CurvesSettings

    Returns
    -------
    CurveMap

    Raises
    ------
    CurvesError
        As `read_curves`.
    """

    def read_one(path: Path) -> CurveMap:
        return to_curve_map(_reader_of(path)(path, settings), path)

    if len(files) == 1:
        return _finished(read_one(files[0]), settings)

    def read_part(path: Path) -> CurveMap:
        without_rows = settings.model_copy(update={"n_rows": None})
        return to_curve_map(_reader_of(path)(path, without_rows), path)

    return _finished(read_files(files, place, settings, read_part), settings)


def list_files(names: Sequence[str]) -> tuple[Path, list[Path]]:
    """Return the files of one map, in natural order.

    Parameters
    ----------
    names : sequence of str
        Files, or one folder or pattern.

    Returns
    -------
    place : Path
        What was named, for messages.
    files : list of Path

    Raises
    ------
    SettingsError
        If there is no such file, or no curves in the folder.
    """
    from natsort import natsorted, ns

    if not names:
        raise SettingsError("no file was given; name a map of curves")
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = [file for file in path.iterdir() if not file.name.startswith(".")]
            parts = [file for file in inside if file.suffix.lower() in ALL_SUFFIXES]
            if not parts:
                raise SettingsError(
                    f"{path}: no file in this folder holds curves ({', '.join(ALL_SUFFIXES)}); "
                    "give another folder"
                )
            found += natsorted(parts, alg=ns.IGNORECASE)
        elif path.exists():
            found.append(path)
        elif matches := glob.glob(name, recursive=True):
            found += natsorted(map(Path, matches), alg=ns.IGNORECASE)
        else:
            raise SettingsError(f"there is no file or folder {name}; check the name")
    return Path(names[0]), found


def _reader_of(path: Path) -> Callable[[Path, CurvesSettings], Recording]:
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[Path, CurvesSettings], Recording]] = {
        ".3ds": lambda file, settings: read_grid(open_grid(file), settings),
        ".ibw": read_wave,
        ".gwy": read_volume,
        **dict.fromkeys(ARRAY_SUFFIXES, read_arrays),
        **dict.fromkeys(TEXT_SUFFIXES, read_text_curves),
    }
    if suffix == ".dat" and is_spectrum(path):
        return read_spectrum
    if path.name.endswith(MATRIX_END):
        return read_matrix
    if suffix not in readers:
        advice = ADVICE.get(suffix, "export the curves as text")
        raise CurvesError(
            path,
            f"'{suffix or path.name}' files hold no curves that can be read "
            f"({', '.join(ALL_SUFFIXES)}); {advice}",
        )
    return readers[suffix]


def _finished(curves: CurveMap, settings: CurvesSettings) -> CurveMap:
    return _with_topography(with_polarity(curves, settings), settings)


def _with_topography(curves: CurveMap, settings: CurvesSettings) -> CurveMap:
    """Return the map with the heights of a scan, where it has none of its own."""
    if settings.topography is None:
        return curves
    path = Path(settings.topography)
    if curves.height is not None:
        note = f"The map has heights of its own; {path.name} was not used."
        return replace(curves, notes=(*curves.notes, note))
    if curves.positions is None:
        raise CurvesError(
            curves.paths[0],
            "its curves have no positions, so no height of a scan can be found for them; give "
            "--grid-rows and --curve-pixel-m, or leave out --topography",
        )
    height = read_scan(path).at(curves.positions)
    origins = {**curves.origins, "height": Origin("Z", path.name)}
    return replace(curves, height=height, origins=origins)
