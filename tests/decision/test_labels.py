"""Final labels: matched clusters, agreement of the epochs, numbering."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.support.ensembles import three_shapes
from umlpsd_gpu.decision.labels import SSD_EXCESS, final_labels, match_labels, number_by_size
from umlpsd_gpu.kmeans.sweep import sweep


def two_blobs_and_one_between(n=20):
    """Two tight blobs of n traces, and a last trace exactly half-way between their centres."""
    blob = np.random.default_rng(0).normal(0, 0.1, (n, 4))
    centre = np.full(4, 5.0)
    return np.vstack([blob - centre, centre - blob, np.zeros((1, 4))])


def with_epochs(found, labels, ssd):
    """The sweep at one K with other labellings."""
    return replace(
        found,
        k_values=np.array([int(np.max(labels)) + 1]),
        labels=np.array(labels, dtype=np.int16)[None],
        ssd=np.array(ssd, dtype=float)[None],
    )


@pytest.fixture(scope="module")
def any_sweep():
    return sweep(np.random.default_rng(0).random((6, 3)), [2], n_epochs=2)


def test_clusters_are_numbered_from_the_largest_down():
    labels = np.array([5, 2, 2, 7, 7, 2, 0])
    assert number_by_size(labels).tolist() == [3, 1, 1, 2, 2, 1, 4]


def test_stable_partitions_are_certain():
    curves, _ = three_shapes(90, 40, 0.05)
    found = sweep(curves, [3], n_epochs=30)
    assert len({tuple(row) for row in found.labels[0]}) > 1  # the numbers differ, the clusters not
    labels, uncertainty = final_labels(found, 3)
    assert uncertainty.max() == 0
    assert np.array_equal(labels, number_by_size(found.best_labels(3)))


def test_a_trace_between_two_clusters_is_uncertain():
    _, uncertainty = final_labels(sweep(two_blobs_and_one_between(), [2], n_epochs=100), 2)
    assert uncertainty[:-1].max() == 0
    # it goes where its first centroid lay by chance: a fair coin, 100 throws, 4 deviations
    assert uncertainty[-1] == pytest.approx(0.5, abs=0.2)


def test_agreement_is_the_weighted_share_of_epochs(any_sweep):
    best, moved, turned = [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]
    ssd = 1.0 + SSD_EXCESS * np.array([1, 0, 2])
    sweeps = with_epochs(any_sweep, [moved, best, turned], ssd)
    labels, uncertainty = final_labels(sweeps, 2)
    assert labels.tolist() == [1, 1, 1, 2, 2, 2]
    lost = np.exp(-1) / (np.exp(-1) + 1 + np.exp(-2))
    assert uncertainty == pytest.approx([0, 0, lost, 0, 0, 0], rel=1e-12)


def test_a_partition_that_is_much_worse_hardly_counts(any_sweep):
    sweeps = with_epochs(any_sweep, [[0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]], [1.0, 1.2])
    assert final_labels(sweeps, 2)[1].max() < 1e-6


def test_where_the_least_ssd_is_zero_only_its_equals_count(any_sweep):
    sweeps = with_epochs(any_sweep, [[0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]], [0.0, 1e-9])
    assert final_labels(sweeps, 2)[1].tolist() == [0] * 6


def test_one_cluster_is_certain_and_one_epoch_is_not_known():
    curves, _ = three_shapes(20, 30, 0.2)
    labels, uncertainty = final_labels(sweep(curves, [1, 2], n_epochs=1), 1)
    assert labels.tolist() == [1] * 20
    assert uncertainty.tolist() == [0] * 20
    assert np.isnan(final_labels(sweep(curves, [2], n_epochs=1), 2)[1]).all()


@pytest.mark.parametrize("seed", range(5))
def test_matching_shares_the_most_traces(seed):
    """Against every one-to-one renumbering."""
    rng = np.random.default_rng(seed)
    labels, reference = rng.integers(0, 4, (2, 30))
    most = max(
        np.count_nonzero(np.array(numbers)[labels] == reference)
        for numbers in itertools.permutations(range(4))
    )
    found = match_labels(labels, reference)
    assert np.count_nonzero(found == reference) == most
    for one, other in itertools.combinations(range(30), 2):
        assert (found[one] == found[other]) == (labels[one] == labels[other])


def test_permuted_traces_give_permuted_uncertainties():
    curves, _ = three_shapes(60, 40, 0.9, seed=3)
    found = sweep(curves, [4], n_epochs=40)
    order = np.random.default_rng(1).permutation(60)
    shuffled = replace(found, labels=found.labels[:, :, order])
    uncertainty = final_labels(found, 4)[1]
    assert uncertainty.max() > 0.1
    assert np.array_equal(final_labels(shuffled, 4)[1], uncertainty[order])
