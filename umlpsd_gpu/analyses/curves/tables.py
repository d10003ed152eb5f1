"""The tables of a study of curves: curves.csv, clusters.csv and the content of summary.json."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.map_files import pixel_size_m
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.decision_parts import finite_or_none, summarise_decision
from umlpsd_gpu.exports.contents import Column, Table
from umlpsd_gpu.exports.csv_tables import write_csv

QUARTILES = (25, 50, 75)


def summary_of(study: CurveStudy) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    dict
    """
    curves = study.map
    outliers, conditioned = study.clustering.outliers, study.conditioned
    saturated = [mask.any(axis=1) for mask in conditioned.is_saturated.values()]
    return {
        **summarise_decision(study.clustering.decision),
        "n_classes": study.n_classes,
        "n_outlier_groups": study.n_outlier_groups,
        "n_curves": curves.n_curves,
        "n_recorded": int(curves.is_recorded.sum()),
        "n_clustered": int(conditioned.is_usable.sum()),
        "n_saturated": int(np.logical_or.reduce(saturated).sum()),
        "n_points": curves.n_points,
        "shape": None if curves.shape is None else list(curves.shape),
        "pixel_size_m": _plain_list(pixel_size_m(curves)),
        "bias_range_v": [float(curves.bias[0]), float(curves.bias[-1])],
        "sweeps": list(curves.current),
        "lock_in": list(curves.lock_in),
        "origins": {
            name: {"value": origin.value, "source": origin.source}
            for name, origin in curves.origins.items()
        },
        "bias_offset_v": finite_or_none(conditioned.bias_offset),
        "current_offset_a": _median(conditioned.current_offset),
        "noise_a": _median(conditioned.noise),
        "clusters": list(cluster_rows(study)),
        "quantities": {
            name: {"title": each.title, "unit": each.unit, "n_valid": int(each.is_valid.sum())}
            for name, each in study.quantities.items()
        },
        "outliers": {
            "n_outliers": int(outliers.is_outlier.sum()),
            "threshold": finite_or_none(outliers.threshold),
            "false_positive_rate": outliers.false_positive_rate,
        },
        "files": [path.name for path in curves.paths],
    }


def curve_flags(study: CurveStudy) -> list[str]:
    """Return why curves were not clustered, or what is special about them.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    list of str
        ``"not recorded"``, ``"not clustered"`` (dead, or saturated everywhere), ``"saturated"``
        (in a part), or nothing.
    """
    recorded, usable = study.map.is_recorded, study.conditioned.is_usable
    saturated = np.logical_or.reduce(
        [mask.any(axis=1) for mask in study.conditioned.is_saturated.values()]
    )
    flags = np.where(saturated, "saturated", "")
    flags = np.where(usable, flags, "not clustered")
    found: list[str] = np.where(recorded, flags, "not recorded").tolist()
    return found


def write_curves_csv(study: CurveStudy, path: Path) -> None:
    """Write curves.csv: one row for every curve, with its place, cluster and quantities.

    Parameters
    ----------
    study : CurveStudy
    path : Path
    """
    write_csv(path, curve_table(study))


def write_clusters_csv(study: CurveStudy, path: Path) -> None:
    """Write clusters.csv: one row for every cluster, with median and quartiles of quantities.

    Parameters
    ----------
    study : CurveStudy
    path : Path
    """
    rows = list(cluster_rows(study))
    plain = ("cluster", "n_curves", "share", "area_m2", "n_outliers", "label_uncertainty_mean")
    statistics = ("n_valid", "median", "lower_quartile", "upper_quartile")
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*plain, *(f"{q}_{s}" for q in study.quantities for s in statistics)))
        for row in rows:
            numbers = [row["quantities"][q][s] for q in study.quantities for s in statistics]
            # csv writes None as an empty cell
            table.writerow([*(row[name] for name in plain), *numbers])


def curve_table(study: CurveStudy) -> Table:
    """Return what is known of each curve, clustered or not.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Table
        The columns of curves.csv.
    """
    return Table("curves", tuple(_columns_of_curves(study)))


def _columns_of_curves(study: CurveStudy) -> Iterator[Column]:
    curves, clustering, conditioned = study.map, study.clustering, study.conditioned
    outliers = clustering.outliers
    yield Column("curve", np.arange(1, curves.n_curves + 1), "", "From 1")
    if curves.shape is not None:
        rows, cols = np.divmod(np.arange(curves.n_curves), curves.shape[1])
        yield Column("row", rows, "px", "From 0")
        yield Column("col", cols, "px", "From 0")
    if curves.positions is not None:
        yield Column("x_m", curves.positions[:, 0], "m")
        yield Column("y_m", curves.positions[:, 1], "m")
    if curves.height is not None:
        yield Column("height_m", curves.height, "m", "Topography")
    yield Column("cluster", clustering.labels, "", "From 1, the largest first; 0: not clustered")
    yield Column("label_uncertainty", clustering.label_uncertainty, "", "Share of other labellings")
    yield Column("silhouette", clustering.silhouette, "", "Of the final clustering")
    yield Column("outlier_score", outliers.score, "", "How far beyond every cluster's range")
    yield Column("outlier", outliers.is_outlier, "", "Score above the threshold")
    yield Column("cluster_without_outliers", outliers.labels, "", "0 for outliers")
    yield Column("noise_a", conditioned.noise, "A", "Standard deviation of the noise")
    yield Column("current_offset_a", conditioned.current_offset, "A", "What was subtracted")
    yield Column("hysteresis_shift_v", conditioned.hysteresis_shift, "V", "Of the backward sweep")
    for name, quantity in study.quantities.items():
        unit, title = quantity.unit, quantity.title
        yield Column(_heading(name, quantity), quantity.values, unit, title)
        yield Column(f"{name}_error", quantity.errors, unit, f"{title}, standard error")
        yield Column(f"{name}_valid", quantity.is_valid, "", f"{title}, within its limits")
    yield Column("flag", tuple(curve_flags(study)), "", "Why it was not clustered, or saturated")


def _heading(name: str, quantity: Quantity) -> str:
    return f"{name} ({quantity.unit})" if quantity.unit else name


def cluster_rows(study: CurveStudy) -> Iterator[dict[str, Any]]:
    """Yield what is known of each cluster: sizes, and statistics of its quantities.

    Parameters
    ----------
    study : CurveStudy

    Yields
    ------
    dict
        Plain values, None in place of NaN.
    """
    clustering = study.clustering
    n_clustered = int((clustering.labels > 0).sum())
    size = pixel_size_m(study.map)
    for number in range(1, int(clustering.labels.max()) + 1):
        members = clustering.labels == number
        n = int(members.sum())
        yield {
            "cluster": number,
            "n_curves": n,
            "share": n / n_clustered if n_clustered else None,
            "area_m2": None if size is None else n * size[0] * size[1],
            "n_outliers": int(clustering.outliers.is_outlier[members].sum()),
            "label_uncertainty_mean": _mean(clustering.label_uncertainty[members]),
            "silhouette_mean": _mean(clustering.silhouette[members]),
            "quantities": {
                name: _statistics(quantity, members) for name, quantity in study.quantities.items()
            },
        }


def _statistics(quantity: Quantity, members: np.ndarray) -> dict[str, Any]:
    values = quantity.values[members & quantity.is_valid]
    values = values[np.isfinite(values)]
    low, middle, high = np.percentile(values, QUARTILES) if values.size else (math.nan,) * 3
    return {
        "n_valid": int(values.size),
        "median": finite_or_none(middle),
        "lower_quartile": finite_or_none(low),
        "upper_quartile": finite_or_none(high),
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def _plain_list(numbers: tuple[float, float] | None) -> list[float] | None:
    return None if numbers is None else list(numbers)
