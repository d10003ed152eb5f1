"""Open the inputs of a study: movies, or tables of traces."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.other_formats import name_format
from umlpsd_gpu.movie.sources import TIFF_SUFFIXES
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.suffixes import TABLE_SUFFIXES
from umlpsd_gpu.traces.tables import read_traces
from umlpsd_gpu.traces.traces import Traces

# Kinds of files with tables that are not read, and what to write instead
OTHER_TABLES = {
    **dict.fromkeys((".xls", ".xlsb", ".ods", ".numbers", ".gsheet"), "save it as .xlsx or .csv"),
    **dict.fromkeys(
        (".asc", ".prn", ".tab", ".log", ".text", ".lvm"), "if it is text, rename it to .txt"
    ),
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".7z", ".tar", ".rar"), "unpack it"),
    **dict.fromkeys((".hdf", ".he5", ".h4", ".nc", ".nwb"), "if it is HDF5, rename it to .h5"),
    **dict.fromkeys(
        (
            ".parquet",
            ".feather",
            ".arrow",
            ".pkl",
            ".pickle",
            ".json",
            ".xml",
            ".rds",
            ".rdata",
            ".opj",
            ".opju",
            ".pxp",
            ".spc",
            ".sif.txt",
        ),
        "export it as .csv, .npy or .h5",
    ),
}
OME_COMPANION = ".ome"
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
N_BYTES_READ = 2048


def open_sources(names: Sequence[str], settings: Settings) -> list[Movie] | Traces:
    """Open movies, or read and pool tables of traces; a study can't have both.

    Parameters
    ----------
    names : sequence of str
        Files, folders or patterns; tables are recognised by their suffix. With ``movie.join``,
        several files are the parts of one movie, in the order given.
    settings : Settings

    Returns
    -------
    list of Movie, or Traces

    Raises
    ------
    SettingsError
        If movies and tables are mixed, an input is given twice, or a file is neither.
    MovieError, TracesError
        If an input can't be opened.
    """
    twice = [name for name, count in Counter(map(os.path.realpath, names)).items() if count > 1]
    if twice:
        raise SettingsError(f"{', '.join(twice)}: given twice; name each movie or table once")
    tables_of = {name: list_tables(name) for name in names}
    tables = list(dict.fromkeys(table for found in tables_of.values() for table in found))
    if not tables:
        for name in names:
            _refuse_other_file(Path(name))
        if settings.movie.join and len(names) > 1:
            return [open_movie(list(names), settings.movie)]
        return [open_movie(name, settings.movie) for name in names]
    if not all(tables_of.values()):
        raise SettingsError(
            f"movies and tables of traces can't be mixed in one study, got {', '.join(names)}; "
            "analyse them separately"
        )
    chosen = settings.traces
    parts = [
        read_traces(
            name,
            dt_s=settings.movie.dt_s,
            array=chosen.array,
            sheet=chosen.sheet,
            layout=chosen.layout,
            decimal=chosen.decimal,
            encoding=chosen.encoding,
            unequal_lengths=chosen.unequal_lengths,
        )
        for name in tables
    ]
    return pool_traces(parts, chosen.unequal_lengths)


def list_tables(name: str) -> list[str]:
    """Return the tables that a name stands for, in natural order.

    Parameters
    ----------
    name : str
        A file with the suffix of a table; a pattern of such files; or a folder that holds some and
        no TIFF file.

    Returns
    -------
    list of str
        Empty for movies.

    Raises
    ------
    SettingsError
        If a pattern matches both tables and TIFF files.
    """
    from natsort import natsorted, ns

    path = Path(name)
    if path.is_dir():
        files = [entry for entry in _list_folder(path) if not entry.name.startswith(".")]
        if any(_has_suffix(file, TIFF_SUFFIXES) for file in files):
            return []
        found = [str(file) for file in files if _has_suffix(file, TABLE_SUFFIXES)]
    elif glob.has_magic(name) and not path.exists():
        matches = [Path(match) for match in glob.glob(name, recursive=True)]
        found = [str(match) for match in matches if _has_suffix(match, TABLE_SUFFIXES)]
        movies = [match for match in matches if _has_suffix(match, TIFF_SUFFIXES)]
        if found and movies:
            raise SettingsError(
                f"{name} matches both tables ({found[0]}) and movies ({movies[0]}), which can't "
                "be mixed in one study; give a pattern that ends in one of their suffixes"
            )
    else:
        return [name] if _has_suffix(path, TABLE_SUFFIXES) else []
    return natsorted(found, alg=ns.IGNORECASE)


def _list_folder(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []  # open_movie says why


def _has_suffix(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.suffix.lower() in suffixes


def _refuse_other_file(path: Path) -> None:
    """Refuse a file that is neither TIFF nor a table, but may hold a table."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix in TIFF_SUFFIXES:
        return
    try:
        with path.open("rb") as file:
            start = file.read(N_BYTES_READ)
    except OSError:
        return
    if start.startswith(TIFF_STARTS) or suffix == OME_COMPANION:
        return
    advice = OTHER_TABLES.get(suffix)
    if advice is None and name_format(path):
        return  # the movie's reader says what it is
    if advice is None and _is_text(start):
        advice = "if it is a table of text, rename it to .txt or .csv"
    if advice is not None:
        raise SettingsError(
            f"{path}: '{suffix or path.name}' is neither a table of traces "
            f"({', '.join(TABLE_SUFFIXES)}) nor a TIFF movie ({', '.join(TIFF_SUFFIXES)}); {advice}"
        )


def _is_text(start: bytes) -> bool:
    if not start or b"\0" in start:
        return False
    try:
        start[: len(start) - 3].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
