"""The mean image and the places of the emitters as plain values for JSON.

Keys of a picture:

``ids``, ``rows``, ``cols``
    Of all emitters, places in pixels of the movie (null if unknown).
``image``
    Null before there is one; else ``n_rows`` and ``n_cols`` (of the movie), ``width`` (each pixel
    of the picture is the mean over a square of this many pixels of the movie), ``grey`` (base64 of
    one byte for each pixel, row by row), ``low`` and ``high`` (counts of the bytes 0 and 255).
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.explorer.thinning import average_squares
from umlpsd_gpu.live.page.plain import plain_number, plain_numbers
from umlpsd_gpu.traces.traces import Traces

MOST_SIDE_PX = 512
# a few bright pixels must not hide the differences between the others
SHOWN_PERCENT = (1.0, 99.7)


def places_of(traces: Traces | None) -> dict[str, Any]:
    """Return names and places of emitters.

    Parameters
    ----------
    traces : Traces or None

    Returns
    -------
    dict
        ``ids``, ``rows``, ``cols``; empty lists without traces.
    """
    if traces is None:
        return {"ids": [], "rows": [], "cols": []}
    return {
        "ids": list(traces.ids),
        "rows": plain_numbers(traces.rows),
        "cols": plain_numbers(traces.cols),
    }


def image_of(mean_image: Array | None) -> dict[str, Any] | None:
    """Return an image of at most 512 × 512 bytes.

    Parameters
    ----------
    mean_image : ndarray, shape (n_rows, n_cols), or None
        Counts; NaN is black.

    Returns
    -------
    dict or None
        With the keys in the documentation of this module.
    """
    if mean_image is None:
        return None
    values = np.asarray(on_host(mean_image), dtype=np.float64)
    width = -(-max(values.shape) // MOST_SIDE_PX)
    thinned = average_squares(values, width)
    is_finite = np.isfinite(thinned)
    low, high = np.percentile(thinned[is_finite], SHOWN_PERCENT) if is_finite.any() else (0.0, 1.0)
    high = max(high, low + 1e-9 * max(1.0, abs(low)))
    share = np.clip((np.where(is_finite, thinned, low) - low) / (high - low), 0, 1)
    return {
        "n_rows": values.shape[0],
        "n_cols": values.shape[1],
        "width": width,
        "low": plain_number(low),
        "high": plain_number(high),
        "grey": base64.b64encode(np.rint(255 * share).astype(np.uint8).tobytes()).decode("ascii"),
    }
