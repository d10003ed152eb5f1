"""Files of microscopes that RosettaSciIO reads: the optional extra ``em``.

RosettaSciIO has the licence GPLv3. It is imported only when such a file is read, and is no part of
this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording, conditions_of
from umlpsd_gpu.analyses.spectrum_images.reading.units import kev_factor, metre_factor
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings

READERS = {
    ".bcf": "bruker",
    ".spd": "edax",
    ".pts": "jeol",
    ".emd": "emd",
    ".dm3": "digitalmicrograph",
    ".dm4": "digitalmicrograph",
}
# Options that let a reader return every spectrum image of a file as a dense array
OPTIONS: dict[str, dict[str, Any]] = {"bruker": {"select_type": "spectrum_image"}}


def open_with_rosettasciio(path: Path, settings: SpectrumImageSettings) -> Recording:
    """Read a file of Bruker, EDAX, JEOL, Velox or DigitalMicrograph.

    Parameters
    ----------
    path : Path
    settings : SpectrumImageSettings
        ``array`` names the signal, if there are several.

    Returns
    -------
    Recording
        The file is read once to see what it holds, and again when it is analysed.

    Raises
    ------
    SpectrumImageError
        If the extra is not installed, or the file has no spectrum image.
    """
    signal = _find_signal(path, settings.array)
    axes = signal["axes"]
    order, shape = _order_of(axes)
    energy, across = axes[order[2]], axes[order[1]]
    factor, scale = kev_factor(energy.get("units", "")), float(energy.get("scale", 0))
    is_known = factor is not None and scale > 0
    length = metre_factor(across.get("units", ""))
    step = float(across.get("scale", 0))
    title = _nested(signal["metadata"], "General", "title")
    return Recording(
        path=path,
        shape=shape,
        load=partial(_load, path, settings.array),
        offset_kev=float(energy.get("offset", 0)) * factor if is_known and factor else None,
        step_kev=scale * factor if is_known and factor else None,
        conditions=conditions_of(_conditions(signal["metadata"])),
        pixel_size_m=None if length is None or step <= 0 else step * length,
        metadata={"title": title} if title else {},
        paths=(path,),
    )


def import_reader(name: str, path: Path) -> Any:
    """Import a reader of RosettaSciIO.

    Parameters
    ----------
    name : str
        Of its module.
    path : Path
        File that needs it.

    Returns
    -------
    module

    Raises
    ------
    SpectrumImageError
        If it is not installed.
    """
    try:
        import_module("sparse")
        return import_module(f"rsciio.{name}")
    except ImportError as error:
        raise SpectrumImageError(
            path,
            f"{path.suffix} files need the package rosettasciio; install it with "
            "pip install 'umlpsd_gpu[em]'",
        ) from error


def _read_signals(path: Path) -> list[dict[str, Any]]:
    name = READERS[path.suffix.lower()]
    reader = import_reader(name, path)
    try:
        signals: Sequence[dict[str, Any]] = reader.file_reader(str(path), **OPTIONS.get(name, {}))
    except Exception as error:  # damaged files make readers raise anything
        raise SpectrumImageError(
            path,
            f"rosettasciio can't read it ({type(error).__name__}: {error}); copy it again, or "
            "export it as .h5oina, .hspy or .rpl",
        ) from error
    return [signal for signal in signals if _is_spectrum_image(signal)]


def _find_signal(path: Path, name: str | None) -> dict[str, Any]:
    signals = _read_signals(path)
    if not signals:
        raise SpectrumImageError(path, "it holds no spectrum image; give the file of a map")
    names = [str(_nested(s["metadata"], "General", "title") or i) for i, s in enumerate(signals)]
    if name is not None and name not in names:
        raise SpectrumImageError(path, f"it has no signal '{name}'; it has {', '.join(names)}")
    if name is None and len(signals) > 1:
        raise SpectrumImageError(
            path,
            f"it has several spectrum images; name one with --counts-array: {', '.join(names)}",
        )
    return signals[0 if name is None else names.index(name)]


def _is_spectrum_image(signal: Mapping[str, Any]) -> bool:
    """Return whether a signal has two axes of pixels and one of energies."""
    navigate = [bool(axis["navigate"]) for axis in signal["axes"]]
    has_energies = [
        kev_factor(axis.get("units", "")) is not None
        for axis in signal["axes"]
        if not axis["navigate"]
    ]
    return len(navigate) == 3 and sum(navigate) == 2 and has_energies == [True]


def _order_of(axes: Sequence[Mapping[str, Any]]) -> tuple[list[int], tuple[int, int, int]]:
    order = sorted(range(3), key=lambda i: (not axes[i]["navigate"], i))
    rows, cols, channels = (int(axes[i]["size"]) for i in order)
    return order, (rows, cols, channels)


def _conditions(metadata: Mapping[str, Any]) -> dict[str, Any]:
    instruments = metadata.get("Acquisition_instrument", {})
    found: dict[str, Any] = {}
    for instrument in ("SEM", "TEM"):
        values = instruments.get(instrument)
        if values is None:
            continue
        detector = _nested(values, "Detector", "EDS") or {}
        found = {
            "beam_kev": values.get("beam_energy"),
            "probe_current_na": values.get("beam_current"),
            "take_off_deg": detector.get("elevation_angle"),
            "resolution_ev": detector.get("energy_resolution_MnKa"),
            "live_time_s": detector.get("live_time"),
        }
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def _nested(values: Mapping[str, Any], *names: str) -> Any:
    found: Any = values
    for name in names:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found or None


def _load(path: Path, name: str | None) -> np.ndarray:
    signal = _find_signal(path, name)
    order, _ = _order_of(signal["axes"])
    data = signal["data"]
    if not isinstance(data, np.ndarray):
        data = data.compute() if hasattr(data, "compute") else data.todense()
    return np.ascontiguousarray(np.asarray(data).transpose(order))
