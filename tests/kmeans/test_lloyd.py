"""K-means against scikit-learn, run for run, from identical starting centroids."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.metrics import adjusted_rand_score

from tests.support.ensembles import UGLY, ugly
from umlpsd_gpu.kmeans import lloyd as kmeans
from umlpsd_gpu.kmeans.distances import PairGeometry, PointGeometry, geometry_of


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as workers:
        yield workers


def both_geometries(values, pool):
    centred = values - values.mean(axis=0)
    points = PointGeometry(centred)
    pairs = geometry_of(np.hstack([values, np.zeros((len(values), len(values)))]), pool)
    assert isinstance(pairs, PairGeometry)
    return {"pairs": pairs, "points": points}


def sqdist_to(centroids, values):
    """(K, E, n) from centroids (E, K, d), by plain differences."""
    gaps = values[None, None] - centroids[:, :, None]
    return np.einsum("ekid,ekid->kei", gaps, gaps)


def reference_run(values, start):
    return KMeans(len(start), init=start, n_init=1, tol=0, max_iter=100, algorithm="lloyd").fit(
        values
    )


@pytest.mark.parametrize("kind", UGLY)
@pytest.mark.parametrize("geometry", ["pairs", "points"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lloyd_equals_scikit_learn_from_the_same_centroids(kind, geometry, pool):
    values = ugly(kind)
    chosen = both_geometries(values, pool)[geometry]
    rng = np.random.default_rng(7)
    n_distinct = len(np.unique(values, axis=0))
    for k in range(2, min(15, n_distinct) + 1):
        traces = np.array([rng.choice(len(values), k, replace=False) for _ in range(5)])
        starts = values[traces] + rng.normal(0, 0.05, (5, k, values.shape[1]))
        labels, n_iterations = kmeans.lloyd(chosen, sqdist_to(starts, values))
        for start, found, iterations in zip(starts, labels, n_iterations, strict=True):
            expected = reference_run(values, start)
            assert adjusted_rand_score(expected.labels_, found) == 1
            assert expected.n_iter_ in (iterations, iterations + 1)


EMPTY_FROM_THE_START = ([0.0, 0.4, 1.0, 5.0, 5.4, 6.0, 20.0], [0.2, 3.0, 5.5, 100.0])
EMPTY_MID_RUN = ([2, 16, 17, 23, 23, 24, 27, 28], [19.25, 21.25, 26.25, 28.25])
# the trace that fills the empty cluster leaves another empty
EMPTY_IN_TURN = ([1.0, 35.0, 47.0, 53.0], [-34.75, 79.25, 52.25])


@pytest.mark.parametrize("geometry", ["pairs", "points"])
@pytest.mark.parametrize(("line", "start"), [EMPTY_FROM_THE_START, EMPTY_MID_RUN, EMPTY_IN_TURN])
def test_an_empty_cluster_restarts_at_the_farthest_trace(line, start, geometry, pool):
    values, starts = np.array(line, float)[:, None], np.array(start)[None, :, None]
    labels, _ = kmeans.lloyd(both_geometries(values, pool)[geometry], sqdist_to(starts, values))
    expected = reference_run(values, starts[0]).labels_
    assert adjusted_rand_score(expected, labels[0]) == 1
    assert np.unique(labels[0]).size == len(start)


def test_any_starting_centroids_end_as_in_scikit_learn(pool):
    rng = np.random.default_rng(5)
    for _ in range(300):
        n_traces, k = int(rng.integers(4, 30)), int(rng.integers(2, 5))
        values = rng.random((n_traces, int(rng.integers(1, 4))))
        start = values[rng.choice(n_traces, k, replace=False)]
        start = start + rng.normal(0, 0.3, start.shape)
        chosen = PointGeometry(values - values.mean(axis=0))
        labels, _ = kmeans.lloyd(chosen, sqdist_to(start[None], values))
        assert adjusted_rand_score(reference_run(values, start).labels_, labels[0]) == 1


def test_more_clusters_than_distinct_traces_leaves_clusters_empty(pool):
    values = np.repeat([[0.0, 1.0], [1.0, 0.0]], 4, axis=0)
    for chosen in both_geometries(values, pool).values():
        starts = kmeans.starting_traces(chosen, kmeans.draw_uniforms(5, 10, 0))
        sqdist = np.stack([chosen.sqdist_from(column) for column in starts.T])
        labels, _ = kmeans.lloyd(chosen, sqdist)
        for found in labels:
            assert adjusted_rand_score(np.repeat([0, 1], 4), found) == 1


def test_starts_are_distinct_traces_and_as_good_as_scikit_learns(pool):
    values = ugly("binned")
    chosen = geometry_of(values, pool)
    k, n_epochs = 8, 200
    starts = kmeans.starting_traces(chosen, kmeans.draw_uniforms(k, n_epochs, 0))
    assert all(np.unique(start).size == k for start in starts)
    potential = [chosen.sqdist_from(start).min(axis=0).sum() for start in starts]
    reference = []
    for seed in range(n_epochs):
        centres, _ = kmeans_plusplus(values, k, random_state=seed)
        reference.append(sqdist_to(centres[None], values).min(axis=0).sum())
    # the mean of 200 draws is known to about 1 %
    assert np.mean(potential) == pytest.approx(np.mean(reference), rel=0.04)


def test_starts_of_the_first_epochs_do_not_depend_on_how_many_follow(pool):
    assert np.array_equal(kmeans.draw_uniforms(5, 100, 3)[:7], kmeans.draw_uniforms(5, 7, 3))


def test_iterations_stop_at_max_iter(pool):
    values = ugly("binned")
    chosen = geometry_of(values, pool)
    starts = kmeans.starting_traces(chosen, kmeans.draw_uniforms(15, 20, 0))
    sqdist = np.stack([chosen.sqdist_from(column) for column in starts.T])
    labels, n_iterations = kmeans.lloyd(chosen, sqdist.copy(), max_iter=1)
    assert (n_iterations == 1).all()
    one = KMeans(15, init=values[starts[0]], n_init=1, tol=0, max_iter=1, algorithm="lloyd")
    assert adjusted_rand_score(one.fit(values).labels_, labels[0]) == 1


@pytest.mark.parametrize("geometry", ["pairs", "points"])
def test_followed_centroids_are_the_means_of_the_members(geometry, pool):
    """However the labels move, epochs drop out, and clusters empty and fill."""
    values = ugly("tall")
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, (6, len(values))).astype(np.int16)
    centroids = both_geometries(values, pool)[geometry].centroids(4, 6)
    changed = np.ones((4, 6), dtype=bool)
    for step in range(12):
        sqdist, counts = centroids.sqdist(labels, changed)
        wanted = [labels[e] == c for c, e in zip(*np.nonzero(changed), strict=True)]
        assert counts.tolist() == [members.sum() for members in wanted]
        for row, members in zip(sqdist, wanted, strict=True):
            if members.any():
                expected = ((values - values[members].mean(axis=0)) ** 2).sum(axis=1)
                assert row == pytest.approx(expected, rel=1e-9, abs=1e-12)
        going_on = np.arange(len(labels)) != (step if step < 3 else -1)
        centroids, before = centroids.part(going_on), labels[going_on]
        moving = rng.random(before.shape) < 0.1
        labels = np.where(moving, rng.integers(0, 4, before.shape), before).astype(np.int16)
        labels[0][labels[0] == 2] = step % 2  # cluster 2 of one epoch empties again and again
        changed = kmeans._changed_clusters(before, labels, 4)
