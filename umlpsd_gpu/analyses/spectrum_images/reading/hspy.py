"""Spectrum images of HyperSpy (.hspy): HDF5 with axes and metadata in attributes.

Layout: ``Experiments/<name>/data``, ``axis-<i>`` with offset, scale, size, units and navigate, and
``metadata/Acquisition_instrument/{SEM,TEM}`` (HyperSpy's documentation, file format 3).
"""

from __future__ import annotations

from collections.abc import Iterator
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
from umlpsd_gpu.analyses.spectrum_images.reading.units import kev_factor, metre_factor
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings
from umlpsd_gpu.xrays.spectrum import Conditions


def open_hspy(path: Path, settings: SpectrumImageSettings) -> Recording:
    """Read the header of a HyperSpy file.

    Parameters
    ----------
    path : Path
    settings : SpectrumImageSettings
        ``array`` names the signal, if there are several.

    Returns
    -------
    Recording

    Raises
    ------
    SpectrumImageError
        If the file can't be read, or holds no spectrum image.
    """
    with opened(path) as file:
        signal = _find_signal(file, path, settings.array)
        data = signal["data"]
        axes = list(_axes_of(signal, path))
        if [axis["size"] for axis in axes] != list(data.shape):
            raise SpectrumImageError(
                path,
                f"its axes have {[axis['size'] for axis in axes]} values and its data "
                f"{list(data.shape)}; save the signal again",
            )
        require_stored(data, path)
        order, shape = _order_of(axes, path)
        energy = axes[order[-1]]
        factor = kev_factor(energy["units"])
        is_known = factor is not None and (energy["scale"] or 0) > 0
        return Recording(
            path=path,
            shape=shape,
            load=partial(_load, path, data.name, order, shape),
            offset_kev=(energy["offset"] or 0.0) * factor if is_known and factor else None,
            step_kev=energy["scale"] * factor if is_known and factor else None,
            conditions=_conditions(signal),
            pixel_size_m=_pixel_size(axes[order[-2]]) if len(axes) > 1 else None,
            metadata=_metadata(signal),
            paths=(path,),
        )


def _find_signal(file: Any, path: Path, name: str | None) -> Any:
    import h5py

    experiments = file.get("Experiments")
    signals = (
        {n: g for n, g in experiments.items() if isinstance(g, h5py.Group) and "data" in g}
        if isinstance(experiments, h5py.Group)
        else {}
    )
    if not signals:
        raise SpectrumImageError(
            path, "it holds no signal of HyperSpy (Experiments/…/data); save it with HyperSpy"
        )
    if name is not None and name not in signals:
        raise SpectrumImageError(
            path, f"it has no signal '{name}'; its signals are {', '.join(signals)}"
        )
    if name is None and len(signals) > 1:
        raise SpectrumImageError(
            path, f"it has several signals; name one with --counts-array: {', '.join(signals)}"
        )
    signal = signals[name or next(iter(signals))]
    if not isinstance(signal["data"], h5py.Dataset) or signal["data"].dtype.kind not in "iuf":
        raise SpectrumImageError(
            path,
            "its data are no dense array of numbers; save the signal with dense data "
            "(a lazy or ragged signal: compute it first)",
        )
    return signal


def _axes_of(signal: Any, path: Path) -> Iterator[dict[str, Any]]:
    for i in range(signal["data"].ndim):
        if f"axis-{i}" not in signal:
            raise SpectrumImageError(path, f"its axis {i} is missing; save the signal again")
        attributes = signal[f"axis-{i}"].attrs
        yield {
            "size": int(number_of(attributes.get("size", signal["data"].shape[i])) or 0),
            "navigate": bool(plain(attributes.get("navigate", False))),
            "offset": number_of(attributes.get("offset", np.nan)),
            "scale": number_of(attributes.get("scale", np.nan)),
            "units": plain(attributes.get("units", "")) or "",
        }


def _order_of(
    axes: list[dict[str, Any]], path: Path
) -> tuple[tuple[int, ...], tuple[int, int, int]]:
    """Return the axes in the order rows, columns, energy, and the sizes in that order."""
    spectral = [i for i, axis in enumerate(axes) if not axis["navigate"]]
    spatial = [i for i, axis in enumerate(axes) if axis["navigate"]]
    if len(spectral) != 1 or len(spatial) > 2:
        raise SpectrumImageError(
            path,
            f"it has {len(spatial)} axes of pixels and {len(spectral)} of signals; a spectrum "
            "image has 2 axes of pixels and one of energies: use as_signal1D before saving it",
        )
    order = (*spatial, *spectral)
    sizes = [axes[i]["size"] for i in order]
    rows, cols, channels = [1] * (3 - len(sizes)) + sizes
    return order, (rows, cols, channels)


def _load(path: Path, name: str, order: tuple[int, ...], shape: tuple[int, int, int]) -> np.ndarray:
    return read_dataset(path, name).transpose(order).reshape(shape)


def _pixel_size(axis: dict[str, Any]) -> float | None:
    factor, scale = metre_factor(axis["units"]), axis["scale"]
    return None if factor is None or not scale or scale <= 0 else scale * factor


def _conditions(signal: Any) -> Conditions:
    found: dict[str, Any] = {}
    for instrument in ("SEM", "TEM"):
        group = signal.get(f"metadata/Acquisition_instrument/{instrument}")
        if group is None:
            continue
        detector = group.get("Detector/EDS")
        details = {} if detector is None else detector.attrs
        current = number_of(group.attrs.get("beam_current", np.nan))
        found = {
            "beam_kev": number_of(group.attrs.get("beam_energy", np.nan)),
            "probe_current_na": current,
            "take_off_deg": number_of(details.get("elevation_angle", np.nan)),
            "resolution_ev": number_of(details.get("energy_resolution_MnKa", np.nan)),
            "live_time_s": number_of(details.get("live_time", np.nan)),
        }
    return conditions_of(found)


def _metadata(signal: Any) -> dict[str, Any]:
    found = {}
    general = signal.get("metadata/General")
    if general is not None:
        for name in ("title", "original_filename", "date"):
            text = plain(general.attrs.get(name, ""))
            if isinstance(text, str) and text:
                found[name] = text
    return found
