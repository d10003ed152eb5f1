"""The maps of a crystal assembly, and the function that calculates them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.maps.distance import DistanceProfile, correlation_against_distance
from umlpsd_gpu.maps.domains import DomainTable, PixelValues, domain_table
from umlpsd_gpu.maps.graph import agreement, domains_of_all_pairs, domains_of_neighbours
from umlpsd_gpu.maps.images import pixel_grid
from umlpsd_gpu.maps.neighbours import neighbour_mean, neighbour_pairs, pair_correlation
from umlpsd_gpu.maps.pearson import (
    correlation_matrix,
    correlation_with,
    correlation_with_domains,
    most_traces,
)
from umlpsd_gpu.maps.settings import MapsSettings
from umlpsd_gpu.maps.standardise import default_detrend_frames
from umlpsd_gpu.traces.traces import Traces

# evaluated in addition to the threshold of the settings, to show how much the choice matters
THRESHOLDS = np.arange(1, 40) / 40


@dataclass(frozen=True)
class PearsonMaps:
    """Pearson correlations of pixel traces, all of them raw or all of them detrended.

    A pixel whose trace is constant or not finite is NaN, and 0 in the domains. Results that need
    the full correlation matrix are empty if that does not fit ``maps.memory_mb``.

    Attributes
    ----------
    neighbours : ndarray, shape (n_pixels,)
        Mean correlation with the up to 8 neighbours in the mask.
    reference : ndarray, shape (n_pixels,)
        With the reference pixel.
    domain_means : ndarray, shape (n_clusters, n_pixels)
        With the mean trace of each cluster, from which the pixel itself is left out.
    between_domains : ndarray, shape (n_clusters, n_clusters)
        Between the mean traces of the clusters.
    domains_neighbours : ndarray, shape (n_pixels,), int32
        Domains of neighbouring pixels whose correlation reaches the threshold, from 1, in order of
        size.
    domains_all_pairs : ndarray, shape (n_pixels,) or (0,), int32
        The same for all pairs of pixels, at any distance.
    agreement_neighbours, agreement_all_pairs : float
        Adjusted Rand index of those domains and the clusters; NaN where there are none.
    agreement_by_threshold : ndarray, shape (n_thresholds,)
        The same for domains of neighbouring pixels at other thresholds.
    distance_px, distance_mean, distance_stderr, distance_n_pairs : ndarray, shape (n_bins,)
        Correlation against the distance between pixels: see `DistanceProfile`.
    """

    neighbours: np.ndarray
    reference: np.ndarray
    domain_means: np.ndarray
    between_domains: np.ndarray
    domains_neighbours: np.ndarray
    domains_all_pairs: np.ndarray
    agreement_neighbours: float
    agreement_all_pairs: float
    agreement_by_threshold: np.ndarray
    distance_px: np.ndarray
    distance_mean: np.ndarray
    distance_stderr: np.ndarray
    distance_n_pairs: np.ndarray


@dataclass(frozen=True, eq=False)
class AssemblyMaps:
    """Maps of a crystal assembly, pixel by pixel and domain by domain.

    Pixels are in the order of the traces, clusters in that of ``domains.clusters``.

    Attributes
    ----------
    n_rows, n_cols : int
        Shape of the movie's images.
    pixel_size_um : float or None
        Object-plane pixel, µm.
    reference_index : int
        Index of the trace of the reference pixel.
    threshold : float
        Two pixels are joined from this Pearson correlation on.
    thresholds : ndarray, shape (n_thresholds,)
        Those of ``agreement_by_threshold``.
    detrend_frames : int
        Length of the moving average that is subtracted as trend, frames.
    raw, detrended : PearsonMaps
    domains : DomainTable
    """

    n_rows: int
    n_cols: int
    pixel_size_um: float | None
    reference_index: int
    threshold: float
    thresholds: np.ndarray
    detrend_frames: int
    raw: PearsonMaps
    detrended: PearsonMaps
    domains: DomainTable

    @property
    def shape(self) -> tuple[int, int]:
        """Return the shape (n_rows, n_cols) of the movie's images."""
        return self.n_rows, self.n_cols

    @property
    def has_matrix(self) -> bool:
        """Return whether results that need the full correlation matrix are available."""
        return self.raw.domains_all_pairs.size > 0


def assembly_maps(
    traces: Traces,
    pixels: PixelValues,
    shape: tuple[int, int],
    pixel_size_um: float | None = None,
    settings: MapsSettings | None = None,
    n_threads: int | None = None,
) -> AssemblyMaps:
    """Calculate the maps of clustered pixel traces.

    Parameters
    ----------
    traces : Traces
        Raw traces of the pixels of one movie, NumPy; the values may be mapped from a file.
    pixels : PixelValues
        Of the same pixels in the same order; at least one has a cluster.
    shape : (n_rows, n_cols)
        Of the movie's images.
    pixel_size_um : float, optional
        Object-plane pixel, µm. Without it, areas and lengths in µm are NaN.
    settings : MapsSettings, optional
        Default: ``MapsSettings()``.
    n_threads : int, optional
        Default: all cores. The result does not depend on it.

    Returns
    -------
    AssemblyMaps

    Raises
    ------
    TracesError
        If a trace is not a pixel of the image, or two traces share one.
    SettingsError
        If the reference pixel is not in the mask, or the detrending window is longer than the
        traces.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import numpy as np
    >>> from umlpsd_gpu import Traces, assembly_maps
    >>> from umlpsd_gpu.maps.domains import PixelValues
    >>> from umlpsd_gpu.simulate.assembly import simulate_assembly
    >>> frames, truth = simulate_assembly(n_rows=8, n_cols=8, n_frames=300, n_grains=2)
    >>> rows, cols = np.indices((8, 8)).reshape(2, -1)
    >>> grains = truth.grains.ravel().astype(int)
    >>> none = np.full(64, np.nan)
    >>> pixels = PixelValues(rows, cols, grains, none, none, none)
    >>> curves = frames.reshape(300, 64).T.astype(float)
    >>> traces = replace(Traces.without_place(curves, dt_s=0.1), rows=rows, cols=cols)
    >>> maps = assembly_maps(traces, pixels, (8, 8), pixel_size_um=0.15)
    >>> maps.domains.area_px
    array([32, 32])
    """
    settings = settings or MapsSettings()
    rows, cols = pixel_grid(traces.rows, traces.cols, shape)
    detrend_frames = settings.detrend_frames or default_detrend_frames(traces.n_frames)
    pairs = neighbour_pairs(rows, cols, shape)
    reference = reference_index(traces, settings)
    if reference is None:
        correlations = correlation_with_domains(traces.values, pixels.labels, 0, n_threads)
        reference = _choose_reference(*correlations, pixels.labels)

    def maps(frames: int) -> PearsonMaps:
        return _pearson_maps(traces, pixels.labels, pairs, reference, frames, settings, n_threads)

    return AssemblyMaps(
        n_rows=shape[0],
        n_cols=shape[1],
        pixel_size_um=pixel_size_um,
        reference_index=reference,
        threshold=settings.pearson_threshold,
        thresholds=THRESHOLDS,
        detrend_frames=detrend_frames,
        raw=maps(0),
        detrended=maps(detrend_frames),
        domains=domain_table(pixels, shape, pixel_size_um),
    )


def reference_index(traces: Traces, settings: MapsSettings) -> int | None:
    """Return the index of the trace of the reference pixel that the settings name.

    Parameters
    ----------
    traces : Traces
    settings : MapsSettings

    Returns
    -------
    int or None
        None if the settings name no pixel.

    Raises
    ------
    SettingsError
        If the pixel is not in the mask.
    """
    if settings.reference_pixel is None:
        return None
    row, col = settings.reference_pixel
    found = np.flatnonzero((traces.rows == row) & (traces.cols == col))
    if not found.size:
        raise SettingsError(
            f"maps.reference_pixel is row {row}, column {col}, which is not one of the "
            f"{traces.n_traces} pixels of the mask; choose one of them or remove the setting"
        )
    return int(found[0])


def matrix_note(n_pixels: int, settings: MapsSettings) -> list[str]:
    """Return a note if the full correlation matrix does not fit in memory.

    Parameters
    ----------
    n_pixels : int
    settings : MapsSettings

    Returns
    -------
    list of str
        Empty if the matrix fits.
    """
    most = most_traces(settings.memory_mb)
    if n_pixels <= most:
        return []
    return [
        f"Correlation against distance and Pearson domains of all pairs were not calculated: the "
        f"matrix of {n_pixels} pixels needs {4 * n_pixels**2 / 1e6:.0f} MB, and maps.memory_mb "
        f"allows {settings.memory_mb:g} (up to {most} pixels)."
    ]


def _choose_reference(with_domains: np.ndarray, between: np.ndarray, labels: np.ndarray) -> int:
    """Return the most typical pixel of the cluster that is most similar to another one.

    A Pearson map from there shows whether correlation separates the two.
    """
    others = np.where(np.eye(len(between), dtype=bool) | np.isnan(between), -2, between)
    chosen = int(others.max(axis=1).argmax())
    similarity = with_domains[chosen]
    member = (labels == np.unique(labels[labels > 0])[chosen]) & np.isfinite(similarity)
    return int(np.where(member, similarity, -2).argmax())


def _pearson_maps(
    traces: Traces,
    labels: np.ndarray,
    pairs: np.ndarray,
    reference: int,
    detrend_frames: int,
    settings: MapsSettings,
    n_threads: int | None,
) -> PearsonMaps:
    values, threshold = traces.values, settings.pearson_threshold
    with_reference = correlation_with(values, values[reference], detrend_frames, n_threads)
    with_domains, between = correlation_with_domains(values, labels, detrend_frames, n_threads)
    of_pairs = pair_correlation(values, pairs, detrend_frames)
    usable = np.isfinite(with_domains).any(axis=0) | np.isfinite(with_reference)
    near = domains_of_neighbours(pairs, of_pairs, usable, threshold)
    profile, far = _of_all_pairs(
        traces,
        lambda: correlation_matrix(
            values, detrend_frames, memory_mb=settings.memory_mb, n_threads=n_threads
        ),
        settings,
    )
    return PearsonMaps(
        neighbours=neighbour_mean(pairs, of_pairs, traces.n_traces),
        reference=with_reference,
        domain_means=with_domains,
        between_domains=between,
        domains_neighbours=near,
        domains_all_pairs=far,
        agreement_neighbours=agreement(labels, near),
        agreement_all_pairs=agreement(labels, far) if far.size else float("nan"),
        agreement_by_threshold=np.array(
            [
                agreement(labels, domains_of_neighbours(pairs, of_pairs, usable, other))
                for other in THRESHOLDS
            ]
        ),
        distance_px=profile.distance_px,
        distance_mean=profile.correlation_mean,
        distance_stderr=profile.correlation_stderr,
        distance_n_pairs=profile.n_pairs,
    )


def _of_all_pairs(
    traces: Traces, matrix_of: Callable[[], np.ndarray], settings: MapsSettings
) -> tuple[DistanceProfile, np.ndarray]:
    """Return the results that need the full matrix; empty ones if it does not fit in memory."""
    if traces.n_traces > most_traces(settings.memory_mb):
        none = np.empty(0)
        nothing = DistanceProfile(none, none, none, np.empty(0, dtype=np.int64))
        return nothing, np.empty(0, dtype=np.int32)
    matrix = matrix_of()
    profile = correlation_against_distance(matrix, traces.rows, traces.cols)
    return profile, domains_of_all_pairs(matrix, settings.pearson_threshold)
