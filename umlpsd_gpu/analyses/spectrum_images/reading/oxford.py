"""Spectrum images of Oxford Instruments (.h5oina), by the open specification of the format.

Layout (H5OINA specification 7.0): ``<slice>/EDS/Data/Spectrum`` holds a row of counts for every
pixel, and ``<slice>/EDS/Header`` the sizes, steps (µm), channel width and start (eV), beam voltage
(kV) and the elevation of the detector (radians).
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.hdf5 import (
    number_of,
    opened,
    plain,
    read_dataset,
    require_stored,
)
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording, conditions_of
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings


def open_oxford(path: Path, settings: SpectrumImageSettings) -> Recording:
    """Read the header of an .h5oina file.

    Parameters
    ----------
    path : Path
    settings : SpectrumImageSettings
        ``array`` names the technique, as ``1/EDS2``, if there are several with spectra.

    Returns
    -------
    Recording

    Raises
    ------
    SpectrumImageError
        If the file can't be read, or was exported without spectra.
    """
    with opened(path) as file:
        group = _find_technique(file, path, settings.array)
        header, spectra = group["Header"], group["Data/Spectrum"]
        rows, cols = (_whole(header, name, path) for name in ("Y Cells", "X Cells"))
        if spectra.ndim != 2 or spectra.shape[0] != rows * cols:
            raise SpectrumImageError(
                path,
                f"its header announces {rows} × {cols} pixels, but its spectra have the shape "
                f"{spectra.shape}; export the map again",
            )
        channels = _number(header, "Number Channels")
        if channels is not None and channels != spectra.shape[1]:
            raise SpectrumImageError(
                path,
                f"its header announces {channels:.0f} channels, but its spectra have "
                f"{spectra.shape[1]}; export the map again",
            )
        require_stored(spectra, path)
        step, offset = _number(header, "Channel Width"), _number(header, "Start Channel")
        shape = (rows, cols, int(spectra.shape[1]))
        return Recording(
            path=path,
            shape=shape,
            load=partial(_load, path, spectra.name, shape),
            offset_kev=None if offset is None else offset / 1e3,
            step_kev=None if step is None or step <= 0 else step / 1e3,
            conditions=conditions_of(_conditions(group)),
            pixel_size_m=_pixel_size(header),
            metadata=_labels(header),
            paths=(path,),
        )


def _find_technique(file: Any, path: Path, name: str | None) -> Any:
    import h5py

    techniques = {
        f"{place}/{technique}": group
        for place, part in file.items()
        if isinstance(part, h5py.Group)
        for technique, group in part.items()
        if technique.startswith("EDS") and isinstance(group, h5py.Group)
    }
    if not techniques:
        raise SpectrumImageError(path, "it holds no EDS data; export a map with EDS from AZtec")
    found = {n: g for n, g in techniques.items() if "Data/Spectrum" in g and "Header" in g}
    if not found:
        raise SpectrumImageError(
            path,
            "it holds maps of elements but no spectra; export it from AZtec again with the "
            "spectrum of each pixel included",
        )
    if name is not None and name not in found:
        raise SpectrumImageError(path, f"it has no spectra '{name}'; it has {', '.join(found)}")
    if name is None and len(found) > 1:
        raise SpectrumImageError(
            path,
            f"it has several spectrum images; name one with --counts-array: {', '.join(found)}",
        )
    return found[name or next(iter(found))]


def _number(header: Any, name: str) -> float | None:
    return number_of(header[name][()]) if name in header else None


def _whole(header: Any, name: str, path: Path) -> int:
    value = _number(header, name)
    if value is None or value < 1 or value != int(value):
        raise SpectrumImageError(
            path, f"its header lacks '{name}', or it is no whole number above 0; export it again"
        )
    return int(value)


def _conditions(group: Any) -> dict[str, Any]:
    header, data = group["Header"], group["Data"]
    elevation = _number(header, "Detector Elevation")
    window = plain(header["Window Type"][()]) if "Window Type" in header else None
    found: dict[str, Any] = {
        "beam_kev": _number(header, "Beam Voltage"),
        "take_off_deg": None if elevation is None else math.degrees(elevation),
        "window": window if isinstance(window, str) else None,
    }
    if "Live Time" in data and data["Live Time"].size <= data["Spectrum"].shape[0]:
        found["live_time_s"] = float(np.nansum(data["Live Time"][()]))
    return found


def _pixel_size(header: Any) -> float | None:
    step = _number(header, "X Step")
    return None if step is None or step <= 0 else step * 1e-6


def _labels(header: Any) -> dict[str, Any]:
    names = {"Analysis Label": "title", "Specimen Label": "sample", "Acquisition Date": "date"}
    found = {name: plain(header[label][()]) for label, name in names.items() if label in header}
    return {name: text for name, text in found.items() if isinstance(text, str) and text}


def _load(path: Path, name: str, shape: tuple[int, int, int]) -> np.ndarray:
    return read_dataset(path, name).reshape(shape)
