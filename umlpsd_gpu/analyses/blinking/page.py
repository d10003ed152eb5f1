"""The report of a blinking study: result, clusters, domains, data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from matplotlib.colors import to_hex

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.tables import summary_of
from umlpsd_gpu.analyses.decision_parts import (
    confidence_fact,
    decision_section,
    k_fact,
)
from umlpsd_gpu.plotting.page_parts import Fact, Page, Section, number, render_section
from umlpsd_gpu.plotting.style import cluster_colour

PACKAGE = "umlpsd_gpu.analyses.blinking"


def page_of(study: Study) -> Page:
    """Return the parts of the report, in which all text is escaped.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Page
    """
    summary = summary_of(study)
    colours = {c["cluster"]: to_hex(cluster_colour(c["cluster"])) for c in summary["clusters"]}
    values = {
        "study": study,
        "summary": summary,
        "colours": colours,
        "outliers": outlier_sentence(study),
        "pearson": pearson_sentence(summary["maps"]) if summary["maps"] else "",
        "sources": list(dict.fromkeys(study.traces.source)),
    }
    return Page(
        kicker="UML-PSD report",
        headline=headline(study),
        reason=study.decision.reason,
        facts=tuple(_facts(study)),
        sections=tuple(_sections(study, values)),
        data=(render_section("Data", "data.html.jinja", PACKAGE, values),),
    )


def _facts(study: Study) -> Iterator[Fact]:
    decision, traces = study.decision, study.traces
    yield k_fact(decision)
    yield Fact("Smoothing scale", decision.scale)
    yield confidence_fact(decision)
    yield Fact("Traces clustered", str(int(study.clustered.sum())), f"of {traces.n_traces}")
    if study.movies:
        n_whole, n = sum(movie.verdict == "whole" for movie in study.movies), len(study.movies)
        if n == 1:
            yield Fact("Movie", "whole" if n_whole else "damaged")
        else:
            yield Fact("Movies", f"{n_whole} of {n} whole")
    yield Fact("Frames", f"{traces.n_frames:,}", f"× {traces.dt_s:.4g} s")


def _sections(study: Study, values: dict[str, Any]) -> Iterator[Section]:
    yield render_section("Clusters", "clusters.html.jinja", PACKAGE, values)
    if study.maps:
        yield render_section("Domains", "domains.html.jinja", PACKAGE, values)
    yield decision_section(study.decision, "traces", study.tests)


def headline(study: Study) -> str:
    """Return the result in a few words.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    decision, n = study.decision, int(study.clustered.sum())
    if decision.is_undecided:
        return f"Number of clusters of {n} traces undecided; shown: K = {decision.k_opt}"
    if decision.k_opt == 1:
        return f"No cluster structure in {n} traces"
    return f"{decision.k_opt} clusters in {n} traces, at scale {decision.scale}"


def outlier_sentence(study: Study) -> str:
    """Describe the outliers: their number, the number expected by chance, where to find them.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    outliers = study.outliers
    if math.isinf(outliers.threshold):
        return "Too few traces were clustered to find outliers."
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
    """Describe how well Pearson domains and clusters agree.

    Parameters
    ----------
    maps : dict
        The maps in summary.json.

    Returns
    -------
    str
    """
    parts = []
    for treatment in ("raw", "detrended"):
        found = maps[treatment]
        text = (
            f"{treatment} traces {number(found['agreement_neighbours'], 2)} "
            f"(at best {number(found['best_agreement'], 2)}, at a threshold of "
            f"{number(found['best_threshold'], 3)})"
        )
        if found["agreement_all_pairs"] is not None:
            text += f", with all pairs of pixels joined {number(found['agreement_all_pairs'], 2)}"
        parts.append(text)
    return (
        "Agreement of these clusters with domains of neighbouring pixels whose Pearson correlation "
        f"is ≥ {maps['threshold']:g} (adjusted Rand index; 1: equal, 0: chance): "
        + "; ".join(parts)
        + ". The maps are in the study folder as OME-TIFF."
    )
