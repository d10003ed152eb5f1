"""The report of a study of curves: result, clusters, quantities, decision, data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.cluster_table import LEAST_DOMAIN, quantity_rows, table_rows
from umlpsd_gpu.analyses.curves.map_files import pixel_size_m
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.decision_parts import (
    CITATION,
    confidence_fact,
    decision_section,
    k_fact,
)
from umlpsd_gpu.analyses.next_checks import decision_checks, or_nothing
from umlpsd_gpu.decision.labels import final_labels
from umlpsd_gpu.plotting.page_parts import Fact, Page, Section, number, render_section
from umlpsd_gpu.plotting.si_units import si_text

PACKAGE = "umlpsd_gpu.analyses.curves"
NAMES = {
    "asinh": "asinh(I/3σ)",
    "shape": "shape, without the size of the current",
    "magnitude": "size of the current alone",
    "log_conductance": "log10 |dI/dV|",
    "normalised_conductance": "(dI/dV) / (I/V)",
    "unit_norm": "I of unit norm",
    "raw": "I",
}


@dataclass(frozen=True)
class CrossTable:
    """How two clusterings of the same curves agree.

    Attributes
    ----------
    k : int
        Clusters of each.
    counts : list of list of int
        Curves by cluster of the one (rows) and of the other (columns).
    """

    k: int
    counts: list[list[int]]


def page_of(study: CurveStudy) -> Page:
    """Return the parts of the report, in which all text is escaped.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Page
    """
    return Page(
        kicker="Report on a map of curves",
        headline=headline(study),
        reason=study.clustering.decision.reason,
        facts=tuple(_facts(study)),
        sections=tuple(_sections(study)),
        data=(_data(study),),
        citation=CITATION,
        checks=or_nothing(decision_checks(study.clustering.decision), "curves"),
    )


def headline(study: CurveStudy) -> str:
    """Return the result in a few words.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    str
    """
    decision, n = study.clustering.decision, int(study.conditioned.is_usable.sum())
    n_classes, n_groups = study.n_classes, study.n_outlier_groups
    if decision.is_undecided:
        return f"Number of clusters of {n:,} curves undecided; shown: K = {decision.k_opt}"
    if n_groups:
        classes = f"{n_classes} cluster{'s' * (n_classes != 1)} in {n:,} curves"
        return f"{classes}, and {n_groups} group{'s' * (n_groups != 1)} of outliers"
    if decision.k_opt == 1:
        return f"No cluster structure in {n:,} curves"
    return f"{decision.k_opt} clusters in {n:,} curves"


def _facts(study: CurveStudy) -> Iterator[Fact]:
    decision, curves = study.clustering.decision, study.map
    yield k_fact(decision)
    if study.n_outlier_groups:
        yield Fact("Classes", str(study.n_classes), "the other clusters are groups of outliers")
    yield confidence_fact(decision)
    yield Fact("Compared", NAMES.get(decision.scale, decision.scale))
    n_usable = int(study.conditioned.is_usable.sum())
    yield Fact("Curves clustered", f"{n_usable:,}", f"of {curves.n_curves:,}")
    low_v, high_v = number(curves.bias[0], 2), number(curves.bias[-1], 2)
    yield Fact("Points", f"{curves.n_points:,}", f"{low_v} … {high_v} V")


def _sections(study: CurveStudy) -> Iterator[Section]:
    values: dict[str, Any] = {
        "rows": tuple(table_rows(study)),
        "has_grid": study.map.shape is not None,
        "least_domain": LEAST_DOMAIN,
        "outliers": outlier_sentence(study),
        "crossed": cross_shape_and_magnitude(study),
    }
    yield render_section("Clusters", "clusters.html.jinja", PACKAGE, values)
    clusters = (f"Cluster {row.cluster}" for row in values["rows"])
    yield Section.of_table(
        "Quantities of the clusters",
        ("Quantity", *clusters),
        quantity_rows(study),
        "Median (quartiles) of the curves in which a quantity is valid; a dash where these are "
        "fewer than half of a cluster. Values, errors and validity of every curve are in "
        "curves.csv.",
    )
    yield decision_section(study.clustering.decision, "curves", study.clustering.tests)


def cross_shape_and_magnitude(study: CurveStudy) -> CrossTable | None:
    """Return how clusters by shape and by magnitude agree.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    CrossTable or None
        None if curves were not compared by both, or there is one cluster.
    """
    sweeps = {sweep.scale: sweep for sweep in study.clustering.sweeps}
    k = study.clustering.decision.k_opt
    if k == 1 or not {"shape", "magnitude"} <= set(sweeps):
        return None
    shape, magnitude = (final_labels(sweeps[name], k)[0] - 1 for name in ("shape", "magnitude"))
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (shape, magnitude), 1)
    return CrossTable(k, counts.tolist())


def outlier_sentence(study: CurveStudy) -> str:
    """Describe the outliers: their number, the number expected by chance, where to find them.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    str
    """
    outliers = study.clustering.outliers
    if math.isinf(outliers.threshold):
        return "Too few curves were clustered to find outliers."
    n = int(outliers.is_outlier.sum())
    text = (
        f"Outliers, curves that fit no cluster: {n or 'none'} of "
        f"{int(study.conditioned.is_usable.sum()):,}; about {outliers.n_expected:.0f} are expected "
        f"by chance. Their distance to the centroid is beyond the range of every cluster (score "
        f"above {outliers.threshold:.2f})."
    )
    return f"{text} Scores are in curves.csv." if n else text


def _data(study: CurveStudy) -> Section:
    """Return the table of what was read, and where each fact is from."""
    curves, conditioned = study.map, study.conditioned
    rows: list[tuple[str, str, str]] = [
        (name, origin.value, origin.source) for name, origin in curves.origins.items()
    ]
    found = "found from all curves"
    noise = float(np.median(conditioned.noise[conditioned.is_usable]))
    offset = float(np.nanmedian(conditioned.current_offset))
    rows += [
        ("offset of the current", si_text(offset, "A"), found),
        ("offset of the bias", si_text(conditioned.bias_offset, "V"), found),
        ("noise of the current", si_text(noise, "A", 2), "third differences, median of curves"),
    ]
    if curves.shape is not None:
        size = pixel_size_m(curves)
        rows.append(("grid", f"{curves.shape[0]} × {curves.shape[1]} pixels", "the file"))
        if size is not None:
            text = f"{si_text(size[0], 'm')} × {si_text(size[1], 'm')}"
            rows.append(("pixel", text, "positions of the curves"))
    rows.append(("sweeps", ", ".join(curves.current), "the file"))
    if curves.paths:
        rows.append(("files", ", ".join(path.name for path in curves.paths), ""))
    return Section.of_table("Data", ("What", "Value", "From"), rows)
