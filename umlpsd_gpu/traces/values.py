"""What users give as traces → an array of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, share_with_cupy
from umlpsd_gpu.errors import TracesError


def as_values(values: Any) -> Array:
    """Return values as an array of real numbers; arrays of them stay as they are.

    Parameters
    ----------
    values : array, masked array, DataFrame, tensor on a GPU, or sequence of sequences
        Masked entries become NaN.

    Returns
    -------
    ndarray or cupy.ndarray

    Raises
    ------
    TracesError
        If they are no real numbers, or the traces have different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.traces.values import as_values
    >>> as_values(np.ma.masked_less([[1, 5, 7]], 2))
    array([[nan,  5.,  7.]])
    """
    values = share_with_cupy(values)
    if isinstance(values, np.ma.MaskedArray):
        filled: Array = np.ma.filled(values.astype(np.float64), np.nan)
        return filled
    if not isinstance(values, np.ndarray) and not is_on_device(values):
        try:
            values = np.asarray(values)
        except ValueError as error:
            raise TracesError(
                "traces need one length each, (n_traces, n_frames); fill shorter ones with NaN"
            ) from error
    if values.dtype.kind not in "biuf":
        kinds = {"c": "complex numbers", "O": "objects", "U": "text", "S": "text"}
        given = kinds.get(values.dtype.kind, str(values.dtype))
        raise TracesError(
            f"traces need real numbers, got {given}; give intensities as int or float"
        )
    array: Array = values
    return array
