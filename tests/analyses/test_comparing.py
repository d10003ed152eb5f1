"""Two results side by side: common items, labels, intervals, settings; against known answers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import umlpsd_gpu as um
from tests.support.small_results import small_result
from tests.support.studies import make_study
from umlpsd_gpu.analyses.comparing.bootstrap import Bootstrap
from umlpsd_gpu.analyses.comparing.common_items import CommonItems, Items, find_common_items
from umlpsd_gpu.analyses.comparing.compare_results import compare_results
from umlpsd_gpu.analyses.comparing.comparison import ClusterMatch, Difference
from umlpsd_gpu.analyses.comparing.label_agreement import compare_labels, match_clusters
from umlpsd_gpu.errors import SettingsError


def items(labels, names=None, places=None, source="a.tif"):
    n = len(labels)
    nowhere = np.full((n, 2), np.nan)
    names = list(map(str, range(n))) if names is None else names
    return Items(np.asarray(labels), names, [source] * n, nowhere if places is None else places)


class TestCommonItems:
    def test_emitters_of_another_detection_are_found_by_their_place(self):
        rng = np.random.default_rng(0)
        truth = 10 * np.stack(np.divmod(np.arange(60), 8), 1).astype(float)
        one, other = rng.permutation(60)[:50], rng.permutation(60)[:45]
        first = items(np.ones(50), places=truth[one] + rng.normal(0, 0.2, (50, 2)))
        second = items(np.ones(45), places=truth[other] + rng.normal(0, 0.2, (45, 2)))
        found = find_common_items(first, second, 2.0)
        assert (one[found.first] == other[found.second]).all()
        assert set(one[found.first]) == set(one) & set(other)

    def test_the_same_place_in_another_movie_is_another_item(self):
        places = np.zeros((1, 2))
        with pytest.raises(SettingsError, match=r"no common items \(a.tif and b.tif\); compare"):
            find_common_items(items([1], places=places), items([1], None, places, "b.tif"), 2.0)

    def test_traces_without_a_place_are_found_by_name(self):
        found = find_common_items(items([1, 1, 2], ["x", "y", "z"]), items([2, 1], ["z", "x"]), 2)
        assert (found.first.tolist(), found.second.tolist()) == ([0, 2], [1, 0])


class TestLabels:
    def test_agreement_is_that_of_scikit_learn(self):
        rng = np.random.default_rng(1)
        labels = rng.integers(0, 4, 300)
        other = np.where(rng.random(300) < 0.3, rng.integers(0, 5, 300), labels)
        everywhere = CommonItems(np.arange(300), np.arange(300), "name")
        found = compare_labels(items(labels), items(other), everywhere, "traces")
        both = (labels > 0) & (other > 0)
        assert found.adjusted_rand == pytest.approx(adjusted_rand_score(labels[both], other[both]))
        assert found.n_common == both.sum()
        assert found.n_only_first == (labels > 0).sum() - both.sum()

    def test_clusters_of_other_numbers_are_matched(self):
        labels = np.repeat([1, 2, 3], [30, 20, 10])
        renamed = np.array([0, 3, 1, 2])[labels]
        counts = compare_labels(
            items(labels), items(renamed), CommonItems(*[np.arange(60)] * 2, "name"), "traces"
        )
        assert [(m.first, m.second) for m in counts.matches] == [(1, 3), (2, 1), (3, 2)]

    def test_clusters_that_share_nothing_are_not_matched(self):
        matches = match_clusters(np.array([[5, 0], [0, 0]]))
        assert matches == (ClusterMatch(1, 1, 5, 5, 5),)


class TestIntervals:
    MATCH = (ClusterMatch(1, 1, 1, 1, 1),)

    def interval(self, rng, shift, paired):
        n = 60
        one = rng.normal(0, 1, n)
        other = (one if paired else rng.normal(0, 1, n)) + rng.normal(shift, 0.3, n)
        common = np.arange(n if paired else 0)
        sides = items(np.ones(n, int)), items(np.ones(n, int))
        bootstrap = Bootstrap(*sides, CommonItems(common, common, "name"))
        (found,) = bootstrap.differences("β", (one, other), self.MATCH)
        assert found.change == pytest.approx(other.mean() - one.mean())
        return found

    @pytest.mark.parametrize("paired", [True, False])
    def test_hold_the_true_change_in_about_95_percent(self, paired):
        rng = np.random.default_rng(2)
        found = [self.interval(rng, 0.2, paired) for _ in range(60)]
        assert 53 <= sum(each.low <= 0.2 <= each.high for each in found) <= 60
        # paired items share their scatter, which does not enter the difference
        widths = np.mean([each.high - each.low for each in found])
        expected = 3.92 * (0.3 if paired else np.sqrt(2.09)) / np.sqrt(60)
        assert widths == pytest.approx(expected, rel=0.1)

    def test_medians_are_those_of_resampled_items(self):
        values = np.random.default_rng(3).exponential(size=41)
        bootstrap = Bootstrap(*[items(np.ones(41, int))] * 2, CommonItems(*[np.arange(41)] * 2, ""))
        one, other = values, 2 * values
        (found,) = bootstrap.differences("q", (one, other), self.MATCH, "median")
        loop = [np.median(np.repeat(values, row)) for row in bootstrap.counts[0]]
        assert found.change == pytest.approx(np.median(values))
        assert (found.low, found.high) == pytest.approx(np.percentile(loop, [2.5, 97.5]))

    def test_clusters_with_few_values_are_left_out(self):
        values = np.full(10, np.nan)
        values[0] = 1.0
        bootstrap = Bootstrap(*[items(np.ones(10, int))] * 2, CommonItems(*[np.arange(10)] * 2, ""))
        assert list(bootstrap.differences("q", (values, values), self.MATCH, least_share=0.5)) == []


class TestResults:
    def test_settings_versions_and_digests(self):
        study = small_result("blinking")
        settings = study.settings.with_values({"sweep.k_max": 4})
        changed = replace(study, settings=settings, versions=study.versions | {"numpy": "1.0"})
        found = compare_results(study, changed)
        assert [(each.name, each.first, each.second) for each in found.settings] == [
            ("sweep.k_max", 5, 4)
        ]
        assert [each.name for each in found.versions] == ["numpy"]
        assert not found.is_identical
        again = compare_results(study, study)
        assert again.is_identical
        assert not again.settings
        json.dumps(again.to_dict(), allow_nan=False)

    def test_exponents_of_renumbered_clusters(self):
        study = make_study(n_traces=60, n_frames=160, k_max=4)
        swap = np.array([0, 2, 1, 3], dtype=np.int16)
        fit = replace(study.fit, beta=study.fit.beta + 0.5)
        found = compare_results(study, replace(study, labels=swap[study.labels], fit=fit))
        betas = [each for each in found.comparison.differences if each.name.startswith("⟨β⟩")]
        assert [each.clusters for each in betas] == [(1, 2), (2, 1), (3, 3)]
        for each in betas:
            mean = study.clusters.beta_mean[each.clusters[0] - 1]
            assert each.first == pytest.approx(mean)
            assert (each.change, each.low, each.high) == pytest.approx((0.5, 0.5, 0.5))
        assert found.comparison.agreement.adjusted_rand == 1

    def test_a_public_verb(self):
        assert um.compare_results is compare_results


def test_a_change_below_the_digits_that_are_shown_is_none():
    assert Difference.of("x", 0.4058123, 0.4058124).change_text == "0"
    assert Difference.of("x", 1.0, 0.75).change_text == "-0.25"
