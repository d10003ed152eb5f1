"""A study of pixels → the maps of its crystal assembly, and what is said of them."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.maps.domains import PixelValues
from umlpsd_gpu.maps.result import AssemblyMaps, assembly_maps, matrix_note, reference_index
from umlpsd_gpu.spectrum.result import PowerLawFit
from umlpsd_gpu.traces.traces import Traces


def has_maps(movies: tuple[MovieSummary, ...], settings: Settings) -> bool:
    """Say whether a study gets maps: pixels of one movie do."""
    return settings.traces.mode == "pixels" and len(movies) == 1


def map_notes(traces: Traces, movies: tuple[MovieSummary, ...], settings: Settings) -> list[str]:
    """Say which maps there will not be, before the long computation.

    Raises
    ------
    SettingsError
        If the reference pixel is not in the mask.
    """
    if has_maps(movies, settings):
        reference_index(traces, settings.maps)
        return matrix_note(traces.n_traces, settings.maps)
    if settings.traces.mode == "pixels" and movies:
        return ["There are no maps: they are made of one movie at a time."]
    return []


def study_maps(
    traces: Traces,
    movies: tuple[MovieSummary, ...],
    clustering: Clustering,
    fit: PowerLawFit,
    settings: Settings,
) -> AssemblyMaps:
    """Make the maps of a study that gets maps."""
    (movie,) = movies
    pixels = PixelValues(
        rows=traces.rows,
        cols=traces.cols,
        labels=clustering.labels,
        silhouette=clustering.silhouette,
        label_uncertainty=clustering.label_uncertainty,
        beta=np.asarray(fit.beta),
    )
    n_rows, n_cols = movie.mean_image.shape
    return assembly_maps(
        traces, pixels, (n_rows, n_cols), movie.pixel_size_um, settings.maps, settings.n_threads
    )
