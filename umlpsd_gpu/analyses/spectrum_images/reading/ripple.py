"""Spectrum images as raw numbers with a header: .rpl and .raw (Lispix, DTSA-II, HyperSpy).

The header is lines ``key<TAB>value``: width, height, depth, offset, data-length, data-type,
byte-order and record-by, as in the documentation of NIST's Lispix; programs add keys as
ev-per-chan, depth-origin, depth-scale, depth-units, width-scale, width-units and beam-energy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording, conditions_of
from umlpsd_gpu.analyses.spectrum_images.reading.units import kev_factor, metre_factor
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings

MOST_HEADER_BYTES = 1 << 20
KINDS = {"signed": "i", "unsigned": "u", "float": "f"}
ORDERS = {"big-endian": ">", "little-endian": "<", "dont-care": "|"}
LAYOUTS = {"vector": (0, 1, 2), "image": (1, 2, 0)}  # of the raw axes, to rows, columns, channels
NUMBERS = {
    "beam-energy": "beam_kev",
    "elevation-angle": "take_off_deg",
    "energy-resolution": "resolution_ev",
    "detector-peak-width-ev": "resolution_ev",
    "live-time": "live_time_s",
}


def open_ripple(path: Path, settings: SpectrumImageSettings) -> Recording:
    """Read the header of a pair of .rpl and .raw files.

    Parameters
    ----------
    path : Path
        Either of them.
    settings : SpectrumImageSettings

    Returns
    -------
    Recording

    Raises
    ------
    SpectrumImageError
        If one of them is missing, or the header doesn't fit the raw file.
    """
    header_path, raw_path = _pair_of(path)
    header = _read_header(header_path)
    cols, rows, channels = (
        _whole(header, name, header_path) for name in ("width", "height", "depth")
    )
    dtype = _dtype_of(header, header_path)
    start = _whole(header, "offset", header_path, least=0)
    layout = header.get("record-by", "").lower()
    if layout not in LAYOUTS:
        raise SpectrumImageError(
            header_path,
            f"record-by must be vector or image for a spectrum image, got '{layout}'",
        )
    needed = start + rows * cols * channels * dtype.itemsize
    found = raw_path.stat().st_size
    if found < needed:
        raise SpectrumImageError(
            raw_path,
            f"it has {found:,} bytes, but its header announces {rows} × {cols} × {channels} values "
            f"of {dtype.itemsize} bytes ({needed:,} in all); copy it again or correct the header",
        )
    shape = (rows, cols, channels)
    offset_kev, step_kev = _energies(header, header_path)
    values = {NUMBERS[name]: _number(header, name, header_path) for name in NUMBERS.keys() & header}
    return Recording(
        path=path,
        shape=shape,
        load=partial(_load, raw_path, dtype, start, shape, layout),
        offset_kev=offset_kev,
        step_kev=step_kev,
        conditions=conditions_of(values),
        pixel_size_m=_pixel_size(header, header_path),
        metadata={"title": header["title"]} if header.get("title") else {},
        paths=(header_path, raw_path),
    )


def _pair_of(path: Path) -> tuple[Path, Path]:
    pair = []
    for suffix in (".rpl", ".raw"):
        names = [path.with_suffix(suffix), path.with_suffix(suffix.upper())]
        there = [name for name in names if name.is_file()]
        if not there:
            raise SpectrumImageError(
                path, f"its other half {names[0].name} is missing; put both into one folder"
            )
        pair.append(there[0])
    return pair[0], pair[1]


def _read_header(path: Path) -> dict[str, str]:
    if path.stat().st_size > MOST_HEADER_BYTES:
        raise SpectrumImageError(path, "it is too long for a header of text; give the .rpl file")
    header = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(";")[0].partition("\t")
        if value.strip():
            header[key.strip().lower()] = value.strip()
    return header


def _whole(header: Mapping[str, str], name: str, path: Path, least: int = 1) -> int:
    text = header.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) >= least):
        raise SpectrumImageError(
            path, f"'{name}' must be a whole number of at least {least}, got '{text}'; correct it"
        )
    return int(text)


def _number(header: Mapping[str, str], name: str, path: Path) -> float | None:
    if name not in header:
        return None
    try:
        value = float(header[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SpectrumImageError(path, f"'{name}' must be a number, got '{header[name]}'")
    return value


def _dtype_of(header: Mapping[str, str], path: Path) -> np.dtype[Any]:
    kind, order = header.get("data-type", "").lower(), header.get("byte-order", "").lower()
    n_bytes = _whole(header, "data-length", path)
    is_known = kind in KINDS and n_bytes in ((4, 8) if kind == "float" else (1, 2, 4, 8))
    if not is_known or order not in ORDERS or (ORDERS[order] == "|" and n_bytes > 1):
        raise SpectrumImageError(
            path,
            f"numbers of data-type '{kind}', data-length {n_bytes} and byte-order '{order}' are "
            "unknown; allowed are signed and unsigned of 1, 2, 4 or 8 bytes, float of 4 or 8, "
            "big-endian or little-endian",
        )
    return np.dtype(f"{ORDERS[order]}{KINDS[kind]}{n_bytes}")


def _energies(header: Mapping[str, str], path: Path) -> tuple[float | None, float | None]:
    factor = kev_factor(header.get("depth-units", ""))
    step = _number(header, "depth-scale", path)
    origin = _number(header, "depth-origin", path)
    if step is None or factor is None:
        # the origin is in the unit of the scale, which is eV here
        step, factor = _number(header, "ev-per-chan", path), 1e-3
    if step is None or step <= 0:
        return None, None
    return None if origin is None else origin * factor, step * factor


def _pixel_size(header: Mapping[str, str], path: Path) -> float | None:
    factor = metre_factor(header.get("width-units", ""))
    scale = _number(header, "width-scale", path)
    return None if factor is None or scale is None or scale <= 0 else factor * scale


def _load(
    path: Path, dtype: np.dtype[Any], start: int, shape: tuple[int, int, int], layout: str
) -> np.ndarray:
    rows, cols, channels = shape
    stored = (rows, cols, channels) if layout == "vector" else (channels, rows, cols)
    try:
        values = np.fromfile(path, dtype, count=rows * cols * channels, offset=start)
    except OSError as error:
        raise SpectrumImageError(path, f"it can't be read ({error.strerror})") from error
    if values.size != rows * cols * channels:
        raise SpectrumImageError(path, "it became shorter while it was read; copy it again")
    native = values.reshape(stored).transpose(LAYOUTS[layout])
    return np.ascontiguousarray(native, dtype=dtype.newbyteorder("="))
