"""An explorer as JSON and one compressed block of arrays, small enough for a page.

Curves are thinned and stored in 16 bits each with its own scale; what is saved with a result is
never changed. The same explorer gives the same bytes.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Labellings, Panel, Picture
from umlpsd_gpu.explorer.thinning import thin_curves, thin_image

# of all curves together, before base64 adds a third
MOST_CURVE_BYTES = 7_000_000
MOST_COLUMNS, FEWEST_COLUMNS = 600, 40
# code 0 is NaN
LARGEST_CODE = 65_534


class ArrayBlock:
    """Arrays that are stored one after the other in one block of bytes."""

    def __init__(self) -> None:
        """Start with an empty block."""
        self._parts: list[bytes] = []
        self._n_bytes = 0

    def add(self, values: np.ndarray, dtype: str) -> dict[str, Any]:
        """Store an array.

        Parameters
        ----------
        values : ndarray
        dtype : {"u1", "u2", "i2", "i4", "f4"}
            The type in the block, little-endian.

        Returns
        -------
        dict
            Where the array is: ``at`` (bytes), ``n`` (numbers), ``type``.
        """
        data = np.ascontiguousarray(values, dtype=f"<{dtype}").tobytes()
        place = {"at": self._n_bytes, "n": int(values.size), "type": dtype}
        # typed arrays of JavaScript must begin at a multiple of their width
        padding = -len(data) % 4
        self._parts.append(data + bytes(padding))
        self._n_bytes += len(data) + padding
        return place

    def to_text(self) -> str:
        """Return the block as base64 of its deflated bytes.

        Returns
        -------
        str
        """
        return base64.b64encode(zlib.compress(b"".join(self._parts), 6)).decode("ascii")


def pack(explorer: Explorer) -> tuple[dict[str, Any], str]:
    """Return what a page needs of an explorer.

    Parameters
    ----------
    explorer : Explorer

    Returns
    -------
    header : dict
        Plain values; places of arrays in the block.
    block : str
        From `ArrayBlock.to_text`.
    """
    block = ArrayBlock()
    n_columns = _columns_that_fit(explorer)
    header = {
        "n": explorer.n_items,
        "item": explorer.item,
        "ids": list(explorer.ids),
        "x": block.add(explorer.x, "f4"),
        "y": block.add(explorer.y, "f4"),
        "xLabel": explorer.x_label,
        "yLabel": explorer.y_label,
        "pictureOf": block.add(explorer.picture_of, "u2"),
        "pictures": [_pack_picture(picture, block) for picture in explorer.pictures],
        "isPixels": explorer.is_pixels,
        "labels": block.add(explorer.labels, "u2"),
        "columns": [_pack_column(column, block) for column in explorer.columns],
        "panels": [_pack_panel(panel, block, n_columns) for panel in explorer.panels],
        "labellings": _pack_labellings(explorer.labellings, block),
        "outliers": block.add(_sorted_outliers(explorer), "i4"),
        "outlierColumn": explorer.outlier_column,
        "first": explorer.first,
        "clusterWord": explorer.cluster_word,
        "nColumns": n_columns,
    }
    return header, block.to_text()


def _columns_that_fit(explorer: Explorer) -> int:
    """Return in how many columns long curves may be thinned."""
    curves = [curves for panel in explorer.panels for curves in panel.curves]
    sizes = [(c.y.shape[1], len(c.y) * (1 if c.top is None else 2)) for c in curves]
    for n_columns in range(MOST_COLUMNS, FEWEST_COLUMNS, -10):
        if sum(2 * n_rows * min(n, 2 * n_columns) for n, n_rows in sizes) <= MOST_CURVE_BYTES:
            return n_columns
    return FEWEST_COLUMNS


def _pack_picture(picture: Picture, block: ArrayBlock) -> dict[str, Any]:
    return {
        "name": picture.name,
        "pixelSize": picture.pixel_size,
        "lengthUnit": picture.length_unit,
        "layers": [_pack_layer(layer.name, layer.unit, layer.values, block)
                   for layer in picture.layers],
    }  # fmt: skip


def _pack_layer(name: str, unit: str, values: np.ndarray, block: ArrayBlock) -> dict[str, Any]:
    thinned, width = thin_image(np.asarray(values, dtype=np.float64))
    finite = thinned[np.isfinite(thinned)]
    # a few bright pixels must not hide the differences between the others
    low, high = np.percentile(finite, [1, 99.7]) if finite.size else (0.0, 1.0)
    codes, scale = quantise(thinned.reshape(1, -1))
    return {
        "name": name,
        "unit": unit,
        "nRows": values.shape[0],
        "nCols": values.shape[1],
        "width": width,
        "shown": [float(low), float(max(high, low + 1e-9))],
        "codes": block.add(codes, "u2"),
        "scale": block.add(scale, "f4"),
    }


def _pack_column(column: Column, block: ArrayBlock) -> dict[str, Any]:
    return {
        "name": column.name,
        "unit": column.unit,
        "values": block.add(column.values, "f4"),
        "low": None if column.low is None else block.add(column.low, "f4"),
        "high": None if column.high is None else block.add(column.high, "f4"),
        "interval": column.interval,
    }


def _pack_panel(panel: Panel, block: ArrayBlock, n_columns: int) -> dict[str, Any]:
    return {
        "title": panel.title,
        "xLabel": panel.x_label,
        "yLabel": panel.y_label,
        "isLog": panel.is_log,
        "isOutline": panel.is_outline,
        "curves": [_pack_curves(c, block, n_columns, panel.is_log) for c in panel.curves],
    }


def _pack_curves(curves: Curves, block: ArrayBlock, n_columns: int, is_log: bool) -> dict[str, Any]:
    x, y, top, parts = curves.x, curves.y, curves.top, curves.parts
    if x.ndim == 1 and top is None and parts is None:
        x, y = thin_curves(x, y, n_columns, is_log)
    packed: dict[str, Any] = {
        "name": curves.name,
        "kind": curves.kind,
        "n": int(x.shape[-1]),
        "rows": None if curves.rows is None else block.add(curves.rows, "i4"),
        "isCommon": x.ndim == 1,
        "x": block.add(x, "f4"),
    }
    if parts is not None:
        return packed | {"weights": block.add(y, "f4"), "parts": block.add(parts, "f4")}
    packed["y"] = _pack_values(y, block, is_log)
    if top is not None:
        packed["top"] = _pack_values(top, block, is_log)
    return packed


def _pack_values(y: np.ndarray, block: ArrayBlock, is_log: bool) -> dict[str, Any]:
    codes, scale = quantise(y, is_log)
    return {"codes": block.add(codes, "u2"), "scale": block.add(scale, "f4")}


def _pack_labellings(labellings: Labellings | None, block: ArrayBlock) -> dict[str, Any] | None:
    if labellings is None:
        return None
    return {
        "viewWord": labellings.view_word,
        "views": list(labellings.views),
        "kValues": labellings.k_values.tolist(),
        "labels": block.add(labellings.labels, "u1"),
        "view": labellings.view,
        "k": labellings.k,
        "metrics": [
            {"name": m.name, "unit": m.unit, "values": block.add(m.values, "f4")}
            for m in labellings.metrics
        ],
    }


def _sorted_outliers(explorer: Explorer) -> np.ndarray:
    found = np.flatnonzero(explorer.outliers)
    for column in explorer.columns:
        if column.name == explorer.outlier_column:
            found = found[np.argsort(-column.values[found], kind="stable")]
    return found


def quantise(values: np.ndarray, is_log: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Store each row in 16 bits: value = low + (code − 1) · step, and code 0 for NaN.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_samples)
        Values that are not finite become NaN.
    is_log : bool
        Store decimal logarithms; values that are not positive become NaN.

    Returns
    -------
    codes : ndarray, shape (n_rows, n_samples), uint16
    scale : ndarray, shape (n_rows, 2), float32
        Low and step of each row; zeros for a row without finite values.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.explorer.packing import quantise
    >>> codes, scale = quantise(np.array([[0.0, 5.0, np.nan, 10.0]]))
    >>> codes.tolist()
    [[1, 32768, 0, 65535]]
    """
    numbers = np.asarray(values, dtype=np.float64)
    if is_log:
        numbers = np.log10(numbers, out=np.full(numbers.shape, np.nan), where=numbers > 0)
    finite = np.isfinite(numbers)
    low = np.where(finite, numbers, np.inf).min(axis=1, initial=np.inf)
    high = np.where(finite, numbers, -np.inf).max(axis=1, initial=-np.inf)
    has_values = finite.any(axis=1)
    low, high = np.where(has_values, low, 0.0), np.where(has_values, high, 0.0)
    scale = np.stack([low, (high - low) / LARGEST_CODE], axis=1).astype(np.float32)
    step = np.where(scale[:, 1] > 0, scale[:, 1].astype(np.float64), 1.0)
    steps = (np.where(finite, numbers, low[:, None]) - low[:, None]) / step[:, None]
    codes = np.where(finite, np.clip(np.rint(steps), 0, LARGEST_CODE) + 1, 0)
    return codes.astype(np.uint16), scale
