"""report.html: one file that needs no network and leads with the decision."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.colors import to_hex

from umlpsd_gpu.analyses.blinking.files import summary_of
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.style import DrawnFigure, cluster_colour


def render_html(study: Study, figures: Sequence[DrawnFigure]) -> str:
    """Return the report as HTML with its figures inside.

    Every name that comes from the user is escaped; nothing is loaded from anywhere.
    """
    summary = summary_of(study)
    colours = {c["cluster"]: to_hex(cluster_colour(c["cluster"])) for c in summary["clusters"]}
    return (
        page_templates()
        .get_template("report.html.jinja")
        .render(
            study=study,
            summary=summary,
            figures=figures,
            headline=headline(study),
            colours=colours,
            outliers=outlier_sentence(study),
            pearson=pearson_sentence(summary["maps"]) if summary["maps"] else "",
            sources=list(dict.fromkeys(study.traces.source)),
        )
    )


def page_templates() -> Environment:
    """Return the templates of our pages: all that they are given is escaped."""
    # everything is escaped, whatever a template is called
    templates = Environment(
        loader=PackageLoader("umlpsd_gpu.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = _number
    templates.filters["base64"] = lambda content: base64.b64encode(content).decode("ascii")
    return templates


def headline(study: Study) -> str:
    """Return the decision in a few words."""
    decision, n = study.decision, int(study.clustered.sum())
    if decision.k_opt == 1:
        return f"No cluster structure in {n} traces"
    return f"{decision.k_opt} clusters in {n} traces, at scale {decision.scale}"


def outlier_sentence(study: Study) -> str:
    """Say how many traces fit no cluster, what chance would give, and where to find them."""
    outliers = study.outliers
    if math.isinf(outliers.threshold):
        return "Too few traces were clustered to tell outliers."
    n, kept = int(outliers.is_outlier.sum()), outliers.labels > 0
    text = (
        f"Outliers, traces that fit no cluster: {n or 'none'} of {study.clustered.sum()}; about "
        f"{outliers.n_expected:.0f} are expected by chance. Their distance to the centroid or "
        "their exponent β is beyond the range of every cluster (score above "
        f"{outliers.threshold:.2f})."
    )
    if not n:
        return text
    n_moved = int((study.labels != outliers.labels)[kept].sum())
    return (
        f"{text} Clustered again without them, {n_moved} of the other traces change their cluster. "
        "Scores, outliers and the clusters without them are in traces.csv; outliers are ringed in "
        "the figure of exponents."
    )


def pearson_sentence(maps: dict[str, Any]) -> str:
    """Say how far the domains of Pearson maps agree with the clusters, from summary.json."""
    said = []
    for treatment in ("raw", "detrended"):
        found = maps[treatment]
        text = (
            f"{treatment} traces {_number(found['agreement_neighbours'], 2)} "
            f"(at best {_number(found['best_agreement'], 2)}, at a threshold of "
            f"{_number(found['best_threshold'], 3)})"
        )
        if found["agreement_all_pairs"] is not None:
            text += f", all pairs joined {_number(found['agreement_all_pairs'], 2)}"
        said.append(text)
    return (
        "Agreement of these clusters with the domains that joined neighbours of Pearson "
        f"correlation ≥ {maps['threshold']:g} make (adjusted Rand index; 1: the same, 0: chance): "
        + "; ".join(said)
        + ". The maps are in the folder as OME-TIFF."
    )


def _number(value: float | None, n_digits: int) -> str:
    """Write a number with so many decimals; a dash where it is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{n_digits}f}".replace("-", "−")
