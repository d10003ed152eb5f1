"""Movie → one trace per pixel of a crystal assembly."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.traces import Traces


def extract_pixels(
    movie: Movie, threshold: float | None = None, mean_image: np.ndarray | None = None
) -> Traces:
    """Make a trace of every pixel whose time average exceeds a threshold.

    Parameters
    ----------
    movie : Movie
    threshold : float, optional
        In counts. Not given: Otsu's threshold [1]_ of the time-averaged image; the history says
        which value it was.
    mean_image : ndarray, shape (n_rows, n_cols), optional
        The time average, where it is known already.

    Returns
    -------
    Traces
        Float32 values, counts; rows and cols are the pixels' indices.

    Raises
    ------
    TracesError
        If no pixel exceeds the threshold.
    MovieError
        If the frame interval is unknown.

    References
    ----------
    .. [1] N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979).
    """
    dt_s = movie.known_dt_s()
    image = temporal_images(movie).mean if mean_image is None else mean_image
    finite = np.isfinite(image)
    origin = "given"
    if threshold is None and finite.any():
        from skimage.filters import threshold_otsu

        threshold, origin = float(threshold_otsu(image[finite])), "Otsu"
    brightest = float(image[finite].max()) if finite.any() else float("nan")
    rows, cols = np.nonzero(finite & (image > (np.inf if threshold is None else threshold)))
    if not rows.size:
        raise TracesError(
            f"{movie.name}: no pixel's time average exceeds the threshold of {threshold} counts; "
            f"the brightest has {brightest:.6g}: choose a lower --threshold"
        )
    values = np.empty((rows.size, movie.n_frames), dtype=np.float32)
    for first, frames in movie.chunks():
        values[:, first : first + len(frames)] = frames[:, rows, cols].T
    step = f"pixels above {threshold:.6g} counts in the time average ({origin} threshold)"
    return Traces(
        values=values,
        dt_s=dt_s,
        rows=rows.astype(np.float64),
        cols=cols.astype(np.float64),
        source=(movie.name,) * rows.size,
        ids=tuple(f"{movie.name}:{row},{col}" for row, col in zip(rows, cols, strict=True)),
        history=(step,),
    )
