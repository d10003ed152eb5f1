"""How a study shows itself, and its labelled arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.compute.display import Outline, count, format_number, format_with_error, shorten
from umlpsd_gpu.compute.export import Labelled, LabelledArrays
from umlpsd_gpu.decision.display import decision_sentence
from umlpsd_gpu.spectrum.display import DENSITY, label_fit, label_spectrum


def describe_study(study: Any) -> Outline:
    """Describe a study: the decision, a row per cluster, and the notes.

    Parameters
    ----------
    study : Study
    """
    decision, traces = study.decision, study.traces
    sources = shorten([movie.name for movie in study.movies] or list(traces.source), 2)
    return Outline(
        line=f"K = {decision.k_opt} at {decision.scale}, confidence {decision.confidence:.2f}, "
        f"{count(traces.n_traces, 'trace')} of {sources}",
        sentence=decision_sentence(decision),
        headings=("Cluster", "Traces", "⟨β⟩ ± SE", "⟨SS⟩", "Outliers"),
        rows=[_cluster_row(study, i) for i in range(len(study.clusters.clusters))],
        notes=[
            f"{count(traces.n_traces, 'trace')} of {count(traces.n_frames, 'frame')}, "
            f"{traces.dt_s:.6g} s each, from {sources}.",
            *study.notes,
        ],
    )


def _cluster_row(study: Any, i: int) -> tuple[str, ...]:
    clusters = study.clusters
    members = study.labels == clusters.clusters[i]
    silhouettes = study.silhouette[members]
    silhouettes = silhouettes[np.isfinite(silhouettes)]
    return (
        str(clusters.clusters[i]),
        f"{np.count_nonzero(members):,}",
        format_with_error(clusters.beta_mean[i], clusters.beta_stderr[i]),
        format_number(silhouettes.mean(), 2) if silhouettes.size else "–",
        f"{np.count_nonzero(study.outliers.is_outlier & members):,}",
    )


def label_study(study: Any) -> LabelledArrays:
    """Return the arrays of a study, labelled; its table has a row per trace.

    Parameters
    ----------
    study : Study
    """
    traces, clusters = study.traces, study.clusters
    ids = np.array(traces.ids, dtype=object)
    of_traces = {
        "source": Labelled(("trace",), np.array(traces.source, dtype=object), "", "Movie or table"),
        "row": Labelled(("trace",), traces.rows, "px", "Row in the movie, from 0"),
        "col": Labelled(("trace",), traces.cols, "px", "Column in the movie, from 0"),
        "cluster": Labelled(("trace",), study.labels, "1", "Cluster, from 1; 0: not clustered"),
        "label_uncertainty": Labelled(
            ("trace",), study.label_uncertainty, "1", "Share of epochs with another cluster"
        ),
        "silhouette": Labelled(("trace",), study.silhouette, "1", "Silhouette"),
        "outlier_score": Labelled(
            ("trace",), study.outliers.score, "1", "Distance from its cluster, in deviations"
        ),
        "is_outlier": Labelled(("trace",), study.outliers.is_outlier, "", "Fits no cluster"),
        **label_fit(study.fit).variables,
    }
    spectrum = label_spectrum(study.spectrum)
    psd = ("cluster_number", "freqs_hz")
    of_clusters = {
        "n_traces": (("cluster_number",), clusters.n_traces, "1", "Traces with a spectrum"),
        "psd_mean": (psd, clusters.psd_mean, DENSITY, "Mean spectrum of the cluster"),
        "psd_stderr": (psd, clusters.psd_stderr, DENSITY, "Its standard error"),
        "beta_mean": (("cluster_number",), clusters.beta_mean, "1", "Mean exponent"),
        "beta_mean_stderr": (("cluster_number",), clusters.beta_stderr, "1", "Its standard error"),
    }
    time_s = traces.dt_s * np.arange(traces.n_frames)
    return LabelledArrays(
        coords={
            "trace": Labelled(("trace",), ids, "", "Name of the trace"),
            "time_s": Labelled(("time_s",), time_s, "s", "Time since the first frame"),
            "freqs_hz": spectrum.coords["freqs_hz"],
            "cluster_number": Labelled(("cluster_number",), clusters.clusters, "1", "Cluster"),
        },
        variables={
            **of_traces,
            "intensity": Labelled(("trace", "time_s"), traces.values, "counts", "Intensity"),
            **spectrum.variables,
            **{f"cluster_{name}": Labelled(*part) for name, part in of_clusters.items()},
        },
        attrs={
            "k_opt": study.decision.k_opt,
            "scale": study.decision.scale,
            "confidence": study.decision.confidence,
            "dt_s": traces.dt_s,
        },
        in_table=tuple(of_traces),
    )
