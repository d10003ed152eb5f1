"""The number of traces in each cluster, for legends."""

from __future__ import annotations

from umlpsd_gpu.analyses.blinking.result import Study


def cluster_sizes(study: Study) -> dict[int, int]:
    """Return the number of traces in each cluster.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of int to int
        By the number of the cluster, from 1.
    """
    return {int(c): int((study.labels == c).sum()) for c in study.clusters.clusters}
