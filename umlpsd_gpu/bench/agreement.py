"""Agreement of results with a reference: a speed-up counts only if the results agree.

Every row of the benchmark answers three questions:

- Are the metrics correct? The largest difference between ours and scikit-learn's on equal labels.
- Are the partitions as good? The inertia of independent starts compared with the reference's.
- Are they the same partitions? Run by run if an engine accepts our starts; otherwise the adjusted
  Rand index with the reference's runs, next to that of the reference's runs with each other.

The reference is scikit-learn's ``KMeans`` (one start, Lloyd, no tolerance) on all principal
components of the ensemble, so that distances are those of the traces. It uses the same kind of
start as the compared engine: k-means++ that tries one candidate per step ends some percent higher
than one that tries several.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.bench.paper_protocol import MAX_ITER, PAPER_TOL, Labelled, ProtocolRun
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.decision.adjusted_rand import adjusted_rand
from umlpsd_gpu.kmeans.distances import geometry_of
from umlpsd_gpu.kmeans.metrics import metrics_of
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import sweep

# for equal labels: absolute for silhouettes, otherwise relative; summing in another order changes
# 1e-12 or less [I]
METRIC_DIFFERENCE = 1e-6
# excess of the inertia, averaged over K, that is accepted beyond two standard errors [I]
INERTIA_EXCESS_PERCENT = 0.5
# mean adjusted Rand index, run by run: a trace between two centroids may go to either [I]
LEAST_RAND_SAME_STARTS = 0.999
# with other starts: index of the reference's runs with each other, less this much [I]
RAND_BELOW_REFERENCE = 0.1
N_REFERENCE_EPOCHS = 20
N_SAME_STARTS = 3


@dataclass(frozen=True)
class Agreement:
    """Difference between the results of a row and those of the reference.

    Attributes
    ----------
    metric_difference : float
        Largest difference of a metric on equal labels: absolute for the silhouette, otherwise
        relative.
    inertia_excess_percent, inertia_stderr_percent : float
        Mean over K of the mean inertia divided by the reference's, less 100 %; its standard error.
    rand, rand_expected : float
        Mean adjusted Rand index with the reference, and the least value that is accepted.
    """

    metric_difference: float
    inertia_excess_percent: float
    inertia_stderr_percent: float
    rand: float
    rand_expected: float

    @property
    def agrees(self) -> bool:
        """Return whether there is no objection."""
        return not self.objections

    @property
    def objections(self) -> list[str]:
        """Return what differs too much, in words; NaN always does."""
        excess = abs(self.inertia_excess_percent) - 2 * self.inertia_stderr_percent
        objections = []
        if not self.metric_difference <= METRIC_DIFFERENCE:
            objections.append(f"metrics differ by {self.metric_difference:.1e}")
        if not excess <= INERTIA_EXCESS_PERCENT:
            objections.append(f"inertia is off by {self.inertia_excess_percent:+.1f} %")
        if not self.rand >= self.rand_expected:
            objections.append(
                f"adjusted Rand index {self.rand:.3f}, expected {self.rand_expected:.3f}"
            )
        return objections

    def __str__(self) -> str:
        """Return the differences as one line."""
        return (
            f"metrics {self.metric_difference:.0e}, inertia {self.inertia_excess_percent:+.2f} ± "
            f"{self.inertia_stderr_percent:.2f} %, ARI {self.rand:.3f} (≥ {self.rand_expected:.3f})"
        )


@dataclass(frozen=True)
class Reference:
    """The reference's partitions of one ensemble.

    Attributes
    ----------
    values : ndarray, shape (n_traces, n_components)
        Coordinates with the same distances as the traces.
    found : Labelled
        K 1…k_max, `N_REFERENCE_EPOCHS` epochs, with their inertia.
    """

    values: np.ndarray
    found: Labelled

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        k_max: int,
        seed: int = 0,
        candidates: int | None = None,
        n_epochs: int = N_REFERENCE_EPOCHS,
    ) -> Reference:
        """Run the reference.

        Parameters
        ----------
        values : ndarray, shape (n_traces, n_samples)
            Finite.
        k_max : int
        seed : int
        candidates : int, optional
            As in `ProtocolRun`.
        n_epochs : int

        Returns
        -------
        Reference
        """
        from sklearn.cluster import KMeans, kmeans_plusplus
        from sklearn.decomposition import PCA

        coordinates = PCA(svd_solver="full").fit_transform(values)
        ks = np.arange(1, k_max + 1)
        labels = np.empty((k_max, n_epochs, len(values)), dtype=np.int16)
        inertia = np.empty((k_max, n_epochs))
        draw = np.random.default_rng([seed, 77])
        # one thread: for such a small ensemble more threads cost more than they save
        with threadpool_limits(limits=1):
            for at in np.ndindex(k_max, n_epochs):
                k, number = int(ks[at[0]]), int(draw.integers(2**31))
                starts, _ = kmeans_plusplus(
                    coordinates, k, random_state=number, n_local_trials=candidates
                )
                run = KMeans(
                    n_clusters=k,
                    init=starts,
                    n_init=1,
                    max_iter=MAX_ITER,
                    tol=PAPER_TOL,
                    algorithm="lloyd",
                ).fit(coordinates)
                labels[at], inertia[at] = run.labels_, run.inertia_
        return cls(coordinates, Labelled(ks, labels, inertia))


def compare_sweep(found: Sweep, reference: Reference) -> Agreement:
    """Compare a sweep of ours (on any device) with the reference, run by run.

    Parameters
    ----------
    found : Sweep
    reference : Reference
        Of the same ensemble.

    Returns
    -------
    Agreement
    """
    ks, n = found.k_values, min(N_SAME_STARTS, found.n_epochs)
    peer = sweep(reference.values, ks, n_epochs=n, seed=found.seed, engine="sklearn")
    by_name = {
        "SS": found.silhouette,
        "CH": found.calinski_harabasz,
        "SSD": found.ssd,
    }
    first = slice(0, 1)
    difference = max(
        metric_difference(Labelled(ks, found.labels[:, first], values[:, first]), name, reference)
        for name, values in by_name.items()
    )
    excess, stderr = inertia_excess_percent(Labelled(ks, found.labels, found.ssd), reference)
    same_starts = [
        adjusted_rand(np.stack([found.labels[at], peer.labels[at]]))[0, 1]
        for at in np.ndindex(len(ks), n)
    ]
    rand = float(np.mean(same_starts))
    return Agreement(difference, excess, stderr, rand, LEAST_RAND_SAME_STARTS)


def compare_protocol(run: ProtocolRun, reference: Reference) -> Agreement:
    """Compare partitions from other starts with the reference, and their metrics with ours.

    Parameters
    ----------
    run : ProtocolRun
    reference : Reference
        Of the same ensemble.

    Returns
    -------
    Agreement
    """
    difference = max(
        _difference_from_ours(found, metric, reference, run.lone_silhouette)
        for metric, found in run.found.items()
    )
    excess, stderr = inertia_excess_percent(run.found["SSD"], reference)
    rand, of_reference = _rand_of_starts(run.found["SSD"], reference)
    return Agreement(difference, excess, stderr, rand, of_reference - RAND_BELOW_REFERENCE)


def metric_difference(found: Labelled, metric: str, reference: Reference) -> float:
    """Return the largest difference between a metric and scikit-learn's (SSD: a plain sum).

    Parameters
    ----------
    found : Labelled
    metric : {"SS", "CH", "SSD"}
    reference : Reference

    Returns
    -------
    float
        Absolute for SS, otherwise relative.
    """
    from sklearn.metrics import calinski_harabasz_score, silhouette_score

    largest = 0.0
    for at in np.ndindex(*found.values.shape):
        labels, value = found.labels[at], float(found.values[at])
        points = reference.values
        if metric == "SSD":
            centred = [points[labels == c] - points[labels == c].mean(0) for c in set(labels)]
            largest = _larger(largest, value, sum(float((c**2).sum()) for c in centred))
        elif len(set(labels)) > 1 and metric == "SS":
            other = silhouette_score(points, labels, metric="sqeuclidean")
            largest = _larger(largest, value, float(other), relative=False)
        elif len(set(labels)) > 1:
            largest = _larger(largest, value, float(calinski_harabasz_score(points, labels)))
    return largest


def inertia_excess_percent(found: Labelled, reference: Reference) -> tuple[float, float]:
    """Return the mean over K of the excess of the mean inertia, and its standard error.

    Parameters
    ----------
    found : Labelled
        With inertia as values.
    reference : Reference

    Returns
    -------
    excess, stderr : float
        In percent of the reference's inertia.
    """
    theirs = reference.found.values[np.isin(reference.found.k_values, found.k_values)]
    mean = theirs.mean(axis=1)
    excess = 100 * (found.values.mean(axis=1) / mean - 1)
    # pooled variance, since a rare bad start may occur on one side only
    n_ours, n_theirs = found.values.shape[1], theirs.shape[1]
    squares = n_ours * found.values.var(axis=1) + n_theirs * theirs.var(axis=1)
    variances = squares / (n_ours + n_theirs - 2) * (1 / n_ours + 1 / n_theirs)
    return float(excess.mean()), float(100 * np.sqrt((variances / mean**2).sum()) / len(excess))


def _difference_from_ours(
    found: Labelled, metric: str, reference: Reference, lone_silhouette: float
) -> float:
    """Return the largest difference between a metric and ours on the same labels."""
    largest = 0.0
    with threadpool_limits(limits=1), ThreadPoolExecutor(n_cores()) as pool:
        geometry = geometry_of(reference.values, pool)
        for k, labels, values in zip(
            found.k_values.tolist(), found.labels, found.values, strict=True
        ):
            if k == 1 and metric != "SSD":
                continue
            ours = metrics_of(geometry, labels, k, "sqeuclidean")
            by_name = {
                "SS": ours.silhouette + lone_silhouette * _lone_share(labels, k),
                "CH": ours.calinski_harabasz,
                "SSD": ours.ssd,
            }
            for value, other in zip(values, by_name[metric], strict=True):
                largest = _larger(largest, float(value), float(other), relative=metric != "SS")
    return largest


def _lone_share(labels: np.ndarray, k: int) -> np.ndarray:
    """Return the share of traces alone in their cluster, for each labelling; (n_epochs,)."""
    sizes = (labels[:, None] == np.arange(k)[:, None]).sum(axis=2)
    share: np.ndarray = np.count_nonzero(sizes == 1, axis=1) / labels.shape[1]
    return share


def _larger(largest: float, value: float, other: float, relative: bool = True) -> float:
    """Return the larger of a difference and the largest so far; NaN is kept."""
    difference = abs(value - other) / (abs(other) if relative else 1.0)
    return float(np.maximum(largest, difference))


def _rand_of_starts(found: Labelled, reference: Reference) -> tuple[float, float]:
    """Return the mean Rand index with the reference's runs for K ≥ 2, and that among the latter."""
    with_it, by_itself = [], []
    for k, labels in zip(found.k_values.tolist(), found.labels, strict=True):
        if k == 1:
            continue
        theirs = reference.found.labels[reference.found.k_values.tolist().index(k)]
        n = len(labels)
        rand = adjusted_rand(np.concatenate([labels, theirs]))
        with_it.append(rand[:n, n:].mean())
        among = rand[n:, n:]
        by_itself.append((among.sum() - len(among)) / (len(among) * (len(among) - 1)))
    return float(np.mean(with_it)), float(np.mean(by_itself))
