"""MetaMorph stacks: one page describes all planes, whose times are in tag UIC2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.stamps import Stamp

_PLANES_TAG, _WAVELENGTHS_TAG = 33629, 33630
_DAY_S = 86400.0


def expand_planes(tif: TiffFile, found: FilePages, max_frames: int, path: Path) -> None:
    """Add the planes of a MetaMorph stack, which follow the first without a description.

    Parameters
    ----------
    tif : TiffFile
    found : FilePages
        Changed in place, if it is such a stack.
    max_frames : int
    path : Path
        For messages.

    Raises
    ------
    MovieError
        If the planes can't be found in the file, or are too many.
    """
    tags = tif.pages.first.tags
    if _PLANES_TAG not in tags or len(found.pages) != 1:
        return
    n_planes = int(tags[_PLANES_TAG].count)
    if n_planes < 2:
        return
    first = found.pages[0]
    if n_planes > max_frames:
        raise MovieError(path, f"MetaMorph announces {n_planes} planes; raise movie.max_frames")
    if first.start < 0:
        raise MovieError(
            path,
            f"this MetaMorph stack of {n_planes} planes is compressed, which can't be read; "
            "export it as uncompressed TIFF",
        )
    stamps = _read_stamps(tags[_PLANES_TAG].value, tags.valueof(_WAVELENGTHS_TAG), n_planes)
    size = first.kind.frame_bytes
    found.pages = [
        first._replace(
            start=first.start + plane * size, stop=first.start + (plane + 1) * size, stamp=stamp
        )
        for plane, stamp in enumerate(stamps)
    ]


def _read_stamps(uic2: Any, uic3: Any, n_planes: int) -> list[Stamp]:
    times_s = _read_times_s(uic2, n_planes)
    depths = _take(uic2, "ZDistance", n_planes)
    waves = _take(uic3, "Wavelengths", n_planes)
    is_z = bool(np.isfinite(depths).all() and (depths != 0).all())
    has_waves = 1 < len(np.unique(waves[np.isfinite(waves)])) < n_planes
    stamps, seen = [], dict[float, int]()
    for plane in range(n_planes):
        count, axes = plane, list[tuple[str, int | str]]()
        if has_waves:
            wave = float(waves[plane])
            count = seen[wave] = seen.get(wave, -1) + 1
            axes.append(("channel", f"{wave:g} nm"))
        axes.append(("z" if is_z else "time", count))
        time_s = float(times_s[plane])
        elapsed_s = time_s - float(times_s[0]) if np.isfinite(time_s) else None
        stamps.append(Stamp(elapsed_s, axes=tuple(axes), digest=plane + 1))
    return stamps


def _read_times_s(uic2: Any, n_planes: int) -> Any:
    days, times_ms = _take(uic2, "DateCreated", n_planes), _take(uic2, "TimeCreated", n_planes)
    days = np.where(np.isfinite(days), days - days[0], 0)
    return days * _DAY_S + times_ms / 1e3


def _take(tag: Any, name: str, n_planes: int) -> Any:
    """Return a column of a tag; NaN where the tag is broken or has none."""
    values = tag.get(name) if isinstance(tag, dict) else None
    if not isinstance(values, np.ndarray) or values.shape != (n_planes,):
        return np.full(n_planes, np.nan)
    return values.astype(float)
