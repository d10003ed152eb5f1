"""Curve maps of Gwyddion (objects GwyLawn): several curves in each pixel, one of them the bias."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.channels import Chosen, choose_channels
from umlpsd_gpu.analyses.curves.reading.common_axis import to_common_axis
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import (
    BIASES,
    HEADER,
    bias_factor,
    current_factor,
    length_factor,
)
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

BIAS_NAME = re.compile(r"(.*\bbias\b|v$|u$|voltage\b)", re.IGNORECASE)


def read_lawn(lawn: Any, name: str, settings: CurvesSettings, path: Path) -> Recording:
    """Read a curve map.

    Parameters
    ----------
    lawn : mapping
        Components of the object: ``data`` has, for each pixel, the values of its first curve, then
        those of the second, and so on; all curves of a pixel have ``curvelengths`` points.
    name : str
        Title of the curve map.
    settings : CurvesSettings
    path : Path

    Returns
    -------
    Recording
        Pixels without points are NaN throughout.

    Raises
    ------
    CurvesError
        If the bias or the current is not clear, or curves have unequal lengths.
    """
    labels, units = _labels(lawn), _units(lawn)
    values = _values(lawn, len(labels), path)
    bias_at = _find_bias(labels, units, path)
    others = [i for i in range(len(labels)) if i != bias_at]
    texts = [f"{labels[i]} ({units[i]})" if units[i] else labels[i] for i in others]
    chosen = choose_channels(texts, settings.channel, settings.lock_in_channel, path)
    factor, current_origin = current_factor(chosen.unit, settings.current_unit, path)
    size, bias_origin = bias_factor(units[bias_at], settings.bias_unit, path)
    is_recorded = np.isfinite(values).all(axis=(1, 2))
    if not values.size or not is_recorded.any():
        raise CurvesError(path, f"the curve map '{name}' has no points; export it again")
    axes = values[:, bias_at] * size
    axes[~is_recorded] = axes[is_recorded][0]
    by_channel, bias, notes = _on_common_axis(values[:, others], axes, chosen, path)
    back = None if chosen.current_back is None else by_channel[chosen.current_back] * factor
    return Recording(
        bias=bias,
        current=by_channel[chosen.current] * factor,
        current_back=back,
        lock_in={text: by_channel[i] for text, i, is_back in chosen.lock_in if not is_back},
        lock_in_back={text: by_channel[i] for text, i, is_back in chosen.lock_in if is_back},
        shape=(int(lawn["yres"]), int(lawn["xres"])),
        positions=_positions(lawn, path),
        origins={
            "current": Origin(f"{name}, {chosen.name}", HEADER),
            "current unit": current_origin,
            "bias": Origin(bias_origin.value, f"curve '{labels[bias_at]}' of the map"),
            "positions": Origin("m", HEADER),
        },
        notes=notes,
        paths=(path,),
    )


def _labels(lawn: Any) -> list[str]:
    n_curves = int(lawn["ncurves"])
    labels = lawn.get("curve_labels") or [f"curve {i + 1}" for i in range(n_curves)]
    return [str(label) for label in labels]


def _units(lawn: Any) -> list[str]:
    units = lawn.get("si_units_curves")
    if units is None:
        return [""] * int(lawn["ncurves"])
    return [str(unit.get("unitstr", "")) for unit in units]


def _values(lawn: Any, n_curves: int, path: Path) -> np.ndarray:
    """Return all values, shape (n_pixels, n_curves, n_points); NaN in pixels without points."""
    lengths = np.asarray(lawn["curvelengths"])
    data = np.asarray(lawn["data"], dtype=np.float64)
    n_pixels = int(lawn["xres"]) * int(lawn["yres"])
    if lengths.size != n_pixels or (lengths < 0).any() or data.size != n_curves * lengths.sum():
        raise CurvesError(
            path,
            f"its curve map is damaged: {data.size} values of {n_curves} curves do not fit "
            f"{n_pixels} pixels; save it again",
        )
    n_points = int(lengths.max(initial=0))
    is_short = (lengths > 0) & (lengths < n_points)
    if is_short.any():
        first = int(np.flatnonzero(is_short)[0])
        raise CurvesError(
            path,
            f"the curves have unequal lengths: curve {first + 1} has {lengths[first]} points, the "
            f"longest {n_points}; give curves of equal length",
        )
    values = np.full((n_pixels, n_curves, n_points), np.nan)
    is_filled = lengths > 0
    values[is_filled] = data.reshape(int(is_filled.sum()), n_curves, n_points)
    return values


def _find_bias(labels: list[str], units: list[str], path: Path) -> int:
    """Return the curve that is the bias: the only one in volts, or called so."""
    in_volts = [i for i, unit in enumerate(units) if unit in BIASES]
    named = [i for i, label in enumerate(labels) if BIAS_NAME.match(label)]
    found = [i for i in in_volts if i in named] or in_volts or [i for i in named if not units[i]]
    if len(found) == 1:
        return found[0]
    what = "several of its curves could be" if found else "none of its curves is"
    listed = ", ".join(
        f"{label} ({unit})" if unit else label for label, unit in zip(labels, units, strict=True)
    )
    raise CurvesError(
        path, f"{what} the bias: {listed}; in Gwyddion, name one of them Bias and give it volts"
    )


def _on_common_axis(
    channels: np.ndarray, axes: np.ndarray, chosen: Chosen, path: Path
) -> tuple[dict[int, np.ndarray], np.ndarray, tuple[str, ...]]:
    """Return the curves of every channel that is read, the common bias, and notes about it."""
    wanted = {chosen.current, *(i for _, i, _ in chosen.lock_in)}
    if chosen.current_back is not None:
        wanted.add(chosen.current_back)
    found = {i: to_common_axis(axes, channels[:, i], path) for i in sorted(wanted)}
    bias, _, notes = found[chosen.current]
    return {i: each[1] for i, each in found.items()}, bias, notes


def _positions(lawn: Any, path: Path) -> np.ndarray:
    """Return the centres of the pixels, in metres; y goes down."""
    unit = lawn.get("si_unit_xy")
    size, _ = length_factor(str(unit.get("unitstr", "")) if unit else "m", None, path)

    def centres(axis: str) -> np.ndarray:
        n = int(lawn[f"{axis}res"])
        extent = float(lawn[f"{axis}real"])
        return np.asarray(float(lawn.get(f"{axis}off", 0.0)) + extent * (np.arange(n) + 0.5) / n)

    across, down = (each.ravel() * size for each in np.meshgrid(centres("x"), centres("y")))
    return np.column_stack([across, -down])
