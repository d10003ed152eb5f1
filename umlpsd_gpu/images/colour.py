"""Grey images from the channels of colour images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError

# Luminance of red, green and blue (ITU-R BT.709)
LUMINANCE = (0.2126, 0.7152, 0.0722)


def grey_of(
    channels: Sequence[np.ndarray], path: Path, is_luminance_taken: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the grey image of one or three channels, and what is to be said.

    Parameters
    ----------
    channels : sequence of ndarray, shape (n_rows, n_columns)
        One, or red, green and blue.
    path : Path
        For messages.
    is_luminance_taken : bool
        Whether the luminance of a colour image is returned, instead of refusing it.

    Returns
    -------
    image : ndarray, shape (n_rows, n_columns)
        A channel, where all are equal.
    notes : tuple of str

    Raises
    ------
    MovieError
        If the channels differ.
    """
    if all((channel == channels[0]).all() for channel in channels[1:]):
        return np.ascontiguousarray(channels[0]), ()
    if not is_luminance_taken:
        raise MovieError(
            path,
            "it is a colour image, and a micrograph is grey; save it in grey, or add --luminance "
            "to analyse its brightness",
        )
    luminance: np.ndarray = np.tensordot(LUMINANCE, np.array(channels, np.float32), axes=1)
    return luminance, ("The image is in colour; its luminance was analysed.",)
