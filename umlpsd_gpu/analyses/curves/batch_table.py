"""The columns of maps of curves in the table of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from umlpsd_gpu.analyses.batch_protocol import K_SPREAD, read_from_summary
from umlpsd_gpu.analyses.records import Column


def _share_of_largest(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> float | None:
    clusters = summary.get("clusters") or []
    return clusters[0]["share"] if clusters else None


COLUMNS = (
    Column("n_curves", read_from_summary("n_clustered"), "Curves"),
    Column("n_points", read_from_summary("n_points"), "Points"),
    Column("k_opt", read_from_summary("k_opt"), "K", None, K_SPREAD),
    Column("n_classes", read_from_summary("n_classes"), "Classes"),
    Column("confidence", read_from_summary("confidence"), "Confidence"),
    Column("largest_share", _share_of_largest, "Share of cluster 1"),
    Column("n_saturated", read_from_summary("n_saturated"), "Saturated"),
    Column("current_offset_a", read_from_summary("current_offset_a"), "Offset (A)"),
    Column("bias_offset_v", read_from_summary("bias_offset_v")),
    Column("noise_a", read_from_summary("noise_a")),
)
