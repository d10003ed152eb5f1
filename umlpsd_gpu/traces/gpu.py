"""Frames on the GPU → temporal images and traces, which are copied to the host at the end."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.device_memory import USABLE_SHARE, free_bytes
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.traces import images, photometry
from umlpsd_gpu.traces.apertures import NOTHING_ELSE, Extras, weights_at_rest
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice, allocate_largest
from umlpsd_gpu.traces.images import MovieImages, make_images
from umlpsd_gpu.traces.saturation import FullScale
from umlpsd_gpu.traces.sums import TemporalSums, frames_per_block, segment_ends
from umlpsd_gpu.traces.unsound import sampled_pixels

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings

THREADS = 256
FRAMES_PER_WARP = 8
WARP = 32


def temporal_images(frames: FramesOnDevice) -> MovieImages:
    """Make the temporal images in one pass over the movie, without drift.

    Parameters
    ----------
    frames : FramesOnDevice

    Returns
    -------
    MovieImages
        Bit for bit that of `umlpsd_gpu.traces.images.temporal_images`.
    """
    return make_images(temporal_sums(frames))


def temporal_sums(frames: FramesOnDevice) -> TemporalSums:
    """Add up a movie in one pass, without drift.

    Parameters
    ----------
    frames : FramesOnDevice

    Returns
    -------
    TemporalSums
        Bit for bit those of `umlpsd_gpu.traces.images.temporal_sums`, which adds up movies that
        contain NaN or infinity.
    """
    cupy = import_module("cupy")
    movie = frames.movie
    n_per_block = frames_per_block(movie.n_frames)
    sums = cupy.zeros((3, frames.n_pixels), dtype=cupy.float64)
    run = kernel("temporal_sums", VALUE=frames.c_type)
    take = kernel("take_pixels", VALUE=frames.c_type)
    sampled = cupy.asarray(sampled_pixels(movie))
    ends = [n * n_per_block for n in segment_ends(movie.n_frames // n_per_block)]
    totals, samples = [], []
    for first, chunk in frames.chunks():
        stop = first + len(chunk)
        cuts = [first, *(end for end in ends if first < end < stop), stop]
        for begin, end in pairwise(cuts):
            part = chunk[begin - first : end - first]
            n_blocks = -(-frames.n_pixels // THREADS)
            run(n_blocks, THREADS, part, sums, len(part), frames.n_pixels, begin, n_per_block)
            if end in ends:
                totals.append(sums[1].copy())
        values = cupy.empty((sampled.size, len(chunk)), dtype=cupy.float32)
        n_tiles = -(-len(chunk) // WARP) * -(-sampled.size // WARP)
        sizes = (len(chunk), frames.n_pixels, sampled.size, len(chunk), 0)
        take(n_tiles, THREADS, chunk, sampled, values, *sizes)
        samples.append(values)
    shape = (movie.n_rows, movie.n_cols)
    rest, total, squares = cupy.asnumpy(sums).reshape(3, *shape)
    if not (np.isfinite(total) & np.isfinite(rest)).all():
        return images.temporal_sums(movie, n_threads=frames.n_threads)
    on_host = [cupy.asnumpy(one).reshape(shape) for one in totals]
    found = TemporalSums.from_device(rest, total, squares, movie.n_frames, on_host)
    found.samples = np.concatenate([cupy.asnumpy(values).T for values in samples])
    return found


def measure_emitters(
    frames: FramesOnDevice,
    rows: Array,
    cols: Array,
    settings: TracesSettings,
    others: Array | None = None,
    extras: Extras = NOTHING_ELSE,
) -> Array:
    """Measure the intensity of every emitter in every frame, without drift.

    Parameters
    ----------
    frames : FramesOnDevice
    rows, cols : ndarray, shape (n_emitters,)
        Positions in pixels.
    settings : TracesSettings
    others : ndarray, shape (n_others, 2), optional
        More spots that the background rings have to avoid.
    extras : Extras
        What else to measure.

    Returns
    -------
    ndarray, shape (n_emitters + 2 n_moments, n_frames), float64, counts
        Those of `umlpsd_gpu.traces.photometry.measure_emitters`, up to rounding; that measures
        movies in which pixels of emitters are not finite.

    Raises
    ------
    SettingsError
        If the background ring begins inside the box.
    TracesError
        If a position is outside the image.
    """
    cupy = import_module("cupy")
    shape = (frames.movie.n_rows, frames.movie.n_cols)
    pixels, weights = weights_at_rest(rows, cols, settings, shape, others, extras)
    indptr, indices = (
        cupy.asarray(index.astype(np.int64)) for index in (weights.indptr, pixels[weights.indices])
    )
    shares = cupy.asarray(weights.data)
    run = kernel("gather_traces", VALUE=frames.c_type, FRAMES=FRAMES_PER_WARP)

    def gather(chunk: Array, values: Array, first_column: int) -> None:
        n_frames, n_pixels = chunk.shape
        n_traces, n_columns = values.shape
        n_warps = -(-n_frames // FRAMES_PER_WARP) * n_traces
        n_blocks = -(-n_warps * WARP // THREADS)
        sizes = (n_frames, n_pixels, n_traces, n_columns, first_column)
        run(n_blocks, THREADS, chunk, indptr, indices, shares, values, *sizes)

    values = _collect(frames, weights.shape[0], np.dtype(np.float64), gather)
    if extras.fills or not np.isfinite(values).all():
        return photometry.measure_emitters(
            frames.movie, rows, cols, settings, None, others, frames.n_threads, extras
        )
    if extras.full_scale is not None:
        _look_at_centres(frames, rows, cols, extras.full_scale)
    return values


def _look_at_centres(frames: FramesOnDevice, rows: Array, cols: Array, seen: FullScale) -> None:
    limits = (frames.movie.n_rows - 1, frames.movie.n_cols - 1)
    row, col = (
        np.clip(np.rint(place).astype(np.int64), 0, limit)
        for place, limit in zip((rows, cols), limits, strict=True)
    )
    seen.look_at(take_pixels(frames, row, col).T)


def take_pixels(frames: FramesOnDevice, rows: Array, cols: Array) -> Array:
    """Return the traces of single pixels.

    Parameters
    ----------
    frames : FramesOnDevice
    rows, cols : ndarray of int, shape (n_traces,)

    Returns
    -------
    ndarray, shape (n_traces, n_frames), float32, counts
        NaN and infinities are kept.
    """
    cupy = import_module("cupy")
    pixels = cupy.asarray((rows * frames.movie.n_cols + cols).astype(np.int64))
    run = kernel("take_pixels", VALUE=frames.c_type)

    def take(chunk: Array, values: Array, first_column: int) -> None:
        n_frames, n_pixels = chunk.shape
        n_traces, n_columns = values.shape
        n_tiles = -(-n_frames // WARP) * -(-n_traces // WARP)
        sizes = (n_frames, n_pixels, n_traces, n_columns, first_column)
        run(n_tiles, THREADS, chunk, pixels, values, *sizes)

    return _collect(frames, len(rows), np.dtype(np.float32), take)


def _collect(
    frames: FramesOnDevice,
    n_traces: int,
    dtype: np.dtype,
    work: Callable[[Array, Array, int], None],
) -> Array:
    """Call ``work(chunk, values, first_column)`` over the movie; return all its columns.

    Where all columns don't fit the device, as many as fit are copied to the host together.
    """
    cupy = import_module("cupy")
    n_frames = frames.movie.n_frames
    if not n_traces:
        return np.empty((0, n_frames), dtype)
    column_bytes = n_traces * dtype.itemsize
    n_wanted = int(USABLE_SHARE * free_bytes()) // column_bytes
    n_held, memory = allocate_largest(
        max(1, min(n_wanted, n_frames)),
        lambda n: cupy.empty(n_traces * n, dtype),
        f"frames of {n_traces} traces",
    )
    parts = []
    for first, chunk in frames.chunks():
        frame, stop = first, first + len(chunk)
        while frame < stop:
            begin = frame - frame % n_held
            end = min(begin + n_held, n_frames)
            n_now = min(end, stop) - frame
            values = memory[: n_traces * (end - begin)].reshape(n_traces, end - begin)
            work(chunk[frame - first : frame - first + n_now], values, frame - begin)
            frame += n_now
            if frame == end:
                parts.append(cupy.asnumpy(values))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
