"""Maps of curves in NumPy, HDF5 and MATLAB files, with or without their axes."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import Origin
from umlpsd_gpu.analyses.curves.reading.array_names import (
    BIAS,
    CURRENT,
    LOCK_IN,
    WAY_BACK,
    WAY_THERE,
    Contents,
    NamedArray,
    open_contents,
)
from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.places import places_of
from umlpsd_gpu.analyses.curves.reading.recording import Recording
from umlpsd_gpu.analyses.curves.reading.units import bias_factor, current_factor, length_factor
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

# What NumPy, SciPy and h5py raise for files of another format
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
NO_NUMBERS = re.compile("pickle|Python objects")
HEIGHTS = ("height", "heights", "topography", "z")


def read_arrays(path: Path, settings: CurvesSettings) -> Recording:
    """Read a map of curves from a file of arrays.

    Parameters
    ----------
    path : Path
    settings : CurvesSettings

    Returns
    -------
    Recording

    Raises
    ------
    CurvesError
        If the file can't be read, or bias, currents or units are unknown.
    """
    try:
        with open_contents(path) as contents:
            return _read(contents, path, settings)
    except CurvesError:
        raise
    except UNREADABLE as error:
        # NumPy takes what it doesn't know for Python objects, which may be malicious
        is_other = NO_NUMBERS.search(str(error))
        reason = "it holds no arrays of numbers" if is_other else str(error)
        raise CurvesError(
            path, f"it can't be read as {path.suffix} file ({reason}); write it again"
        ) from error


def _read(contents: Contents, path: Path, settings: CurvesSettings) -> Recording:
    there, back = _find_currents(contents, path, settings)
    bias, bias_origin = _find_bias(contents, there, path, settings)
    factor, current_origin = current_factor(
        contents.unit_of(there, "current"), settings.current_unit, path
    )
    current, shape = _as_rows(there, bias.size, path)
    current_back = None if back is None else _as_rows(back, bias.size, path)[0] * factor
    shape = _shape_of(contents, shape, len(current), path)
    lock_in: dict[str, np.ndarray] = {}
    lock_in_back: dict[str, np.ndarray] = {}
    for array in contents.arrays.values():
        if LOCK_IN.fullmatch(array.short) and array.shape == there.shape:
            name = WAY_BACK.sub("", WAY_THERE.sub("", array.short)).strip("_ ")
            target = lock_in_back if WAY_BACK.search(array.short) else lock_in
            target[name] = _as_rows(array, bias.size, path)[0]
    names_direction = bool(WAY_THERE.search(there.short) or WAY_BACK.search(there.short))
    falls = bool(bias[-1] < bias[0])
    is_back_by_name = bool(WAY_BACK.search(there.short))
    origins = {
        "current": Origin(there.name, "name of the array"),
        "current unit": current_origin,
        "bias": bias_origin,
    }
    if names_direction:
        origins["sweep direction"] = Origin(there.short, "name of the array")
    recording = Recording(
        bias=bias,
        current=current * factor,
        current_back=current_back,
        lock_in=lock_in,
        lock_in_back=lock_in_back,
        is_on_way_back=names_direction and falls != is_back_by_name,
        shape=shape,
        positions=_positions(contents, len(current), path, settings),
        height=_height(contents, len(current), path, settings),
        origins=origins,
        notes=_note_of_square(there),
        paths=(path,),
    )
    return places_of(recording, settings, path)


def _find_currents(
    contents: Contents, path: Path, settings: CurvesSettings
) -> tuple[NamedArray, NamedArray | None]:
    if settings.array is not None:
        if settings.array not in contents.arrays:
            raise CurvesError(
                path,
                f"it has no array '{settings.array}'; its arrays are "
                f"{', '.join(contents.arrays) or 'none'}",
            )
        return contents.arrays[settings.array], None
    wide = [array for array in contents.arrays.values() if _can_be_current(array)]
    named = [array for array in wide if CURRENT.fullmatch(array.short)]
    back = [array for array in named if WAY_BACK.search(array.short)]
    there = [array for array in named if not WAY_BACK.search(array.short)]
    if len(there) == 1 and len(back) <= 1:
        return there[0], back[0] if back else None
    if not there and len(back) == 1:
        return back[0], None
    if not named and len(wide) == 1:
        return wide[0], None
    what = "several arrays" if wide else "no array"
    raise CurvesError(
        path,
        f"{what} could hold the currents; name one with --curve-array: "
        f"{', '.join(contents.arrays) or 'the file is empty'}",
    )


def _values(array: NamedArray, path: Path) -> np.ndarray:
    if array.is_complex:
        raise CurvesError(
            path,
            f"the array {array.name} has complex numbers, but curves are real; save its real part "
            "or its magnitude",
        )
    return array.read()


def _can_be_current(array: NamedArray) -> bool:
    is_other = array.short.lower().startswith(("position", "shape", "xy", *HEIGHTS))
    return len(array.shape) in (2, 3) and not is_other and not LOCK_IN.fullmatch(array.short)


def _find_bias(
    contents: Contents, current: NamedArray, path: Path, settings: CurvesSettings
) -> tuple[np.ndarray, Origin]:
    if settings.bias_from_v is not None and settings.bias_to_v is not None:
        axis = np.linspace(settings.bias_from_v, settings.bias_to_v, current.shape[-1])
        return axis, Origin("V", "--bias-from-v and --bias-to-v")
    vectors = {n: a for n, a in contents.arrays.items() if max(a.shape, default=0) == _size(a)}
    if settings.bias_array is not None:
        found = [array for name, array in contents.arrays.items() if name == settings.bias_array]
    else:
        found = [array for array in vectors.values() if BIAS.fullmatch(array.short)]
    if len(found) != 1:
        which = f" called '{settings.bias_array}'" if settings.bias_array else ""
        raise CurvesError(
            path,
            f"it has {'several axes' if found else 'no axis'} of the bias{which}; name one with "
            "--bias-array, or give the bias of the first and last point with --bias-from-v and "
            "--bias-to-v",
        )
    (array,) = found
    factor, origin = bias_factor(contents.unit_of(array, "bias"), settings.bias_unit, path)
    return _values(array, path).ravel() * factor, origin


def _as_rows(
    array: NamedArray, n_points: int, path: Path
) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Return curves as rows, and the grid of a volume."""
    values = _values(array, path)
    sizes = values.shape
    if n_points not in (sizes[-1], sizes[0]):
        raise CurvesError(
            path,
            f"the array {array.name} of shape {sizes} has no axis of {n_points} points, as the "
            "bias has; give currents of shape (rows, columns, points) or (curves, points)",
        )
    if sizes[-1] != n_points:
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3:
        n_rows, n_cols, _ = values.shape
        return values.reshape(-1, n_points), (n_rows, n_cols)
    return values, None


def _note_of_square(array: NamedArray) -> tuple[str, ...]:
    """Return the note about an array whose sizes don't say which axis is the bias."""
    if len(array.shape) < 2 or array.shape[0] != array.shape[-1]:
        return ()
    sizes = " × ".join(map(str, array.shape))
    return (
        f"The array {array.name} has {sizes} values: its last axis was read as the bias; transpose "
        "it if the first one is.",
    )


def _shape_of(
    contents: Contents, shape: tuple[int, int] | None, n_curves: int, path: Path
) -> tuple[int, int] | None:
    stored = contents.named("shape", "grid", "grid_shape")
    if shape is not None or stored is None or _size(stored) != 2:
        return shape
    n_rows, n_cols = (int(number) for number in _values(stored, path).ravel())
    if n_rows * n_cols != n_curves:
        raise CurvesError(
            path, f"its shape {n_rows} × {n_cols} doesn't fit {n_curves} curves; correct it"
        )
    return n_rows, n_cols


def _positions(
    contents: Contents, n_curves: int, path: Path, settings: CurvesSettings
) -> np.ndarray | None:
    stored = contents.named("positions", "position", "xy")
    if stored is None:
        return None
    values = _values(stored, path)
    if values.size != 2 * n_curves:
        raise CurvesError(
            path,
            f"its positions have shape {values.shape}; give x and y of each of the {n_curves} "
            "curves",
        )
    factor, _ = length_factor(contents.unit_of(stored, "position"), settings.length_unit, path)
    return values.reshape(n_curves, 2) * factor


def _height(
    contents: Contents, n_curves: int, path: Path, settings: CurvesSettings
) -> np.ndarray | None:
    stored = contents.named(*HEIGHTS)
    if stored is None or _size(stored) != n_curves:
        return None
    factor, _ = length_factor(contents.unit_of(stored, "height"), settings.length_unit, path)
    heights: np.ndarray = _values(stored, path).ravel() * factor
    return heights


def _size(array: NamedArray) -> int:
    return int(np.prod(array.shape))
