"""What turns frames into values: photometry of emitters, or single pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.emitters import Group
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.apertures import Extras
from umlpsd_gpu.traces.photometry import Photometry

if TYPE_CHECKING:
    from umlpsd_gpu.traces.settings import TracesSettings


class Meter(Protocol):
    """Measures the traces of one group."""

    def measure(self, frames: Array) -> Array:
        """Return the values of frames, shape (n_traces, n_frames), counts."""
        ...


class PixelMeter:
    """Takes the counts of single pixels.

    Parameters
    ----------
    places : ndarray, shape (n_pixels, 2)
        Rows and columns.
    n_cols : int
        Of a frame.
    """

    def __init__(self, places: Array, n_cols: int) -> None:
        rows, cols = np.rint(places).astype(np.int64).T
        self._pixels = rows * n_cols + cols

    def measure(self, frames: Array) -> Array:
        """Return the values of frames, shape (n_pixels, n_frames), float32, counts.

        Parameters
        ----------
        frames : ndarray, shape (n_frames, n_rows, n_cols)
        """
        taken = frames.reshape(len(frames), -1).take(self._pixels, axis=1, mode="clip")
        return np.ascontiguousarray(taken.T, dtype=np.float32)


def make_meter(group: Group, movie: Movie, settings: TracesSettings) -> Meter:
    """Return what measures a group, always with the same weights.

    Parameters
    ----------
    group : Group
    movie : Movie
    settings : TracesSettings
    """
    spots = group.spots
    if settings.mode == "pixels":
        return PixelMeter(spots.places, movie.n_cols)
    avoided = np.concatenate([spots.places, spots.others])
    shape = (movie.n_rows, movie.n_cols)
    return Photometry(shape, spots.places, avoided, settings, Extras(fills=spots.fills))


def value_type(settings: TracesSettings) -> np.dtype:
    """Return the type of the values: as in a study.

    Parameters
    ----------
    settings : TracesSettings
    """
    return np.dtype(np.float32 if settings.mode == "pixels" else np.float64)
