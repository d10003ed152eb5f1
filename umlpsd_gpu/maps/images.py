"""One value per pixel → an image on the movie's grid."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import TracesError


def pixel_grid(
    rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of pixel traces as indices.

    Raises
    ------
    TracesError
        If they are no whole numbers inside the image, or two traces share a pixel.
    """
    if not (np.isfinite(rows).all() and np.isfinite(cols).all()):
        raise TracesError(
            "maps need the pixel of every trace, and some have none; extract pixels from a movie"
        )
    indices = rows.astype(np.intp), cols.astype(np.intp)
    index = np.stack(indices)
    inside = (index >= 0).all() and (index < np.array(shape)[:, None]).all()
    whole = np.array_equal(indices[0], rows) and np.array_equal(indices[1], cols)
    if not (inside and whole):
        raise TracesError(
            f"maps need whole rows and columns inside the image of {shape[0]} × {shape[1]} pixels; "
            "extract pixels, not emitters, and give that movie's shape"
        )
    if np.unique(indices[0] * shape[1] + indices[1]).size < rows.size:
        raise TracesError("two traces share a pixel; make maps of one movie at a time")
    return indices


def image_of(
    values: np.ndarray, rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Put one value per pixel where it belongs.

    Parameters
    ----------
    values : ndarray, shape (n_pixels,)
        Floating point, or labels: whole numbers from 1.
    rows, cols : ndarray, shape (n_pixels,)
    shape : (n_rows, n_cols)
        Of the movie.

    Returns
    -------
    ndarray, shape (n_rows, n_cols)
        Of the type of the values. Outside the mask NaN, or 0 for labels.

    Raises
    ------
    TracesError
        If the positions are no pixels of the image.
    """
    values = np.asarray(values)
    outside = 0 if np.issubdtype(values.dtype, np.integer) else np.nan
    image = np.full(shape, outside, dtype=values.dtype)
    image[pixel_grid(rows, cols, shape)] = values
    return image
