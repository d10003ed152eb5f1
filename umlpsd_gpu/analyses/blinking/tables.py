"""The tables of a blinking study: traces.csv and the content of summary.json."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.map_files import summarise_maps
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.decision_parts import finite_or_none, summarise_decision

TRACES_CSV_COLUMNS = (
    "id",
    "movie",
    "row",
    "col",
    "cluster",
    "label_uncertainty",
    "silhouette",
    "outlier_score",
    "outlier",
    "cluster_without_outliers",
    "beta",
    "beta_stderr",
    "beta_low",
    "beta_high",
    "spectrum_model",
    "spectrum_p_value",
    "flag",
)


def summary_of(study: Study) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict
    """
    return {
        **summarise_decision(study.decision),
        "n_traces": study.traces.n_traces,
        "n_clustered": int(study.clustered.sum()),
        "n_frames": study.traces.n_frames,
        "dt_s": study.traces.dt_s,
        "dt_origin": dt_origin(study),
        "clusters": [_summarise_cluster(study, i) for i in range(len(study.clusters.clusters))],
        "fit": {
            "model": study.fit.model,
            "fitting": study.fit.fitting,
            "f_range_hz": list(study.fit.f_range_hz),
            "n_without_beta": study.fit.n_without_beta,
        },
        "outliers": {
            "n_outliers": int(study.outliers.is_outlier.sum()),
            "threshold": finite_or_none(study.outliers.threshold),
            "false_positive_rate": study.outliers.false_positive_rate,
        },
        "movies": [
            {
                "name": movie.name,
                "verdict": movie.verdict,
                "dt_nominal_s": movie.dt_nominal_s,
                "pixel_size_um": movie.pixel_size_um,
            }
            for movie in study.movies
        ],
        "maps": summarise_maps(study),
    }


def dt_origin(study: Study) -> str:
    """Return where the frame interval comes from.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
        Several origins are separated by semicolons.
    """
    origins = dict.fromkeys(movie.dt_origin for movie in study.movies)
    return "; ".join(origins) or "given with the traces"


def trace_flags(study: Study) -> list[str]:
    """Return why traces were not clustered.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of str
        ``"constant"`` or ``"not finite"``; empty for a clustered trace.
    """
    flags = [""] * study.traces.n_traces
    for index in np.flatnonzero(~study.clustered):
        finite = np.isfinite(study.traces.values[index]).all()
        flags[index] = "constant" if finite else "not finite"
    return flags


def _summarise_cluster(study: Study, index: int) -> dict[str, Any]:
    clusters = study.clusters
    members = study.labels == clusters.clusters[index]
    return {
        "cluster": int(clusters.clusters[index]),
        "n_traces": int(members.sum()),
        "n_beta": int(clusters.n_beta[index]),
        "beta_mean": finite_or_none(clusters.beta_mean[index]),
        "beta_stderr": finite_or_none(clusters.beta_stderr[index]),
        "silhouette_mean": finite_or_none(study.silhouette[members].mean()),
        "label_uncertainty_mean": finite_or_none(study.label_uncertainty[members].mean()),
        "n_outliers": int(study.outliers.is_outlier[members].sum()),
        "nearest_cluster": int(study.tests.nearest[index]) or None,
        "gap": finite_or_none(study.tests.gap[index]),
        "apart_p": finite_or_none(study.tests.apart_p[index]),
        "inner_gap": finite_or_none(study.tests.inner_gap[index]),
        "one_cloud_p": finite_or_none(study.tests.one_cloud_p[index]),
    }


def write_traces_csv(study: Study, path: Path) -> None:
    """Write traces.csv: one row for every trace, clustered or not.

    Parameters
    ----------
    study : Study
    path : Path
    """
    columns = (
        study.traces.ids,
        study.traces.source,
        _to_texts(study.traces.rows),
        _to_texts(study.traces.cols),
        study.labels.tolist(),
        _to_texts(study.label_uncertainty),
        _to_texts(study.silhouette),
        _to_texts(study.outliers.score),
        study.outliers.is_outlier.astype(int).tolist(),
        study.outliers.labels.tolist(),
        _to_texts(study.fit.beta),
        _to_texts(study.fit.beta_stderr),
        _to_texts(study.fit.beta_ci95[:, 0]),
        _to_texts(study.fit.beta_ci95[:, 1]),
        study.fit.trace_models,
        _to_texts(study.fit.p_value),
        trace_flags(study),
    )
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(TRACES_CSV_COLUMNS)
        table.writerows(zip(*columns, strict=True))


def _to_texts(numbers: np.ndarray) -> list[str]:
    """Return numbers with all digits needed to read them back; empty text for NaN."""
    return ["" if math.isnan(number) else repr(number) for number in numbers.tolist()]
