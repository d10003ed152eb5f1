"""Quality of many labellings at once: silhouette, Calinski-Harabasz, SSD, %Mscl, %EM.

One product gives them all. With d_ic the squared distance of trace i to the centroid of cluster c
and V_c the mean of d over the members of c, the mean squared distance from i to the members of c
is d_ic + V_c: the squared-Euclidean silhouette needs no distance between pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.sweep.geometry import Geometry
from umlpsd_gpu.sweep.members import Members

# A silhouette this near to a threshold equals it: equal traces in two clusters give ±1e-16, and
# rounding must not decide what counts as misclassified.
ROUNDING = 1e-12
THRESHOLDS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@dataclass(frozen=True)
class Metrics:
    """Metrics of the labellings at one K; shapes (n_epochs,) and (n_thresholds, n_epochs).

    ``silhouette``, ``calinski_harabasz``, ``below_percent`` and ``smallest_cluster_silhouette``
    are NaN where fewer than two clusters hold a trace.
    """

    silhouette: np.ndarray
    calinski_harabasz: np.ndarray
    ssd: np.ndarray
    below_percent: np.ndarray
    smallest_cluster_silhouette: np.ndarray


def metrics_of(
    geometry: Geometry, labels: np.ndarray, n_clusters: int, silhouette_metric: str
) -> Metrics:
    """Return the metrics of every labelling.

    Parameters
    ----------
    geometry : Geometry
    labels : ndarray, shape (n_epochs, n_traces), int
        0 … n_clusters − 1; clusters may be empty.
    n_clusters : int
    silhouette_metric : {"sqeuclidean", "euclidean"}
    """
    members = Members.of_all(labels, n_clusters)
    counts = members.counts.reshape(n_clusters, -1)
    sqdist = np.maximum(geometry.sqdist_to_centroids(members), 0)
    variances = members.average(sqdist)
    ssd = (members.counts * variances).reshape(n_clusters, -1).sum(axis=0)
    n_filled = np.count_nonzero(counts, axis=0)
    if silhouette_metric == "sqeuclidean":
        mean_distance = sqdist + variances[:, None]
    else:
        mean_distance = geometry.mean_distance(members)
    silhouettes = silhouettes_from_means(
        mean_distance.reshape(n_clusters, *labels.shape), labels, counts
    )
    undefined = n_filled < 2
    silhouettes[undefined] = np.nan
    below_percent = np.array(
        [100 * (silhouettes < level).mean(axis=1) for level in THRESHOLDS - ROUNDING]
    )
    below_percent[:, undefined] = np.nan
    by_cluster = members.average_of(silhouettes.ravel()).reshape(counts.shape)
    return Metrics(
        silhouette=silhouettes.mean(axis=1),
        calinski_harabasz=_calinski_harabasz(geometry, ssd, n_filled),
        ssd=ssd,
        below_percent=below_percent,
        smallest_cluster_silhouette=np.where(counts > 0, by_cluster, np.inf).min(axis=0),
    )


def silhouettes_from_means(
    mean_distance: np.ndarray, labels: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return the silhouette of each trace in each labelling [1]_.

    s_i = (b_i − a_i) / max(a_i, b_i), with a_i the mean distance to the other members of its own
    cluster and b_i the least mean distance to another cluster. A trace alone in its cluster gets
    0, as in scikit-learn; so does one whose a_i and b_i are both 0.

    Parameters
    ----------
    mean_distance : ndarray, shape (n_clusters, n_epochs, n_traces)
        Mean over all members of the cluster, the trace itself (distance 0) included.
    labels : ndarray, shape (n_epochs, n_traces)
    counts : ndarray, shape (n_clusters, n_epochs)

    Returns
    -------
    ndarray, shape (n_epochs, n_traces)

    References
    ----------
    .. [1] P. J. Rousseeuw, J. Comput. Appl. Math. 20, 53 (1987).
    """
    epochs, traces = np.ogrid[: labels.shape[0], : labels.shape[1]]
    own_cluster = labels, epochs, traces
    size = counts[labels, epochs]
    own = mean_distance[own_cluster] * (size / np.maximum(size - 1, 1))
    others = np.where(counts[:, :, None] > 0, mean_distance, np.inf)
    others[own_cluster] = np.inf
    other = others.min(axis=0)
    larger = np.maximum(own, other)
    comparable = (size > 1) & (larger > 0) & np.isfinite(other)
    return np.divide(other - own, larger, out=np.zeros_like(own), where=comparable)


def _calinski_harabasz(geometry: Geometry, ssd: np.ndarray, n_filled: np.ndarray) -> np.ndarray:
    """Return (SSB/(K−1)) / (SSW/(n−K)); ∞ where clusters have no width, NaN for one cluster.

    Source: T. Calinski and J. Harabasz, Commun. Stat. 3, 1 (1974). K counts clusters that hold a
    trace.
    """
    between = np.maximum(geometry.total_ssd - ssd, 0) * (geometry.n_traces - n_filled)
    within = ssd * (n_filled - 1)
    index = np.full(ssd.shape, np.inf)
    np.divide(between, within, out=index, where=within > 0)
    index[n_filled < 2] = np.nan
    return index
