"""How many traces each cluster holds, as legends say it."""

from __future__ import annotations

from umlpsd_gpu.analyses.blinking.result import Study


def cluster_sizes(study: Study) -> dict[int, int]:
    """Return the number of traces of each cluster, by its number from 1."""
    return {int(c): int((study.labels == c).sum()) for c in study.clusters.clusters}
