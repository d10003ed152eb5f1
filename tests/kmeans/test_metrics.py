"""Metrics against scikit-learn on the same labels."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, pairwise_distances, silhouette_samples

from tests.support.ensembles import UGLY, ugly
from tests.support.tolerances import METRIC_RTOL
from umlpsd_gpu.kmeans import metrics
from umlpsd_gpu.kmeans.distances import PointGeometry, geometry_of
from umlpsd_gpu.kmeans.metrics import LEAST_MEMBERS, MOST_SEPARATION, THRESHOLDS, metrics_of


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as workers:
        yield workers


def random_labels(n_traces, k, n_epochs, seed=0):
    """Every cluster filled, sizes uneven down to singletons."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(k, (n_epochs, n_traces), p=np.arange(1, k + 1) / np.arange(1, k + 1).sum())
    labels[:, :k] = np.arange(k)
    return labels


def expected_silhouettes(values, labels, metric):
    """scikit-learn's, with distances from plain differences and equal traces exactly 0 apart."""
    gaps = values[:, None] - values[None] if values.size < 5e4 else None
    if gaps is None:
        distance = pairwise_distances(values, metric="sqeuclidean")
    else:
        distance = np.einsum("ijd,ijd->ij", gaps, gaps)
    np.fill_diagonal(distance, 0)
    distance = distance if metric == "sqeuclidean" else np.sqrt(distance)
    return np.nan_to_num(silhouette_samples(distance, labels, metric="precomputed"))


def expected_separations(values, labels, metric):
    """Return each cluster's mean margin over its standard deviation, by plain loops."""
    distance = ((values[:, None] - values[None]) ** 2).sum(axis=2)
    distance = distance if metric == "sqeuclidean" else np.sqrt(distance)
    clusters = np.unique(labels)
    found = []
    for own in clusters:
        margins = []
        for i in np.flatnonzero(labels == own):
            inside = distance[i, labels == own].sum() / max((labels == own).sum() - 1, 1)
            outside = min(distance[i, labels == c].mean() for c in clusters if c != own)
            margins.append(outside - inside)
        few = len(margins) < LEAST_MEMBERS
        found.append(0.0 if few else min(np.mean(margins) / np.std(margins), MOST_SEPARATION))
    return found


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("kind", [kind for kind in UGLY if kind != "two_traces_far_away"])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_metrics_equal_scikit_learn(kind, metric, pool):
    values = ugly(kind)
    for geometry in (geometry_of(values, pool), PointGeometry(values - values.mean(axis=0))):
        for k in range(2, min(15, len(values) - 1) + 1):
            labels = random_labels(len(values), k, 3)
            found = metrics_of(geometry, labels, k, metric)
            for epoch, row in enumerate(labels):
                each = expected_silhouettes(values, row, metric)
                centres = np.array([values[row == c].mean(axis=0) for c in range(k)])
                assert found.silhouette[epoch] == pytest.approx(each.mean(), rel=METRIC_RTOL)
                assert found.calinski_harabasz[epoch] == pytest.approx(
                    calinski_harabasz_score(values, row), rel=METRIC_RTOL
                )
                assert found.ssd[epoch] == pytest.approx(
                    ((values - centres[row]) ** 2).sum(), rel=METRIC_RTOL
                )
                percent = [100 * np.mean(each < t - 1e-12) for t in THRESHOLDS]
                assert found.below_percent[:, epoch] == pytest.approx(percent)
                smallest = min(each[row == c].mean() for c in range(k))
                assert found.smallest_cluster_silhouette[epoch] == pytest.approx(
                    smallest, rel=METRIC_RTOL, abs=METRIC_RTOL
                )
                apart = expected_separations(values, row, metric)
                assert found.least_separation[epoch] == pytest.approx(
                    min(apart), rel=METRIC_RTOL, abs=METRIC_RTOL
                )
                of_traces = np.array(apart)[np.unique(row, return_inverse=True)[1]]
                assert found.separation[epoch] == pytest.approx(of_traces.mean(), rel=METRIC_RTOL)


def test_one_cluster_has_an_ssd_and_nothing_else(pool):
    values = ugly("binned")
    found = metrics_of(geometry_of(values, pool), np.zeros((1, len(values)), int), 1, "sqeuclidean")
    assert found.ssd[0] == pytest.approx(len(values) * values.var(axis=0).sum(), rel=METRIC_RTOL)
    assert np.isnan([found.silhouette[0], found.calinski_harabasz[0]]).all()
    assert np.isnan(found.below_percent).all()


def test_every_trace_its_own_cluster_has_silhouette_zero(pool):
    values = ugly("few")
    n = len(values)
    found = metrics_of(geometry_of(values, pool), np.arange(n)[None], n, "sqeuclidean")
    assert found.silhouette[0] == 0
    assert found.ssd[0] == pytest.approx(0, abs=1e-12)


def test_empty_clusters_count_for_nothing(pool):
    values = ugly("binned")
    geometry = geometry_of(values, pool)
    labels = random_labels(len(values), 3, 2)
    plain, gappy = (
        metrics_of(geometry, labels * step, k, "euclidean") for step, k in ((1, 3), (2, 5))
    )
    assert np.array_equal(plain.silhouette, gappy.silhouette)
    assert plain.calinski_harabasz == pytest.approx(gappy.calinski_harabasz, rel=1e-12)
    assert np.array_equal(plain.smallest_cluster_silhouette, gappy.smallest_cluster_silhouette)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_silhouettes_of_one_labelling(metric):
    values = ugly("binned")
    labels = random_labels(len(values), 4, 1)[0]
    found = metrics.silhouette_samples(values, labels + 3, metric)
    expected = expected_silhouettes(values, labels, metric)
    assert found == pytest.approx(expected, rel=METRIC_RTOL, abs=METRIC_RTOL)
    assert np.isnan(metrics.silhouette_samples(values, np.ones_like(labels), metric)).all()
