"""The tables of a study of curves: curves.csv, clusters.csv and the content of summary.json."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.map_files import pixel_size_m
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.decision_parts import finite_or_none, summarise_decision

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
        "clusters": list(_clusters(study)),
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
    columns = dict(_columns_of_curves(study))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*columns.values(), strict=True))


def write_clusters_csv(study: CurveStudy, path: Path) -> None:
    """Write clusters.csv: one row for every cluster, with median and quartiles of quantities.

    Parameters
    ----------
    study : CurveStudy
    path : Path
    """
    rows = list(_clusters(study))
    plain = ("cluster", "n_curves", "share", "area_m2", "n_outliers", "label_uncertainty_mean")
    statistics = ("n_valid", "median", "lower_quartile", "upper_quartile")
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*plain, *(f"{q}_{s}" for q in study.quantities for s in statistics)))
        for row in rows:
            numbers = [row["quantities"][q][s] for q in study.quantities for s in statistics]
            # csv writes None as an empty cell
            table.writerow([*(row[name] for name in plain), *numbers])


def _columns_of_curves(study: CurveStudy) -> Iterator[tuple[str, Sequence[Any]]]:
    curves, clustering = study.map, study.clustering
    yield "curve", range(1, curves.n_curves + 1)
    if curves.shape is not None:
        rows, cols = np.divmod(np.arange(curves.n_curves), curves.shape[1])
        yield "row", rows.tolist()
        yield "col", cols.tolist()
    if curves.positions is not None:
        yield "x_m", _texts(curves.positions[:, 0])
        yield "y_m", _texts(curves.positions[:, 1])
    if curves.height is not None:
        yield "height_m", _texts(curves.height)
    yield "cluster", clustering.labels.tolist()
    yield "label_uncertainty", _texts(clustering.label_uncertainty)
    yield "silhouette", _texts(clustering.silhouette)
    yield "outlier_score", _texts(clustering.outliers.score)
    yield "outlier", clustering.outliers.is_outlier.astype(int).tolist()
    yield "cluster_without_outliers", clustering.outliers.labels.tolist()
    yield "noise_a", _texts(study.conditioned.noise)
    yield "current_offset_a", _texts(study.conditioned.current_offset)
    yield "hysteresis_shift_v", _texts(study.conditioned.hysteresis_shift)
    for name, quantity in study.quantities.items():
        yield _heading(name, quantity), _texts(quantity.values)
        yield f"{name}_error", _texts(quantity.errors)
        yield f"{name}_valid", quantity.is_valid.astype(int).tolist()
    yield "flag", curve_flags(study)


def _heading(name: str, quantity: Quantity) -> str:
    return f"{name} ({quantity.unit})" if quantity.unit else name


def _clusters(study: CurveStudy) -> Iterator[dict[str, Any]]:
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


def _texts(numbers: np.ndarray) -> list[str]:
    """Return numbers with all digits needed to read them back; empty text for NaN."""
    return ["" if math.isnan(number) else repr(number) for number in numbers.tolist()]
