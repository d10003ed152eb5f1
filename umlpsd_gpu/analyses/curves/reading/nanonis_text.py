"""Nanonis spectra (.dat): a header of tab-separated lines, then a table of channels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.channels import choose_channels
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import (
    BIASES,
    HEADER,
    bias_factor,
    current_factor,
    unit_in_name,
)
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

DATA = "[DATA]"
LONGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class Spectrum:
    """A spectrum as its file holds it.

    Attributes
    ----------
    header : mapping of str to str
    columns : tuple of str
        The first is the swept quantity.
    values : ndarray, shape (n_points, n_columns)
    """

    header: Mapping[str, str]
    columns: tuple[str, ...]
    values: np.ndarray


def is_spectrum(path: Path) -> bool:
    """Return whether a text file is a Nanonis spectrum.

    Parameters
    ----------
    path : Path
    """
    try:
        with path.open(encoding="latin-1") as file:
            start = file.read(LONGEST_HEADER)
    except OSError:
        return False
    return start.startswith("Experiment\t") and DATA in start


def read_spectrum(path: Path, settings: CurvesSettings) -> Recording:
    """Read one spectrum.

    Parameters
    ----------
    path : Path
    settings : CurvesSettings

    Returns
    -------
    Recording
        Of one curve.

    Raises
    ------
    CurvesError
        If the sweep is no bias sweep, or the current or its unit are unknown.
    """
    spectrum = _parse(path)
    swept = spectrum.columns[0]
    unit = unit_in_name(swept)
    if unit not in BIASES and "bias" not in swept.lower():
        raise CurvesError(
            path, f"it is a sweep of '{swept}', not of the bias; give bias spectroscopy"
        )
    factor, bias_origin = bias_factor(unit, settings.bias_unit, path)
    names = spectrum.columns[1:]
    chosen = choose_channels(names, settings.channel, settings.lock_in_channel, path)
    current, current_origin = current_factor(chosen.unit, settings.current_unit, path)
    curves = spectrum.values[:, 1:].T
    back = None if chosen.current_back is None else curves[chosen.current_back][None] * current
    x, y, z = (_number(spectrum.header, f"{axis} (m)") for axis in "XYZ")
    return Recording(
        bias=spectrum.values[:, 0] * factor,
        current=curves[chosen.current][None] * current,
        current_back=back,
        lock_in={name: curves[i][None] for name, i, is_back in chosen.lock_in if not is_back},
        lock_in_back={name: curves[i][None] for name, i, is_back in chosen.lock_in if is_back},
        positions=None if math.isnan(x + y) else np.array([[x, y]]),
        height=None if math.isnan(z) else np.array([z]),
        origins={
            "current": Origin(chosen.name, HEADER),
            "current unit": current_origin,
            "bias": bias_origin,
            "positions": Origin("m", HEADER),
        },
        paths=(path,),
    )


def _parse(path: Path) -> Spectrum:
    lines = path.read_text(encoding="latin-1").splitlines()
    at = next((i for i, line in enumerate(lines) if line.strip() == DATA), None)
    if at is None or at + 2 >= len(lines):
        raise CurvesError(path, "it has no rows below [DATA]; export the spectrum again")
    pairs = [line.split("\t")[:2] for line in lines[:at]]
    header = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    columns = tuple(name.strip() for name in lines[at + 1].rstrip("\t").split("\t"))
    rows = [line.rstrip("\t").split("\t") for line in lines[at + 2 :] if line.strip()]
    return Spectrum(header, columns, _numbers(rows, len(columns), path))


def _numbers(rows: Sequence[Sequence[str]], width: int, path: Path) -> np.ndarray:
    short = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if short is not None:
        plural = "s" * (len(rows[short]) != 1)
        raise CurvesError(
            path,
            f"row {short + 1} below [DATA] has {len(rows[short])} cell{plural}, but there are "
            f"{width} columns; copy the file again",
        )
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise CurvesError(
            path, f"its table holds words instead of numbers ({error}); export it again"
        ) from error


def _number(header: Mapping[str, str], key: str) -> float:
    try:
        return float(header.get(key, ""))
    except ValueError:
        return math.nan
