"""Movie → one trace per pixel of a crystal assembly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces import gpu as on_device
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice
from umlpsd_gpu.traces.pixel_values import fits_in_memory, pixel_values
from umlpsd_gpu.traces.roi import Region, read_region
from umlpsd_gpu.traces.traces import Traces

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

# A hot pixel exceeds the brightest area by this many times the range of areas
HOT, ROUNDING = 2.0, 1e-9
# more are no defect but what the movie shows
FEW_HOT, MOST_HOT = 3, 0.001
N_BINS = 256  # of the histogram for Otsu's threshold


def region_of(movie: Movie, settings: TracesSettings) -> Region | None:
    """Return the region of interest of a movie; None where none is set.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings
    """
    if settings.roi is None:
        return None
    return read_region(settings.roi, (movie.n_rows, movie.n_cols))


def pixel_traces(
    movie: Movie,
    settings: TracesSettings,
    mean_image: Array,
    region: Region | None = None,
    frames: FramesOnDevice | None = None,
) -> Traces:
    """Make a trace of every pixel whose time average exceeds the threshold.

    Parameters
    ----------
    movie : Movie
    settings : TracesSettings
    mean_image : ndarray, shape (n_rows, n_cols)
        Time average. Not finite where any frame is not; such pixels are averaged again, on the
        CPU.
    region : Region, optional
        Of this movie.
    frames : FramesOnDevice, optional
        Of this movie, to take the traces from the device.

    Returns
    -------
    Traces

    Raises
    ------
    TracesError, OutputError
        As `extract_pixels`.
    """
    rows, cols, step = choose_pixels(movie, settings, mean_image, region)
    if frames is not None and fits_in_memory(rows.size, movie.n_frames, settings.memory_mb):
        values = on_device.take_pixels(frames, rows, cols)
    else:
        values = pixel_values(movie, rows, cols, settings.memory_mb)
    return Traces(
        values=values,
        dt_s=movie.known_dt_s(),
        rows=rows.astype(np.float64),
        cols=cols.astype(np.float64),
        source=(movie.name,) * rows.size,
        ids=tuple(f"{movie.name}:{row},{col}" for row, col in zip(rows, cols, strict=True)),
        history=(step,),
    )


def choose_pixels(
    movie: Movie, settings: TracesSettings, mean_image: Array, region: Region | None = None
) -> tuple[Array, Array, str]:
    """Choose the pixels whose time average exceeds the threshold.

    Parameters
    ----------
    movie, settings, mean_image, region
        As for `pixel_traces`.

    Returns
    -------
    rows, cols : ndarray of int, shape (n_pixels,)
    step : str
        How they were chosen, for the history of the traces.

    Raises
    ------
    TracesError
        If no pixel exceeds the threshold, or none can be found.
    """
    image = _average_finite_frames(movie, mean_image)
    n_hot = 0
    if settings.threshold is None:
        image, n_hot = leave_out_hot(image)
    if region is not None:
        image = np.where(region.mask, image, np.nan)
    inside = "" if region is None else f" inside {region}"
    threshold, origin = settings.threshold, "given"
    if threshold is None:
        threshold, origin = _choose_threshold(movie, image, inside, n_hot > 0), "Otsu"
    rows, cols = np.nonzero(image > threshold)
    if not rows.size:
        raise TracesError(
            f"{movie.path}: no pixel's time average{inside} exceeds the threshold of {threshold} "
            f"counts; the brightest has {_describe_brightest(image)}: choose a lower --threshold "
            "(threshold=… in Python)"
        )
    hot = f"; {n_hot} hot pixels left out" if n_hot else ""
    step = (
        f"pixels above {threshold:.6g} counts in the time average ({origin} threshold){inside}{hot}"
    )
    return rows, cols, step


def leave_out_hot(image: Array) -> tuple[Array, int]:
    """Replace single pixels that are far brighter than all others by NaN.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_cols)
        Time average; may contain NaN.

    Returns
    -------
    image : ndarray
        The same array if there is no such pixel.
    n_hot : int
    """
    known = np.isfinite(image)
    if min(image.shape) < 3 or not known.any():
        return image, 0
    level = float(np.median(image[known]))
    # the highest level that an area of at least three pixels has
    smooth = ndimage.median_filter(np.where(known, image, level), 3, mode="nearest")
    highest, lowest = float(smooth.max()), float(smooth.min())
    hot = known & (image > highest + HOT * (highest - lowest) + ROUNDING)
    n_hot = int(np.count_nonzero(hot))
    if not n_hot or n_hot > max(FEW_HOT, MOST_HOT * image.size):
        return image, 0
    return np.where(hot, np.nan, image), n_hot


def _describe_brightest(image: Array) -> str:
    return f"{np.nanmax(image):.6g}" if np.isfinite(image).any() else "no finite frame"


def _average_finite_frames(movie: Movie, image: Array) -> Array:
    """Replace averages that are not finite by those of the finite frames; NaN if there are none."""
    rows, cols = np.nonzero(~np.isfinite(image))
    if not rows.size:
        return image
    total, n_finite = np.zeros((2, rows.size))
    for _, frames in movie.chunks():
        for pixels in frames[:, rows, cols]:  # one by one: the same bits for any chunk size
            finite = np.isfinite(pixels)
            n_finite += finite
            np.add(total, pixels, out=total, where=finite)
    if not n_finite.any() and rows.size == image.size:
        raise TracesError(
            f"{movie.path}: no pixel is finite in any frame; check how the movie was exported"
        )
    image = image.copy()
    image[rows, cols] = np.divide(
        total, n_finite, out=np.full(rows.size, np.nan), where=n_finite > 0
    )
    return image


def _choose_threshold(movie: Movie, image: Array, inside: str, exact: bool = False) -> float:
    from skimage.filters import threshold_otsu

    averages = image[np.isfinite(image)]
    if not averages.size:
        raise TracesError(
            f"{movie.path}: no pixel{inside} is finite in any frame; choose another region of "
            "interest, or check how the movie was exported"
        )
    if averages.min() == averages.max():
        raise TracesError(
            f"{movie.path}: the movie is constant at {averages[0]:.6g} counts in its time average"
            f"{inside}; no threshold separates pixels: check the channel and how the movie was "
            "exported, or give --threshold (threshold=… in Python)"
        )
    threshold = float(threshold_otsu(averages))
    if exact:  # the threshold is the centre of a bin that belongs to the background as a whole
        threshold += float(np.ptp(averages)) / N_BINS / 2
    return threshold
