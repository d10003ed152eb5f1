"""One row for each trace: the columns of traces.csv."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.exports.contents import Column, Table


def trace_table(study: Study) -> Table:
    """Return what is known of each trace, clustered or not.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Table
        The columns of traces.csv.
    """
    traces, fit, outliers = study.traces, study.fit, study.outliers
    low, high = fit.beta_ci95.T
    return Table(
        "traces",
        (
            Column("id", traces.ids, "", "Unique name"),
            Column("movie", traces.source, "", "Movie or table"),
            Column("row", np.asarray(traces.rows), "px", "Row in the movie, from 0"),
            Column("col", np.asarray(traces.cols), "px", "Column in the movie, from 0"),
            Column("cluster", study.labels, "", "From 1, the largest first; 0: not clustered"),
            Column("label_uncertainty", study.label_uncertainty, "", "Share of other labellings"),
            Column("silhouette", study.silhouette, "", "Of the final clustering"),
            Column("outlier_score", outliers.score, "", "How far beyond every cluster's range"),
            Column("outlier", outliers.is_outlier, "", "Score above the threshold"),
            Column("cluster_without_outliers", outliers.labels, "", "0 for outliers"),
            Column("beta", fit.beta, "", "Exponent of the power spectrum"),
            Column("beta_stderr", fit.beta_stderr, "", "Its standard error"),
            Column("beta_low", low, "", "Lower end of its 95 % interval"),
            Column("beta_high", high, "", "Upper end of its 95 % interval"),
            Column("spectrum_model", fit.trace_models, "", "Model of the spectrum"),
            Column("spectrum_p_value", fit.p_value, "", "Chance of a larger misfit"),
            Column("flag", tuple(trace_flags(study)), "", "Why it was not clustered"),
        ),
    )


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
