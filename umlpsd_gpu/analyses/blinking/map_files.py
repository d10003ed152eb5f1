"""The maps in a study folder: OME-TIFF images, domains.csv, and entries of summary.json."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.maps.images import image_of
from umlpsd_gpu.maps.result import AssemblyMaps, PearsonMaps
from umlpsd_gpu.storage.ome_tiff import write_ome_tiff

DOMAINS_CSV_COLUMNS = (
    "cluster",
    "area_px",
    "area_um2",
    "n_components",
    "largest_component_px",
    "row_centroid",
    "col_centroid",
    "beta_mean",
    "beta_stderr",
    "silhouette_mean",
    "label_uncertainty_mean",
)


def write_map_files(study: Study, folder: Path) -> None:
    """Write the maps of a study; a study without maps gets no files.

    Parameters
    ----------
    study : Study
    folder : Path
        An existing folder.
    """
    if study.maps is None:
        return
    shape, traces = study.maps.shape, study.traces
    for name, channels in list_images(study).items():
        images = {
            channel: image_of(values, traces.rows, traces.cols, shape)
            for channel, values in channels.items()
        }
        write_ome_tiff(folder / f"{name}.ome.tif", images, study.maps.pixel_size_um)
    _write_domains_csv(study.maps, folder / "domains.csv")


def summarise_maps(study: Study) -> dict[str, Any] | None:
    """Return the maps in summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict or None
        None for a study without maps.
    """
    maps = study.maps
    if maps is None:
        return None
    reference = maps.reference_index
    return {
        "pixel_size_um": maps.pixel_size_um,
        "reference_pixel": [
            int(study.traces.rows[reference]),
            int(study.traces.cols[reference]),
        ],
        "threshold": maps.threshold,
        "detrend_frames": maps.detrend_frames,
        "raw": _summarise_pearson(maps.raw, maps.thresholds),
        "detrended": _summarise_pearson(maps.detrended, maps.thresholds),
        "domains": list(domain_rows(maps)),
    }


def best_agreement(pearson: PearsonMaps, thresholds: np.ndarray) -> tuple[float, float]:
    """Find the threshold with the best agreement of Pearson domains and clusters.

    Parameters
    ----------
    pearson : PearsonMaps
    thresholds : ndarray, shape (n_thresholds,)

    Returns
    -------
    agreement : float
        Adjusted Rand index; NaN if it is not defined at any threshold.
    threshold : float
        The first with that agreement.
    """
    if not np.isfinite(pearson.agreement_by_threshold).any():
        return math.nan, math.nan
    at = int(np.nanargmax(pearson.agreement_by_threshold))
    return float(pearson.agreement_by_threshold[at]), float(thresholds[at])


def list_images(study: Study) -> dict[str, dict[str, np.ndarray]]:
    """Return the maps of a study of pixels.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of str to dict
        Name of the file → name of the channel → one value for each trace. Without ``study.maps``,
        those of Pearson correlations are missing.
    """
    images = {
        "cluster_map": {"cluster": np.where(study.labels > 0, study.labels, np.nan)},
        "labels": {"cluster": study.labels},
        "beta_map": {
            "beta": study.fit.beta,
            "beta standard error": study.fit.beta_stderr,
            "p-value": study.fit.p_value,
            "reduced chi2": study.fit.reduced_chi2,
        },
        "silhouette_map": {"silhouette": study.silhouette},
        "label_uncertainty_map": {"label uncertainty": study.label_uncertainty},
    }
    if study.maps is not None:
        images["pearson_maps"] = dict(_pearson_channels(study, study.maps))
        images["pearson_domains"] = dict(_domain_channels(study.maps))
    return images


def domain_rows(maps: AssemblyMaps) -> Iterator[dict[str, Any]]:
    """Yield a row of the table of domains for each cluster.

    Parameters
    ----------
    maps : AssemblyMaps

    Yields
    ------
    dict
        Contacts with other clusters are dictionaries by the other cluster's number.
    """
    table = maps.domains
    for i, cluster in enumerate(table.clusters.tolist()):
        row = {name: _to_plain(getattr(table, name)[i]) for name in DOMAINS_CSV_COLUMNS[1:]}
        others = [j for j in range(len(table.clusters)) if j != i]
        yield {
            "cluster": cluster,
            **row,
            "contact_px": {str(table.clusters[j]): int(table.contact_px[i, j]) for j in others},
            "contact_um": {
                str(table.clusters[j]): _to_plain(table.contact_um[i, j]) for j in others
            },
        }


def _treatments(maps: AssemblyMaps) -> tuple[tuple[str, PearsonMaps], ...]:
    return ("raw", maps.raw), ("detrended", maps.detrended)


def _pearson_channels(study: Study, maps: AssemblyMaps) -> Iterator[tuple[str, np.ndarray]]:
    row, col = (int(p[maps.reference_index]) for p in (study.traces.rows, study.traces.cols))
    for treatment, pearson in _treatments(maps):
        yield f"8 neighbours, {treatment}", pearson.neighbours
        yield f"pixel row {row} col {col}, {treatment}", pearson.reference
        for cluster, values in zip(maps.domains.clusters, pearson.domain_means, strict=True):
            yield f"mean of cluster {cluster}, {treatment}", values


def _domain_channels(maps: AssemblyMaps) -> Iterator[tuple[str, np.ndarray]]:
    for treatment, pearson in _treatments(maps):
        yield f"neighbours, {treatment}", pearson.domains_neighbours
        if maps.has_matrix:
            yield f"all pairs, {treatment}", pearson.domains_all_pairs


def _summarise_pearson(pearson: PearsonMaps, thresholds: np.ndarray) -> dict[str, Any]:
    agreement, threshold = best_agreement(pearson, thresholds)
    return {
        "n_domains_neighbours": int(pearson.domains_neighbours.max()),
        "agreement_neighbours": _to_plain(pearson.agreement_neighbours),
        "agreement_all_pairs": _to_plain(pearson.agreement_all_pairs),
        "best_agreement": _to_plain(agreement),
        "best_threshold": _to_plain(threshold),
        "between_domains": [[_to_plain(pcc) for pcc in row] for row in pearson.between_domains],
    }


def _to_plain(number: Any) -> int | float | None:
    if isinstance(number, np.integer):
        return int(number)
    return float(number) if math.isfinite(number) else None


def _write_domains_csv(maps: AssemblyMaps, path: Path) -> None:
    clusters = maps.domains.clusters.tolist()
    contacts = [f"contact_{c}_{unit}" for unit in ("px", "um") for c in clusters]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*DOMAINS_CSV_COLUMNS, *contacts))
        for row in domain_rows(maps):
            found = [row[name] for name in DOMAINS_CSV_COLUMNS]
            touched = [
                row[f"contact_{unit}"].get(str(c), 0) for unit in ("px", "um") for c in clusters
            ]
            # csv writes None as an empty cell
            table.writerow(found + touched)
