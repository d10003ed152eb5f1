"""Write maps as OME-TIFF, which ImageJ, Fiji and napari open with names and the right scale."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import SettingsError

UM_PER_CM = 1e4


def write_ome_tiff(
    path: str | Path, maps: Mapping[str, Array], pixel_size_um: float | None = None
) -> None:
    """Write images of one shape as the channels of one file; equal maps give equal bytes.

    Parameters
    ----------
    path : path
        Should end in ``.ome.tif``.
    maps : mapping of str to ndarray, shape (n_rows, n_cols)
        Channel name → map. Floating-point maps are written as float32, NaN outside the mask;
        labels (whole numbers) as uint16, 0 outside, or uint32 above 65535.
    pixel_size_um : float, optional
        Written to the OME-XML (PhysicalSizeX, PhysicalSizeY), and as TIFF resolution for programs
        that don't read OME.

    Raises
    ------
    SettingsError
        If there is no map.
    OSError
        If the file can't be written.
    """
    import tifffile

    if not maps:
        raise SettingsError(f"{path}: there is no map to write; give at least one")
    stack = np.stack([np.asarray(image) for image in maps.values()])
    stack = stack.astype(_choose_type(stack))
    metadata: dict[str, Any] = {
        "axes": "CYX",
        "Name": Path(path).name.partition(".")[0],
        "Channel": {"Name": list(maps)},
        # from the content: a random one would change the bytes each time
        "UUID": f"urn:uuid:{_make_uuid(stack, maps, pixel_size_um)}",
    }
    scale: dict[str, Any] = {}
    if pixel_size_um is not None:
        for axis in "XY":
            metadata |= {f"PhysicalSize{axis}": pixel_size_um, f"PhysicalSize{axis}Unit": "µm"}
        per_cm = UM_PER_CM / pixel_size_um
        scale = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(
        path,
        stack,
        ome=True,
        photometric="minisblack",
        software="umlpsd_gpu",
        metadata=metadata,
        **scale,
    )


def _choose_type(stack: Array) -> type[np.generic]:
    if not np.issubdtype(stack.dtype, np.integer):
        return np.float32
    return np.uint16 if stack.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32


def _make_uuid(stack: Array, maps: Mapping[str, Array], pixel_size_um: float | None) -> uuid.UUID:
    content = hashlib.sha256(np.ascontiguousarray(stack).tobytes())
    content.update(repr((stack.shape, stack.dtype.str, list(maps), pixel_size_um)).encode())
    return uuid.UUID(bytes=content.digest()[:16], version=4)
