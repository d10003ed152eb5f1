"""What evidence a decision needs: which surrogates and samples, in which representations."""

import numpy as np
import pytest

from umlpsd_gpu.decision.consensus import weighed_scales
from umlpsd_gpu.decision.plan import evidence_plan, weighed_k_values
from umlpsd_gpu.kmeans.resamples import half_samples
from umlpsd_gpu.preprocessing.settings import PAPER_SCALES


def plan_of(names, n_curves=60, k_max=15, rule="consensus", n_surrogates=2, n_resamples=4, seed=7):
    return evidence_plan(names, n_curves, k_max, rule, n_surrogates, n_resamples, seed)


def resampled(plan):
    return [name for name, needed in plan.items() if needed.samples is not None]


def test_the_papers_scales():
    plan = plan_of(PAPER_SCALES)
    assert list(plan) == list(PAPER_SCALES)
    weighed = [name for name, needed in plan.items() if needed.n_surrogates == 2]
    assert weighed == ["raw", "W10", "W25", "W50", "W100", "W200", "WL6"]
    assert all(needed.n_surrogates == 0 for name, needed in plan.items() if name not in weighed)
    assert resampled(plan) == weighed
    assert {needed.k_values for needed in plan.values()} == {range(1, 11)}


def test_every_sample_holds_the_same_curves_in_all_representations():
    plan = plan_of(["a", "b", "c", "d"])
    assert resampled(plan) == ["a", "b", "c", "d"]
    expected = half_samples(60, 7, 4)
    for name in resampled(plan):
        assert np.array_equal(plan[name].samples, expected)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["raw"], ["raw"]), (["I", "log I"], ["I", "log I"]), (["a", "b", "c"], ["a", "b", "c"])],
)
def test_few_representations_are_all_weighed_and_resampled(names, expected):
    plan = plan_of(names)
    assert weighed_scales(names) == names
    assert [needed.n_surrogates for needed in plan.values()] == [2] * len(names)
    assert resampled(plan) == expected


@pytest.mark.parametrize("rule", ["paper", "SSD elbow"])
def test_other_rules_need_nothing(rule):
    plan = plan_of(["raw", "W10"], rule=rule)
    assert resampled(plan) == []
    assert [needed.n_surrogates for needed in plan.values()] == [0, 0]


def test_what_is_not_asked_for_is_not_planned():
    plan = plan_of(["raw", "W10"], n_surrogates=0, n_resamples=0)
    assert resampled(plan) == []
    assert [needed.n_surrogates for needed in plan.values()] == [0, 0]


@pytest.mark.parametrize(
    ("n_curves", "k_max", "some"),
    [(7, 15, False), (8, 15, True), (60, 2, False), (60, 3, True)],
)
def test_halves_must_hold_some_curves_and_there_must_be_three_k(n_curves, k_max, some):
    plan = plan_of(["raw"], n_curves=n_curves, k_max=k_max)
    assert bool(resampled(plan)) == some
    assert plan["raw"].n_surrogates == 2


@pytest.mark.parametrize(
    ("n_curves", "k_max", "expected"),
    [(100, 15, range(1, 11)), (100, 6, range(1, 7)), (5, 15, range(1, 5)), (2, 15, range(1, 2))],
)
def test_weighed_k_values(n_curves, k_max, expected):
    assert weighed_k_values(n_curves, k_max) == expected
