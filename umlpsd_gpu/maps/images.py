"""One value per pixel → an image with the shape of the movie's images."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import TracesError


def pixel_grid(
    rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of pixel traces as indices.

    Parameters
    ----------
    rows, cols : ndarray, shape (n_pixels,)
        Whole numbers of any real dtype, counted from 0.
    shape : (n_rows, n_cols)
        Of the movie's images.

    Returns
    -------
    rows, cols : ndarray, shape (n_pixels,), intp

    Raises
    ------
    TracesError
        If a position is missing, is not a whole number inside the image, or is used twice.
    """
    if not (np.isfinite(rows).all() and np.isfinite(cols).all()):
        raise TracesError(
            "maps need the position of every trace, but some have none; extract pixels from a movie"
        )
    indices = rows.astype(np.intp), cols.astype(np.intp)
    index = np.stack(indices)
    inside = (index >= 0).all() and (index < np.array(shape)[:, None]).all()
    whole = np.array_equal(indices[0], rows) and np.array_equal(indices[1], cols)
    if not (inside and whole):
        raise TracesError(
            "maps need whole-number rows and columns inside the image of "
            f"{shape[0]} × {shape[1]} pixels; "
            "extract pixels instead of emitters, and use the shape of that movie"
        )
    if np.unique(indices[0] * shape[1] + indices[1]).size < rows.size:
        raise TracesError("two traces share a pixel; calculate maps of one movie at a time")
    return indices


def image_of(
    values: np.ndarray, rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Arrange one value per pixel as an image.

    Parameters
    ----------
    values : ndarray, shape (n_pixels,)
        Floating point, or integers: labels from 1.
    rows, cols : ndarray, shape (n_pixels,)
        Whole numbers, counted from 0.
    shape : (n_rows, n_cols)
        Of the movie's images.

    Returns
    -------
    ndarray, shape (n_rows, n_cols)
        Of the dtype of the values. Pixels without a value are NaN, or 0 for labels.

    Raises
    ------
    TracesError
        If a position is not a pixel of the image, or two values share one.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.maps.images import image_of
    >>> image_of(np.array([1, 2]), np.array([0, 1]), np.array([0, 2]), (2, 3))
    array([[1, 0, 0],
           [0, 0, 2]])
    """
    values = np.asarray(values)
    outside = 0 if np.issubdtype(values.dtype, np.integer) else np.nan
    image = np.full(shape, outside, dtype=values.dtype)
    image[pixel_grid(rows, cols, shape)] = values
    return image
