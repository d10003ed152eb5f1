"""The maps of a crystal assembly in study.h5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from umlpsd_gpu.maps.domains import DomainTable
from umlpsd_gpu.maps.result import AssemblyMaps, PearsonMaps
from umlpsd_gpu.storage.field import Field

MAP_FIELDS = (
    Field("maps/n_rows", "", "px", "Rows of the movie's images", "number"),
    Field("maps/n_cols", "", "px", "Columns of the movie's images", "number"),
    Field("maps/pixel_size_um", "", "um", "Object-plane pixel size", "perhaps number"),
    Field("maps/reference_index", "", "1", "Trace of the reference pixel, from 0", "number"),
    Field("maps/threshold", "", "1", "Correlation from which on pixels are joined", "number"),
    Field("maps/thresholds", "n_thresholds", "1", "Other thresholds that were tried"),
    Field("maps/detrend_frames", "", "1", "Frames that the trend is averaged over", "number"),
    Field("maps/*/neighbours", "n_traces", "1", "Mean Pearson correlation with the 8 neighbours"),
    Field("maps/*/reference", "n_traces", "1", "Pearson correlation with the reference pixel"),
    Field(
        "maps/*/domain_means",
        "n_clusters, n_traces",
        "1",
        "Pearson correlation with each cluster's mean trace, the pixel itself left out",
    ),
    Field(
        "maps/*/between_domains",
        "n_clusters, n_clusters",
        "1",
        "Pearson correlation of the clusters' mean traces",
    ),
    Field(
        "maps/*/domains_neighbours",
        "n_traces",
        "1",
        "Domain of joined neighbours, from 1, largest first; 0: no correlation defined",
    ),
    Field(
        "maps/*/domains_all_pairs",
        "n_traces or 0",
        "1",
        "The same of all pairs of pixels; empty where the matrix is too large",
    ),
    Field(
        "maps/*/agreement_neighbours",
        "",
        "1",
        "Adjusted Rand index of domains_neighbours and the clusters",
        "number",
    ),
    Field("maps/*/agreement_all_pairs", "", "1", "That of domains_all_pairs", "number"),
    Field(
        "maps/*/agreement_by_threshold",
        "n_thresholds",
        "1",
        "That of joined neighbours at each of the thresholds",
    ),
    Field("maps/*/distance_px", "n_bins", "px", "Distance of two pixels, rounded"),
    Field("maps/*/distance_mean", "n_bins", "1", "Mean Pearson correlation at that distance"),
    Field("maps/*/distance_stderr", "n_bins", "1", "Its standard error, were pairs independent"),
    Field("maps/*/distance_n_pairs", "n_bins", "1", "Pairs of pixels at that distance"),
    Field("maps/domains/clusters", "n_clusters", "1", "Cluster numbers, from 1"),
    Field("maps/domains/area_px", "n_clusters", "px^2", "Pixels of the cluster"),
    Field("maps/domains/area_um2", "n_clusters", "um^2", "Its area"),
    Field("maps/domains/n_components", "n_clusters", "1", "Pieces, connected along edges"),
    Field("maps/domains/largest_component_px", "n_clusters", "px^2", "Area of the largest piece"),
    Field("maps/domains/row_centroid", "n_clusters", "px", "Mean row, from 0"),
    Field("maps/domains/col_centroid", "n_clusters", "px", "Mean column, from 0"),
    Field(
        "maps/domains/contact_px",
        "n_clusters, n_clusters",
        "px",
        "Pixel edges that two clusters share",
    ),
    Field("maps/domains/contact_um", "n_clusters, n_clusters", "um", "Length of those edges"),
    Field("maps/domains/beta_mean", "n_clusters", "1", "Mean exponent <beta>"),
    Field("maps/domains/beta_stderr", "n_clusters", "1", "Its standard error"),
    Field("maps/domains/silhouette_mean", "n_clusters", "1", "Mean silhouette"),
    Field("maps/domains/label_uncertainty_mean", "n_clusters", "1", "Mean label uncertainty"),
)


def map_groups(maps: AssemblyMaps | None) -> dict[str, dict[str, Any]]:
    """Return the maps as groups of study.h5.

    Parameters
    ----------
    maps : AssemblyMaps or None

    Returns
    -------
    dict
        Values by group and name; empty for None.
    """
    if maps is None:
        return {}
    return {
        "maps": vars(maps),
        "maps/raw": vars(maps.raw),
        "maps/detrended": vars(maps.detrended),
        "maps/domains": vars(maps.domains),
    }


def maps_from(values: Callable[[str], dict[str, Any]]) -> AssemblyMaps:
    """Read the maps from the groups of study.h5.

    Parameters
    ----------
    values : callable
        Takes a group; returns its values by name.

    Returns
    -------
    AssemblyMaps
    """
    return AssemblyMaps(
        **values("maps"),
        raw=PearsonMaps(**values("maps/raw")),
        detrended=PearsonMaps(**values("maps/detrended")),
        domains=DomainTable(**values("maps/domains")),
    )
