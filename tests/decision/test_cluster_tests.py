"""Tests of single clusters: one cloud or several, apart or not."""

import numpy as np
import pytest

from umlpsd_gpu.decision.cluster_tests import (
    LEAST_ITEMS,
    MOST_ITEMS,
    examine_clusters,
    principal_coordinates,
)
from umlpsd_gpu.kmeans.replication import BORDER, CORE, PRIOR_OF_ALL


def clouds(seed, sizes, distance, n_columns=4):
    """Return Gaussian clouds of standard deviation 1, in a row along the first column."""
    values = np.random.default_rng(seed).normal(size=(sum(sizes), n_columns))
    values[:, 0] += distance * np.repeat(np.arange(len(sizes)), sizes)
    return values, 1 + np.repeat(np.arange(len(sizes)), sizes)


def gap_by_hand(first, second):
    """Count items at the border and the centroids, one item at a time."""
    border, core = 0, [0, 0]
    for side, (own, other) in enumerate(((first, second), (second, first))):
        for i, item in enumerate(own):
            centre = np.delete(own, i, axis=0).mean(axis=0)
            line = other.mean(axis=0) - centre
            position = (item - centre) @ line / (line @ line)
            border += position > 0.5 - BORDER
            core[side] += abs(position) < CORE
    prior = PRIOR_OF_ALL / (2 * BORDER)
    return np.log((min(core) / (2 * CORE) + prior) / (border / (2 * BORDER) + prior))


@pytest.mark.parametrize(("n", "n_columns"), [(40, 3), (60, 40), (30, 100)])
def test_gaussian_clouds_are_seldom_called_divided(n, n_columns):
    tests = [
        examine_clusters(clouds(seed, [n], 0, n_columns)[0], np.ones(n, dtype=int), seed)
        for seed in range(40)
    ]
    p_values = np.array([test.one_cloud_p[0] for test in tests])
    # of 40 uniform p values more than 7 are below 0.05 with probability 0.0005
    assert (p_values <= 0.05).sum() <= 7
    assert p_values.min() >= 0.01
    assert p_values.max() <= 1


def test_two_clouds_under_one_label_are_divided():
    values, _ = clouds(0, [30, 40], 6)
    tests = examine_clusters(values, np.ones(70, dtype=int))
    assert tests.is_divided.tolist() == [True]
    assert tests.one_cloud_p[0] == pytest.approx(0.01)
    assert tests.nearest.tolist() == [0]
    assert np.isnan(tests.gap[0])
    assert not tests.is_apart[0]


def test_half_a_cloud_is_not_apart():
    values, _ = clouds(1, [80], 0)
    labels = 1 + (values[:, 0] > 0)
    tests = examine_clusters(values, labels)
    assert not tests.is_apart.any()
    assert tests.nearest.tolist() == [2, 1]


def test_clusters_in_a_row_know_their_neighbours():
    values, labels = clouds(2, [40, 40, 40], 6)
    values[labels == 3, 0] += 4
    tests = examine_clusters(values, labels)
    assert tests.nearest.tolist()[:2] == [2, 1]
    assert tests.is_apart.all()
    assert not tests.is_divided.any()


def test_a_gap_is_what_counting_gives():
    values, labels = clouds(3, [25, 35], 3)
    tests = examine_clusters(values, labels)
    by_hand = gap_by_hand(values[labels == 1], values[labels == 2])
    np.testing.assert_allclose(tests.gap, [by_hand, by_hand])


def test_items_without_a_cluster_play_no_part():
    values, labels = clouds(4, [30, 30], 5)
    alone = examine_clusters(values, labels)
    more = np.concatenate([values, np.full((5, 4), 2.5)])
    with_others = examine_clusters(more, np.concatenate([labels, np.zeros(5, dtype=int)]))
    np.testing.assert_array_equal(alone.gap, with_others.gap)
    np.testing.assert_array_equal(alone.one_cloud_p, with_others.one_cloud_p)


def test_small_clusters_are_not_tested():
    values, labels = clouds(5, [30, LEAST_ITEMS - 1], 6)
    tests = examine_clusters(values, labels)
    assert tests.nearest.tolist() == [0, 0]
    assert np.isnan(tests.gap).all()
    assert np.isfinite(tests.inner_gap).tolist() == [True, False]
    assert np.isfinite(tests.one_cloud_p).tolist() == [True, False]


def test_equal_items_are_one_cloud():
    tests = examine_clusters(np.ones((20, 3)), np.ones(20, dtype=int))
    assert tests.one_cloud_p[0] == 1
    assert not tests.is_divided[0]


def test_the_unit_plays_no_part():
    values, labels = clouds(6, [30, 30], 4)
    tests = examine_clusters(values, labels)
    for unit in (2.0**-40, 2.0**60):
        np.testing.assert_allclose(examine_clusters(values * unit, labels).gap, tests.gap)
        np.testing.assert_allclose(examine_clusters(values * unit, labels).apart_p, tests.apart_p)


def test_large_clusters_are_sampled_the_same_way_each_time():
    values, labels = clouds(7, [3 * MOST_ITEMS, MOST_ITEMS], 6, n_columns=2)
    first, again = examine_clusters(values, labels, 3), examine_clusters(values, labels, 3)
    for name, expected in vars(first).items():
        np.testing.assert_array_equal(vars(again)[name], expected)
    assert first.is_apart.all()


@pytest.mark.parametrize("shape", [(12, 5), (5, 12)])
def test_principal_coordinates_keep_distances(shape):
    points = np.random.default_rng(8).normal(size=shape)
    coordinates = principal_coordinates(points)
    before = np.linalg.norm(points[:, None] - points[None], axis=2)
    after = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    np.testing.assert_allclose(after, before, atol=1e-12)
    spread = (coordinates**2).sum(axis=0)
    assert (np.diff(spread) <= 1e-9).all()
