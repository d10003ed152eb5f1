"""Spectrum images in NumPy and HDF5 files, with an axis of energies or settings for it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.hdf5 import number_of, opened, require_stored
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording, conditions_of
from umlpsd_gpu.analyses.spectrum_images.reading.units import kev_factor, unit_in_name
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings

NUMBERS = "iuf"
COUNTS = ("counts", "spectra", "spectrum_image", "data", "cube")
ENERGY = re.compile(r"(energy|energies)([ _(\[].*)?", re.IGNORECASE)
SCALARS = ("beam_kev", "take_off_deg", "resolution_ev", "live_time_s", "probe_current_na")
# Energies are evenly spaced if they deviate from a straight line by less than this share of a step
EVEN = 0.01


def open_arrays(path: Path, settings: SpectrumImageSettings) -> Recording:
    """Read the names and sizes of the arrays of a file.

    Parameters
    ----------
    path : Path
        ``.npy``, ``.npz``, ``.h5`` or ``.hdf5``.
    settings : SpectrumImageSettings

    Returns
    -------
    Recording

    Raises
    ------
    SpectrumImageError
        If the file can't be read, or it is not clear which array has the counts.
    """
    with _contents(path) as arrays:
        name = _find_counts(arrays, path, settings)
        shape = _shape_of(arrays[name], path, settings)
        offset, step = _find_energies(arrays, shape[2], path, settings)
        sizes = {n: number_of(_value(arrays, n)) for n in (*SCALARS, "pixel_size_m") if n in arrays}
    pixel_size = sizes.pop("pixel_size_m", None)
    return Recording(
        path=path,
        shape=shape,
        load=partial(_load, path, name, settings.energies_first, shape),
        offset_kev=offset,
        step_kev=step,
        conditions=conditions_of(sizes),
        pixel_size_m=pixel_size if pixel_size is not None and pixel_size > 0 else None,
        paths=(path,),
    )


@contextmanager
def _contents(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the arrays of numbers of a file by name; those of HDF5 are not read yet."""
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz"):
        with opened(path) as file:
            yield _datasets(file)
        return
    try:
        if suffix == ".npy":
            yield {"array": np.load(path, mmap_mode="r", allow_pickle=False)}
        else:
            with np.load(path, allow_pickle=False) as archive:
                yield _Archive(archive, path)
    except SpectrumImageError:
        raise
    except Exception as error:  # NumPy evaluates headers, which raises anything if damaged
        raise SpectrumImageError(
            path, f"it can't be read as {suffix} file ({error}); write it again"
        ) from error


class _Archive(Mapping[str, Any]):
    """The arrays of an .npz archive, each read when it is asked for and only if it is there."""

    def __init__(self, archive: Any, path: Path) -> None:
        self._archive, self._path = archive, path
        stored = {info.filename.removesuffix(".npy"): info for info in archive.zip.infolist()}
        self._headers = {name: self._header(stored[name]) for name in archive.files}

    def _header(self, info: Any) -> Any:
        """Return an array of the right shape and type without memory of its own."""
        with self._archive.zip.open(info) as file:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file)
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise SpectrumImageError(
                self._path,
                f"its array {info.filename} announces the shape {shape}, but it has only "
                f"{info.file_size:,} bytes; write it again",
            )
        return np.broadcast_to(np.zeros((), dtype), shape)

    def __getitem__(self, name: str) -> Any:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def read(self, name: str) -> np.ndarray:
        values: np.ndarray = self._archive[name]
        return values


def _datasets(file: Any) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind in NUMBERS:
            found[name] = node

    file.visititems(collect)
    return found


def _value(arrays: Mapping[str, Any], name: str) -> np.ndarray:
    if isinstance(arrays, _Archive):
        return arrays.read(name)
    return np.asarray(arrays[name][()])


def _find_counts(arrays: Mapping[str, Any], path: Path, settings: SpectrumImageSettings) -> str:
    listed = ", ".join(arrays) or "the file is empty"
    if settings.array is not None:
        if settings.array not in arrays:
            raise SpectrumImageError(path, f"it has no array '{settings.array}'; it has {listed}")
        return settings.array
    cubes = [name for name, array in arrays.items() if array.ndim == 3]
    named = [name for name in cubes if name.rpartition("/")[2].lower() in COUNTS]
    for found in (named, cubes):
        if len(found) == 1:
            return found[0]
    if not cubes and len(arrays) == 1:
        return next(iter(arrays))  # refused with its shape
    what = "several arrays" if cubes else "no array of three axes"
    raise SpectrumImageError(
        path, f"{what} could hold the counts; name one with --counts-array: {listed}"
    )


def _shape_of(array: Any, path: Path, settings: SpectrumImageSettings) -> tuple[int, int, int]:
    if array.dtype.kind not in NUMBERS:
        raise SpectrumImageError(
            path, f"its values are of type {array.dtype}; counts are integers or real numbers"
        )
    if array.ndim != 3:
        raise SpectrumImageError(
            path,
            f"an array of shape {tuple(array.shape)} is no spectrum image; give counts of shape "
            "(rows, columns, channels)",
        )
    sizes = tuple(int(size) for size in array.shape)
    channels, rows, cols = sizes if settings.energies_first else (sizes[2], sizes[0], sizes[1])
    return rows, cols, channels


def _find_energies(
    arrays: Mapping[str, Any], n_channels: int, path: Path, settings: SpectrumImageSettings
) -> tuple[float | None, float | None]:
    if settings.energy_array is None:
        vectors = [name for name, array in arrays.items() if array.ndim == 1]
        found = [name for name in vectors if ENERGY.fullmatch(name.rpartition("/")[2])]
    else:
        found = [name for name in arrays if name == settings.energy_array]
        if not found:
            raise SpectrumImageError(
                path,
                f"it has no array '{settings.energy_array}'; it has {', '.join(arrays)}",
            )
    if len(found) != 1:
        return None, None
    energies = np.asarray(_value(arrays, found[0]), dtype=np.float64)
    factor = kev_factor(_unit_of(arrays[found[0]], found[0]))
    if factor is None:
        raise SpectrumImageError(
            path,
            f"the unit of its energies '{found[0]}' is unknown; call them energy_keV or energy_eV, "
            "or give --energy-offset-kev and --energy-step-kev",
        )
    return _even_axis(energies * factor, found[0], n_channels, path)


def _unit_of(array: Any, name: str) -> str:
    attributes = getattr(array, "attrs", {})
    for key in ("unit", "units"):
        if key in attributes:
            text = attributes[key]
            return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return unit_in_name(name)


def _even_axis(energies: np.ndarray, name: str, n_channels: int, path: Path) -> tuple[float, float]:
    if energies.shape != (n_channels,):
        raise SpectrumImageError(
            path,
            f"its energies '{name}' have the shape {energies.shape}, but its spectra have "
            f"{n_channels} channels; correct one of them, or set energies_first",
        )
    step = (energies[-1] - energies[0]) / max(1, n_channels - 1)
    line = energies[0] + step * np.arange(n_channels)
    if not np.isfinite(step) or step <= 0 or np.abs(energies - line).max() > EVEN * step:
        raise SpectrumImageError(
            path, f"its energies '{name}' don't rise in equal steps; interpolate the spectra first"
        )
    return float(energies[0]), float(step)


def _load(path: Path, name: str, energies_first: bool, shape: tuple[int, int, int]) -> np.ndarray:
    with _contents(path) as arrays:
        if hasattr(arrays[name], "id"):
            require_stored(arrays[name], path)
        values = _value(arrays, name)
        counts = np.moveaxis(values, 0, -1) if energies_first else values
        if counts.shape != shape:
            raise SpectrumImageError(path, "it was changed while it was read; read it again")
        return np.array(counts)
