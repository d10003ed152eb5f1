"""Quality of many labellings at once: silhouette, Calinski-Harabasz, SSD, %Mscl, %EM.

One product of matrices gives them all. With d_ic the squared distance of trace i to the centroid of
cluster c and V_c the mean of d over the members of c, the mean squared distance from i to the
members of c is d_ic + V_c: the squared-Euclidean silhouette needs no distance between pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.kmeans.budget import standard_error
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.geometry import Geometry
from umlpsd_gpu.kmeans.membership import Members
from umlpsd_gpu.kmeans.silhouettes import (
    counts_of_traces,
    distances_inside_and_out,
    silhouettes_from_distances,
)

# A silhouette this close to a threshold equals it: equal traces in two clusters give ±1e-16, and
# rounding must not decide what counts as misclassified.
ROUNDING = 1e-12
# A cluster's separation is 0 below this number of members, and MOST_SEPARATION at most.
LEAST_MEMBERS = 3
MOST_SEPARATION = 30.0
THRESHOLDS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@dataclass(frozen=True)
class Metrics:
    """Quality of the labellings at one K.

    All but ``ssd`` are NaN where fewer than two clusters hold a trace.

    Attributes
    ----------
    silhouette, silhouette_stderr : ndarray, shape (n_epochs,)
        Mean over the traces that get a silhouette, and its standard error (`standard_error`).
    calinski_harabasz : ndarray, shape (n_epochs,)
        See `calinski_harabasz`.
    ssd : ndarray, shape (n_epochs,)
        Sum of squared distances to the centroids, in the squared unit of the values.
    below_percent : ndarray, shape (n_thresholds, n_epochs)
        Percentage of silhouettes below each of `THRESHOLDS`.
    smallest_cluster_silhouette : ndarray, shape (n_epochs,)
        The smallest of the clusters' mean silhouettes.
    separation, least_separation : ndarray, shape (n_epochs,)
        Mean margin of a cluster's members over its standard deviation: averaged over the clusters
        by their sizes, and in the worst cluster.
    """

    silhouette: np.ndarray
    silhouette_stderr: np.ndarray
    calinski_harabasz: np.ndarray
    ssd: np.ndarray
    below_percent: np.ndarray
    smallest_cluster_silhouette: np.ndarray
    separation: np.ndarray
    least_separation: np.ndarray

    def part(self, epochs: slice | np.ndarray) -> Metrics:
        """Return the metrics of some of the labellings.

        Parameters
        ----------
        epochs : slice, or ndarray of int

        Returns
        -------
        Metrics
        """
        return Metrics(*(values[..., epochs] for values in self._arrays()))

    def merge(self, others: Metrics, is_ours: np.ndarray) -> Metrics:
        """Merge the metrics of two sets of labellings.

        Parameters
        ----------
        others : Metrics
        is_ours : ndarray, shape (n_epochs,), bool
            Where the labellings of this set belong; the others fill the rest.

        Returns
        -------
        Metrics
        """
        together = []
        for ours, theirs in zip(self._arrays(), others._arrays(), strict=True):
            values = np.empty((*ours.shape[:-1], is_ours.size))
            values[..., is_ours], values[..., ~is_ours] = ours, theirs
            together.append(values)
        return Metrics(*together)

    def _arrays(self) -> list[np.ndarray]:
        return [getattr(self, field.name) for field in fields(self)]


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

    Returns
    -------
    Metrics
    """
    members = Members.of_all(labels, n_clusters)
    counts = members.counts.reshape(n_clusters, -1)
    variances, mean_distance = _widths_and_distances(geometry, members, silhouette_metric)
    ssd = (members.counts * variances).reshape(counts.shape).sum(axis=0)
    # silhouettes and margins are those of the judged traces, in clusters of all traces
    judged, of_judged = labels, members
    if geometry.judged is not None:
        judged = labels[:, geometry.judged]
        of_judged = Members.of_all(judged, n_clusters)
    distances = distances_inside_and_out(mean_distance.reshape(*counts.shape, -1), judged, counts)
    return metrics_of_distances(
        of_judged, judged, counts, ssd, *distances, geometry.total_ssd, geometry.n_traces
    )


def metrics_of_distances(
    members: Members,
    labels: np.ndarray,
    counts: np.ndarray,
    ssd: np.ndarray,
    inside: np.ndarray,
    outside: np.ndarray,
    total_ssd: float | np.ndarray,
    n_traces: int,
) -> Metrics:
    """Return the metrics of labellings whose distances are known.

    Parameters
    ----------
    members : Members
        Members of every cluster among the traces that get a silhouette.
    labels : ndarray, shape (n_epochs, n_judged), int
        Of the same traces.
    counts : ndarray, shape (n_clusters, n_epochs), int
        Cluster sizes, of all traces.
    ssd : ndarray, shape (n_epochs,)
    inside, outside : ndarray, shape (n_epochs, n_judged)
        As `distances_inside_and_out` returns them.
    total_ssd : float or ndarray (n_epochs,)
        Of all traces around their mean.
    n_traces : int
        All of them.

    Returns
    -------
    Metrics
    """
    n_filled = np.count_nonzero(counts, axis=0)
    silhouettes = silhouettes_from_distances(inside, outside, counts_of_traces(labels, counts))
    silhouettes[n_filled < 2] = np.nan
    separations = _separations(members, outside - inside, n_filled)
    n_judged = labels.shape[1]
    n_below = [np.count_nonzero(silhouettes < level, axis=1) for level in THRESHOLDS - ROUNDING]
    below_percent = 100 * (np.array(n_below) / n_judged)
    below_percent[:, n_filled < 2] = np.nan
    n_members = members.counts.reshape(counts.shape)
    by_cluster = members.average_of(silhouettes.ravel()).reshape(counts.shape)
    return Metrics(
        silhouette=silhouettes.mean(axis=1),
        silhouette_stderr=standard_error(silhouettes, n_traces),
        calinski_harabasz=calinski_harabasz(total_ssd, n_traces, ssd, n_filled),
        ssd=ssd,
        below_percent=below_percent,
        smallest_cluster_silhouette=np.where(n_members > 0, by_cluster, np.inf).min(axis=0),
        separation=(separations * n_members).sum(axis=0) / n_judged,
        least_separation=np.where(n_members > 0, separations, np.inf).min(axis=0),
    )


def silhouette_samples(values: np.ndarray, labels: np.ndarray, metric: str) -> np.ndarray:
    """Return the silhouette of each trace in one labelling; NumPy.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples), finite
    labels : ndarray, shape (n_traces,), int
        From 0 up; numbers may be missing.
    metric : {"sqeuclidean", "euclidean"}
        Distance inside the silhouette.

    Returns
    -------
    ndarray, shape (n_traces,)
        NaN for a single cluster.
    """
    n_clusters = int(labels.max()) + 1
    if np.unique(labels).size < 2:
        return np.full(len(labels), np.nan)
    with threadpool_limits(limits=1):
        members = Members.of_all(labels[None], n_clusters)
        points = PointGeometry(values - values.mean(axis=0))
        _, mean_distance = _widths_and_distances(points, members, metric)
    one, counts = labels[None], members.counts[:, None]
    inside, outside = distances_inside_and_out(mean_distance[:, None], one, counts)
    silhouettes = silhouettes_from_distances(inside, outside, counts_of_traces(one, counts))
    of_traces: np.ndarray = silhouettes[0]
    return of_traces


def _widths_and_distances(
    geometry: Geometry, members: Members, silhouette_metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return V_c of each cluster, and mean distances of judged traces to each cluster's members."""
    sqdist: np.ndarray = np.maximum(geometry.sqdist_to_centroids(members), 0)
    variances = members.average(sqdist)
    if silhouette_metric == "euclidean":
        return variances, geometry.mean_distance(members)
    sqdist += variances[:, None]
    return variances, sqdist if geometry.judged is None else sqdist[:, geometry.judged]


def _separations(members: Members, margins: np.ndarray, n_filled: np.ndarray) -> np.ndarray:
    """Return the separation of each cluster from its neighbours: (n_clusters, n_epochs).

    The margin of a trace is b_i − a_i, not divided by the larger one as in the silhouette: noise
    adds the same to both and cancels, whereas it shrinks the silhouette. A cluster's separation is
    the mean of its members' margins over their standard deviation: 1.33 for half of a Gaussian
    cloud cut in two, 1.73 for half of a uniform one, more where the cloud is thinner at the border.
    0 for clusters of fewer than 3 traces, `MOST_SEPARATION` at most (our choice).
    """
    margins = np.where(n_filled[:, None] < 2, 0.0, margins).ravel()
    mean = members.average_of(margins)
    deviation = np.sqrt(members.average_of((margins - mean[members.row]) ** 2))
    separation = np.zeros_like(mean)
    np.divide(mean, deviation, out=separation, where=deviation > 0)
    separation[(deviation == 0) & (mean > 0)] = MOST_SEPARATION
    np.minimum(separation, MOST_SEPARATION, out=separation)
    separation[members.counts < LEAST_MEMBERS] = 0
    separation = separation.reshape(-1, len(n_filled))
    separation[:, n_filled < 2] = np.nan
    return separation


def calinski_harabasz(
    total_ssd: float | np.ndarray, n_traces: int, ssd: np.ndarray, n_filled: np.ndarray
) -> np.ndarray:
    """Return the Calinski-Harabasz index (SSB/(K−1)) / (SSW/(n−K)) of each labelling [1]_.

    Parameters
    ----------
    total_ssd : float or ndarray, shape (n_epochs,)
        SSB + SSW: sum of squared distances of all traces to their mean.
    n_traces : int
        n.
    ssd : ndarray, shape (n_epochs,)
        SSW: sum of squared distances to the centroids.
    n_filled : ndarray, shape (n_epochs,), int
        K: clusters that hold a trace.

    Returns
    -------
    ndarray, shape (n_epochs,)
        ∞ where all traces sit on their centroids, NaN for one cluster.

    References
    ----------
    .. [1] T. Calinski and J. Harabasz, Commun. Stat. 3, 1 (1974).
    """
    between = np.maximum(total_ssd - ssd, 0) * (n_traces - n_filled)
    within = ssd * (n_filled - 1)
    index = np.full(ssd.shape, np.inf)
    np.divide(between, within, out=index, where=within > 0)
    index[n_filled < 2] = np.nan
    return index
