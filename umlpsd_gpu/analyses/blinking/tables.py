"""The tables of a blinking study: traces.csv and the content of summary.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.blinking.map_files import summarise_maps
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.trace_table import trace_table
from umlpsd_gpu.analyses.decision_parts import finite_or_none, summarise_decision
from umlpsd_gpu.exports.csv_tables import write_csv


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
    write_csv(path, trace_table(study))
