"""The maps of a study of pixels, and the notes about them."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.maps.domains import PixelValues
from umlpsd_gpu.maps.neighbours import neighbour_pairs
from umlpsd_gpu.maps.result import AssemblyMaps, assembly_maps, matrix_note, reference_index
from umlpsd_gpu.spectrum.result import PowerLawFit
from umlpsd_gpu.traces.traces import Traces


def has_maps(movies: tuple[MovieSummary, ...], settings: Settings) -> bool:
    """Return whether a study has maps: it does for the pixels of a single movie.

    Parameters
    ----------
    movies : tuple of MovieSummary
    settings : Settings

    Returns
    -------
    bool
    """
    return settings.traces.mode == "pixels" and len(movies) == 1


def list_map_notes(
    traces: Traces, movies: tuple[MovieSummary, ...], settings: Settings
) -> list[str]:
    """Return notes about maps that will be missing, before the long computation.

    Parameters
    ----------
    traces : Traces
    movies : tuple of MovieSummary
    settings : Settings

    Returns
    -------
    list of str

    Raises
    ------
    SettingsError
        If the reference pixel is not in the mask.
    """
    if has_maps(movies, settings):
        reference_index(traces, settings.maps)
        return matrix_note(traces.n_traces, settings.maps)
    if settings.traces.mode == "pixels" and movies:
        return ["There are no maps, because maps need a single movie."]
    return []


def compute_maps(
    traces: Traces,
    movies: tuple[MovieSummary, ...],
    clustering: Clustering,
    fit: PowerLawFit,
    settings: Settings,
) -> AssemblyMaps:
    """Compute the maps of a study for which `has_maps` is true.

    Parameters
    ----------
    traces : Traces
        The pixels.
    movies : tuple of MovieSummary
        The only movie.
    clustering : Clustering
        With a place for every trace.
    fit : PowerLawFit
    settings : Settings

    Returns
    -------
    AssemblyMaps
    """
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


def neighbouring_pixels(traces: Traces, usable: np.ndarray) -> np.ndarray:
    """Return the pairs of clustered traces that are neighbouring pixels of the same movie.

    Parameters
    ----------
    traces : Traces
        Of pixels.
    usable : ndarray, shape (n_traces,), bool
        Which traces are clustered.

    Returns
    -------
    ndarray, shape (n_pairs, 2), int
        Indices among the clustered traces.
    """
    number = np.cumsum(usable) - 1
    source = np.array(traces.source)
    pairs = [np.empty((0, 2), dtype=np.intp)]
    for movie in np.unique(source[usable]):
        (pixels,) = np.nonzero(usable & (source == movie))
        rows, cols = traces.rows[pixels].astype(np.intp), traces.cols[pixels].astype(np.intp)
        found = neighbour_pairs(rows, cols, (int(rows.max()) + 1, int(cols.max()) + 1))
        pairs.append(number[pixels][found])
    return np.concatenate(pairs)
