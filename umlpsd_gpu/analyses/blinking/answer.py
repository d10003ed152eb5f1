"""The result of a blinking study in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.tables import dt_origin
from umlpsd_gpu.decision.result import KDecision


def answer(study: Study) -> Iterator[str | Table]:
    """Yield the result of a study: ensemble, decision, clusters, notes.

    Parameters
    ----------
    study : Study

    Yields
    ------
    str or rich.table.Table
    """
    traces, decision = study.traces, study.decision
    yield (
        f"{traces.n_traces} traces of {traces.n_frames} frames × {traces.dt_s:.6g} s "
        f"({escape(dt_origin(study))})"
    )
    yield (
        f"[bold]K = {decision.k_opt}[/] at {decision.scale}, confidence "
        f"{format_confidence(decision)}. {escape(decision.reason)}"
    )
    yield cluster_table(study)
    for note in study.notes:
        yield f"[yellow]Note:[/] {escape(note)}"


def format_confidence(decision: KDecision) -> str:
    """Return the confidence as text, with its 95 % interval if there is one.

    Parameters
    ----------
    decision : KDecision

    Returns
    -------
    str
    """
    low, high = decision.confidence_ci95
    interval = "" if math.isnan(low) else f" (95 %: {low:.2f}…{high:.2f})"
    return f"{decision.confidence:.2f}{interval}"


def cluster_table(study: Study) -> Table:
    """Return a table of the clusters: number of traces and <β> ± standard error.

    Parameters
    ----------
    study : Study

    Returns
    -------
    rich.table.Table
        One row for each cluster; a dash where a value is not defined.
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("cluster", "traces", "<β> ± SE"):
        table.add_column(heading, justify="right")
    clusters = study.clusters
    for i, cluster in enumerate(clusters.clusters):
        beta = f"{_format(clusters.beta_mean[i])} ± {_format(clusters.beta_stderr[i])}"
        table.add_row(str(cluster), str(int((study.labels == cluster).sum())), beta)
    return table


def _format(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"
