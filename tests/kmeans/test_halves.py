"""Halves of the items against their definitions, computed one item at a time."""

import itertools

import numpy as np
import pytest

from tests.support.ensembles import three_shapes
from umlpsd_gpu import replicate, sweep
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans import halves
from umlpsd_gpu.kmeans.halves import compare_halves
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.replication import BORDER, CORE, PRIOR_OF_ALL
from umlpsd_gpu.kmeans.resamples import half_samples, sweep_samples

N_ITEMS, N_SAMPLES, KS = 40, 4, range(1, 6)


@pytest.fixture(scope="module")
def replicated():
    values = three_shapes(N_ITEMS, 12, 0.5)[0]
    found = sweep(values, KS, n_epochs=10)
    samples = half_samples(N_ITEMS, 0, N_SAMPLES)
    of_samples = sweep_samples(values, samples, KS, SweepOptions(n_epochs=10), scale="raw")
    return values, found, samples, of_samples, compare_halves(values, found, samples, of_samples, 0)


def nearest_centroids(values, drawn, labels):
    centroids = [values[drawn][labels == c].mean(axis=0) for c in range(labels.max() + 1)]
    return np.array([np.argmin([((v - c) ** 2).sum() for c in centroids]) for v in values])


def test_prediction_strength_is_that_of_its_authors(replicated):
    values, _, samples, of_samples, found = replicated
    for at, k in enumerate(found.k_values):
        strengths = []
        for one, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
            predicted = nearest_centroids(values, samples[one], of_samples[one].best_labels(k))
            labels = of_samples[other].best_labels(k)
            shares = []
            for cluster in range(k):
                members = samples[other][labels == cluster]
                pairs = list(itertools.combinations(members, 2))
                if pairs:
                    shares.append(np.mean([predicted[i] == predicted[j] for i, j in pairs]))
            strengths.append(min(shares))
        expected = np.mean(strengths)
        assert found.strength()[at] == pytest.approx(expected, abs=1e-12)


def test_reproducibility_is_the_least_mean_jaccard_index(replicated):
    values, swept, samples, of_samples, found = replicated
    for at, k in enumerate(found.k_values):
        own = swept.best_labels(k)
        best = np.zeros((N_SAMPLES, k))
        for half, cluster in itertools.product(range(N_SAMPLES), range(k)):
            predicted = nearest_centroids(values, samples[half], of_samples[half].best_labels(k))
            members = set(np.flatnonzero(own == cluster))
            others = [set(np.flatnonzero(predicted == c)) for c in range(k)]
            best[half, cluster] = max(len(members & o) / len(members | o) for o in others)
        assert found.reproducibility()[at] == pytest.approx(best.mean(axis=0).min(), abs=1e-12)


def test_items_are_compared_with_the_centroid_of_the_others(replicated):
    values, swept, _, _, found = replicated
    at, k = 1, 3
    labels = swept.best_labels(k)
    border, core = np.zeros((2, k, k))
    for item, a in enumerate(labels):
        others = np.flatnonzero((labels == a) & (np.arange(N_ITEMS) != item))
        own = values[others].mean(axis=0)
        for b in set(range(k)) - {a}:
            line = values[labels == b].mean(axis=0) - own
            position = (values[item] - own) @ line / (line @ line)
            border[a, b] += position > 0.5 - BORDER
            core[a, b] += abs(position) < CORE
    np.testing.assert_array_equal(found.border_of_all[at, :k, :k], border)
    np.testing.assert_array_equal(found.core_of_all[at, :k, :k], core)
    assert found.border_of_all[at, k:].sum() == 0


def test_a_gap_is_the_density_at_the_centres_over_that_at_the_border():
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(0, 1, (100, 1)), rng.normal(9, 1, (100, 1))])
    even, cloud = rng.uniform(0, 1, (400, 1)), rng.standard_normal((400, 1))
    gaps = [replicate(v, sweep(v, range(1, 4), n_epochs=10)).gap()[0] for v in (apart, even, cloud)]
    assert gaps[0] > 2.5
    assert abs(gaps[1]) < 0.25
    assert -0.8 < gaps[2] < -0.15  # φ(0) is 1.37 times φ(0.8), the density at the half's mean
    assert PRIOR_OF_ALL > 0


def test_more_columns_than_items_give_the_same(replicated):
    values, swept, samples, of_samples, found = replicated
    wide = np.concatenate([values, np.zeros((N_ITEMS, 60))], axis=1)
    again = compare_halves(wide, swept, samples, of_samples, 0)
    for name in ("prediction_strength", "jaccard", "border_of_halves", "core_of_all"):
        np.testing.assert_allclose(getattr(again, name), getattr(found, name), atol=1e-12)


def test_pairs_of_halves_add_up(replicated):
    found = replicated[-1]
    each = [found.of_pair(pair) for pair in range(found.n_pairs)]
    assert found.n_pairs == N_SAMPLES // 2
    np.testing.assert_allclose(
        np.mean([pair.strength() for pair in each], axis=0), found.strength()
    )
    np.testing.assert_array_equal(
        sum(pair.border_of_halves for pair in each), found.border_of_halves.sum(axis=0)[None]
    )


def test_large_ensembles_compare_some_items_only(monkeypatch):
    values = three_shapes(120, 8, 0.1)[0]
    found = sweep(values, KS, n_epochs=5)
    every = replicate(values, found)
    monkeypatch.setattr(halves, "MOST_COMPARED", 60)
    some = replicate(values, found)
    assert some.core_of_all.sum() < every.core_of_all.sum()
    np.testing.assert_allclose(some.reproducibility()[1], every.reproducibility()[1], atol=0.05)


@pytest.mark.parametrize("n_samples", [0, 1, 3])
def test_halves_come_in_pairs(n_samples):
    values = three_shapes(30, 8, 0.1)[0]
    with pytest.raises(SettingsError, match=f"even number of at least 2, got {n_samples}"):
        replicate(values, sweep(values, KS, n_epochs=2), n_samples)


@pytest.mark.parametrize(("n_items", "ks"), [(30, [1, 2]), (30, [2, 3, 4]), (6, [1, 2, 3])])
def test_what_cannot_be_compared_is_refused(n_items, ks):
    values = three_shapes(n_items, 8, 0.1)[0]
    with pytest.raises(SettingsError, match="give the matrix that was swept"):
        replicate(values, sweep(values, ks, n_epochs=2))


def test_the_gap_of_a_pair_is_that_of_its_items_alone(replicated):
    pair = replicated[-1].of_pair(0)
    border = pair.border_of_halves[0] + pair.border_of_halves[0].swapaxes(-1, -2)
    core = np.minimum(pair.core_of_halves[0], pair.core_of_halves[0].swapaxes(-1, -2))
    by_hand = np.log((core[0, 0, 1] / 0.4 + 10) / (border[0, 0, 1] / 0.2 + 10))
    assert pair.gap()[0] == pytest.approx(by_hand)
