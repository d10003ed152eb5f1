"""Movie → one trace per pixel of a crystal assembly."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.backend import Device, choose_device
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces import device as on_device
from umlpsd_gpu.traces.frames_on_device import FramesOnDevice
from umlpsd_gpu.traces.images import temporal_images
from umlpsd_gpu.traces.traces import Traces


def extract_pixels(movie: Movie, threshold: float | None = None, device: Device = "auto") -> Traces:
    """Make a trace of every pixel whose time average exceeds a threshold.

    The average of a pixel that is NaN or infinite in some frames is that of its other frames; the
    trace keeps all of them, and :meth:`Traces.usable` flags it later.

    Parameters
    ----------
    movie : Movie
    threshold : float, optional
        In counts. Not given: Otsu's threshold [1]_ of the time-averaged image; the history says
        which value it was.
    device : {"auto", "cpu", "gpu"}
        Where to compute; the values are the same.

    Returns
    -------
    Traces
        Float32 values, counts; rows and cols are the pixels' indices.

    Raises
    ------
    TracesError
        If no pixel exceeds the threshold, none is ever finite, or all are alike and no threshold
        is given.
    MovieError
        If the frame interval is unknown.
    DeviceError
        If ``"gpu"`` is asked for and there is none.

    References
    ----------
    .. [1] N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979).
    """
    movie.known_dt_s()
    if choose_device(device) == "gpu":
        frames = FramesOnDevice(movie)
        return pixel_traces(movie, threshold, on_device.temporal_images(frames).mean, frames)
    return pixel_traces(movie, threshold, temporal_images(movie).mean)


def pixel_traces(
    movie: Movie,
    threshold: float | None,
    mean_image: np.ndarray,
    frames: FramesOnDevice | None = None,
) -> Traces:
    """Do what :func:`extract_pixels` does where the time average is known already.

    Parameters
    ----------
    movie, threshold
        As there.
    mean_image : ndarray, shape (n_rows, n_cols)
        Not finite where any frame is not; such pixels are averaged again, on the CPU.
    frames : FramesOnDevice, optional
        The movie's, where the traces are to be taken from the device.
    """
    image = _over_finite_frames(movie, mean_image)
    origin = "given" if threshold is not None else "Otsu"
    threshold = _otsu(movie, image) if threshold is None else threshold
    rows, cols = np.nonzero(image > threshold)
    if not rows.size:
        raise TracesError(
            f"{movie.name}: no pixel's time average exceeds the threshold of {threshold} counts; "
            f"the brightest has {np.nanmax(image):.6g}: choose a lower --threshold"
        )
    if frames is None:
        values = _taken(movie, rows, cols)
    else:
        values = on_device.take_pixels(frames, rows, cols)
    step = f"pixels above {threshold:.6g} counts in the time average ({origin} threshold)"
    return Traces(
        values=values,
        dt_s=movie.known_dt_s(),
        rows=rows.astype(np.float64),
        cols=cols.astype(np.float64),
        source=(movie.name,) * rows.size,
        ids=tuple(f"{movie.name}:{row},{col}" for row, col in zip(rows, cols, strict=True)),
        history=(step,),
    )


def _taken(movie: Movie, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    values = np.empty((rows.size, movie.n_frames), dtype=np.float32)
    for first, frames in movie.chunks():
        values[:, first : first + len(frames)] = frames[:, rows, cols].T
    return values


def _over_finite_frames(movie: Movie, image: np.ndarray) -> np.ndarray:
    """Replace averages that are not finite by those over the finite frames; NaN where none is."""
    rows, cols = np.nonzero(~np.isfinite(image))
    if not rows.size:
        return image
    total, n_finite = np.zeros((2, rows.size))
    for _, frames in movie.chunks():
        for pixels in frames[:, rows, cols]:  # one by one: the same bits whatever the chunk size
            finite = np.isfinite(pixels)
            n_finite += finite
            np.add(total, pixels, out=total, where=finite)
    if not n_finite.any() and rows.size == image.size:
        raise TracesError(
            f"{movie.name}: no pixel is finite in any frame; check how the movie was exported"
        )
    image = image.copy()
    image[rows, cols] = np.divide(
        total, n_finite, out=np.full(rows.size, np.nan), where=n_finite > 0
    )
    return image


def _otsu(movie: Movie, image: np.ndarray) -> float:
    from skimage.filters import threshold_otsu

    averages = image[np.isfinite(image)]
    if averages.min() == averages.max():
        raise TracesError(
            f"{movie.name}: the movie is constant at {averages[0]:.6g} counts in its time average; "
            "there is nothing to threshold: check the channel and how the movie was exported"
        )
    return float(threshold_otsu(averages))
