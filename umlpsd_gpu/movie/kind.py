"""The kind of a page: its shape and type, and whether its bytes in the file are its pixels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tifffile import COMPRESSION, TiffPage

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.tiff_errors import add_advice


class Kind(NamedTuple):
    """How a page is stored; ``dtype`` keeps the file's byte order."""

    n_rows: int
    n_cols: int
    n_samples: int
    dtype: np.dtype
    compression: str

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one unpacked frame."""
        return self.n_rows * self.n_cols * self.n_samples * self.dtype.itemsize

    @property
    def content(self) -> tuple[int, int, int, str]:
        """Return what all frames of a movie have in common, whatever their packing."""
        return self.n_rows, self.n_cols, self.n_samples, self.dtype.name

    def __str__(self) -> str:
        """Return the content in words, for messages."""
        samples = f" × {self.n_samples} samples" if self.n_samples > 1 else ""
        return f"{self.n_rows} × {self.n_cols}{samples} {self.dtype.name}"


class Build(NamedTuple):
    """How a page is built: its kind, and whether its bytes are its pixels (raw)."""

    kind: Kind
    raw: bool


def find_build(page: TiffPage, path: Path, limits: Limits) -> Build:
    """Return what a page contains and whether its bytes are its pixels.

    Parameters
    ----------
    page : TiffPage
    path : Path
        For messages.
    limits : Limits

    Raises
    ------
    MovieError
        If the page is not a plane of real numbers, or exceeds a limit.
    """
    if not all(isinstance(length, int) for length in page.shaped):
        raise MovieError(path, add_advice(f"a page says that its shape is {page.shaped}"))
    n_planar, depth, n_rows, n_cols, n_interleaved = page.shaped
    if depth != 1:
        raise MovieError(path, f"a page contains a volume of {depth} planes; save planes as pages")
    if page.dtype is None or page.dtype.kind not in "uifb":
        held = f"{page.bitspersample}-bit samples of format {page.sampleformat}"
        allowed = "integers and real numbers can be read: export it as 16-bit"
        raise MovieError(path, f"the pages contain {held}; {allowed}")
    if 0 in page.shaped:
        raise MovieError(path, add_advice(f"a page of {n_rows} × {n_cols} pixels is empty"))
    n_samples = n_planar * n_interleaved
    dtype = np.dtype("u1" if page.dtype.kind == "b" else page.dtype)
    compression = COMPRESSION(page.compression).name.lower()
    kind = Kind(n_rows, n_cols, n_samples, dtype.newbyteorder(page.parent.byteorder), compression)
    is_block = bool(page.is_final) or _is_without_counts(page)
    raw = is_block and n_samples == 1 and page.dtype.kind != "b"
    _require_within(limits, kind, raw, math.prod(page.chunks) * dtype.itemsize, path)
    return Build(kind, raw)


def _is_without_counts(page: TiffPage) -> bool:
    """Return whether unpacked strips have no lengths: some cameras leave these at zero."""
    return (
        not any(page.databytecounts)
        and page.compression == 1
        and page.fillorder == 1
        and page.predictor == 1
        and page.bitspersample in (8, 16, 32, 64)
        and not page.is_tiled
    )


def _require_within(limits: Limits, kind: Kind, raw: bool, segment_bytes: int, path: Path) -> None:
    page_mb = max(kind.frame_bytes, segment_bytes) / 1e6
    if not raw and page_mb > limits.max_page_mb:
        raise MovieError(
            path,
            f"a packed page unpacks to {page_mb:.3g} MB; at most {limits.max_page_mb:.3g} MB are "
            "allowed: save the movie uncompressed, or raise movie.max_page_mb",
        )
    n_pixels = kind.n_rows * kind.n_cols
    if n_pixels > limits.max_pixels:
        raise MovieError(
            path,
            f"its frames have {kind.n_rows} × {kind.n_cols} pixels; at most {limits.max_pixels} "
            "are allowed: raise movie.max_pixels if the file is sound",
        )
