"""The consensus: probabilities that sum to 1, known answers, monotone in its evidence."""

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ensembles import three_shapes
from umlpsd_gpu.decision.consensus import (
    FITTED_SCALES,
    WEIGHTS,
    fitted_weights,
    mean_log_odds,
    probabilities,
    scores,
    weaker_evidence,
    weighed_scales,
)
from umlpsd_gpu.decision.decide import RULES, decide
from umlpsd_gpu.decision.evidence import core_share, evidence_of
from umlpsd_gpu.decision.familiarity import fitted_region, unfamiliarity
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.halves import MOST_K, replicate
from umlpsd_gpu.kmeans.surrogates import gaussian_surrogates, principal_spread
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.maps.neighbours import neighbour_pairs
from umlpsd_gpu.preprocessing.settings import PAPER_SCALES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def blobs(k, n_traces=90, n_samples=20, apart=6.0, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, apart / np.sqrt(2 * n_samples), (k, n_samples))
    noise = rng.normal(0, 1 / np.sqrt(n_samples), (n_traces, n_samples))
    return centres[np.arange(n_traces) % k] + noise


def swept(values, scale="raw", n_epochs=20):
    return sweep(values, range(1, MOST_K + 1), n_epochs=n_epochs, scale=scale)


def decided(values, **options):
    found = swept(values)
    return decide([found], [replicate(values, found)], **options)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_blobs_are_counted(k):
    assert decided(blobs(k)).k_opt == k


def test_a_decision_says_why():
    decision = decided(three_shapes(60, 40, 0.2)[0])
    evidence = decision.evidence
    assert evidence.probability.sum() == pytest.approx(1)
    assert evidence.k_values.tolist() == list(range(1, MOST_K + 1))
    assert decision.k_opt == 3
    assert decision.confidence == evidence.probability.max()
    assert decision.rule == "consensus"
    assert not decision.is_undecided
    assert re.match(
        r"K = 3 has probability 0\.\d\d and K = \d+ 0\.\d\d, from the evidence at raw\. At K = 3 "
        r"halves of the items find 100 % of the least reproducible cluster again, and the border "
        r"of the two clusters least apart is 0\.\d\d times as dense as their centres\. At K = 4 "
        r"halves of the items find \d+ % .* their centres\. Partition into 3 at raw: mean "
        r"silhouette <SS> = 0\.\d\d, \d\.\d % misclassified, agreement of epochs [01]\.\d\d",
        decision.reason,
    )
    assert "left out of the fit" in decision.calibrated_for


def test_one_cloud_has_no_structure_and_the_reason_says_so():
    decision = decided(np.random.default_rng(0).normal(size=(120, 30)))
    assert decision.k_opt == 1
    assert decision.reason.startswith("No cluster structure: K = 1 has probability")
    assert "Partition into 2 at raw" in decision.reason


def test_the_reason_counts_many_representations():
    values = blobs(3)
    many = [swept(values, f"feature set {i}") for i in range(9)]
    decision = decide(many, [replicate(values, found, n_samples=4) for found in many])
    assert "from the evidence at 9 representations. At K = 3" in decision.reason


def test_decisions_do_not_depend_on_the_order_of_traces():
    values = three_shapes(60, 40, 0.2)[0]
    shuffled = np.random.default_rng(1).permutation(values)
    # other traces start K-means and are drawn: the verdict must not differ
    assert decided(values).k_opt == decided(shuffled).k_opt == 3


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=9), st.integers(0, 8), st.floats(0, 5))
def test_probabilities_sum_to_one_and_rise_with_the_score(of_k, at, more):
    before = np.array(of_k)
    at %= before.size
    after = before.copy()
    after[at] += more
    first, second = probabilities(before), probabilities(after)
    assert first.sum() == pytest.approx(1)
    assert first.min() > 0
    # the clusters of this K exist more surely: smaller K's lose, larger ones keep their share
    assert second[at + 1] >= first[at + 1] - 1e-12
    assert (second[: at + 1] <= first[: at + 1] + 1e-12).all()
    np.testing.assert_allclose(second[at + 2 :], first[at + 2 :], atol=1e-12)


@given(st.floats(-1.5, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_more_evidence_never_lowers_the_score(gap, again, more_gap, more_again):
    larger = min(gap + more_gap, 3), min(again + more_again, 1)
    low = weaker_evidence(np.array(gap), np.array(again))
    assert weaker_evidence(np.array(larger[0]), np.array(larger[1])) >= low - 1e-12
    assert -3 <= low <= 3


def test_the_weights_are_few_and_of_the_right_sign():
    weights = fitted_weights()
    assert WEIGHTS.is_file()
    assert [f.name for f in dataclasses.fields(weights)] == ["constant", "both", "gap"]
    assert weights.both > 0
    assert weights.gap > 0


def test_the_strongest_representation_speaks():
    values = blobs(3, apart=12.0)
    noise = np.random.default_rng(0).normal(size=values.shape)
    clear, noisy = swept(values, "a"), swept(noise, "b")
    evidence = evidence_of([replicate(values, clear), replicate(noise, noisy)])
    best = scores(evidence, fitted_weights())
    assert best[0, 1] > best[1, 1]
    together = mean_log_odds(best)
    assert (together <= best.max(axis=0)).all()
    assert (together >= best.mean(axis=0)).all()
    assert probabilities(together).argmax() + 1 == 3


def test_borders_between_domains_are_no_clusters():
    # three stripes: the middle one, a pixel wide, is a mixture of the others
    labels = np.repeat([0, 0, 0, 1, 2, 2, 2], 7)
    rows, cols = np.divmod(np.arange(49), 7)
    pairs = neighbour_pairs(rows, cols, (7, 7))
    assert core_share(labels, pairs) == 0
    assert core_share(np.repeat([0, 0, 0, 2, 2, 2, 2], 7), pairs) == pytest.approx(14 / 21)
    rng = np.random.default_rng(1)
    means = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    values = means[labels] + rng.normal(0, 0.02, (49, 2))
    assert decided(values).k_opt == 3
    assert decided(values, neighbours=pairs).k_opt == 2


def test_ensembles_unlike_the_fitted_ones_lower_the_confidence():
    values = blobs(2, n_traces=10, apart=30.0)
    found = sweep(values, range(1, 6), n_epochs=5)
    decision = decide([found], [replicate(values, found)])
    assert fitted_region().n_items[0] > 10
    assert "were used for its calibration, not 10" in decision.unfamiliar
    assert "Take the confidence with care: ensembles of" in decision.reason
    assert decision.confidence < 0.9


def test_the_distance_to_the_fitted_ensembles_is_told():
    values = blobs(3)
    evidence = evidence_of([replicate(values, swept(values))])
    assert unfamiliarity(evidence, 3, 90) == ""
    odd = dataclasses.replace(
        evidence,
        gap=np.full_like(evidence.gap, 3.0),
        reproducibility=np.zeros_like(evidence.gap),
    )
    assert "unlike that of the ensembles" in unfamiliarity(odd, 3, 90)


def test_surrogates_keep_the_spread_and_lose_the_clusters():
    values = blobs(3, n_traces=400, apart=12.0)
    (surrogate,) = gaussian_surrogates(values, [0])
    assert surrogate.shape == (400, 20)
    assert principal_spread(surrogate) == pytest.approx(principal_spread(values), rel=0.2)
    separation = [s.separation[2, s.best_epoch(3)] for s in (swept(values), swept(surrogate))]
    assert separation[0] > 4
    assert separation[1] < 2
    assert np.array_equal(surrogate, *gaussian_surrogates(values, [0]))


def test_the_scales_of_the_fit_are_weighed_where_they_are_there():
    assert weighed_scales([*PAPER_SCALES]) == list(FITTED_SCALES)
    assert weighed_scales(["W10", "W20", "W25", "W100"]) == ["W10", "W25", "W100"]
    assert weighed_scales(["W10", "W20", "W40", "W80"]) == ["W10", "W20", "W40", "W80"]
    others = [f"S{i}" for i in range(20)]
    assert len(weighed_scales(others)) == len(FITTED_SCALES)
    assert weighed_scales(others)[::6] == ["S0", "S19"]


def test_unknown_rules_are_named():
    with pytest.raises(SettingsError, match="rule 'eye' is not known; choose from consensus"):
        decide([swept(blobs(2))], rule="eye")
    values = blobs(3, apart=12.0)
    found = swept(values)
    nulls = {"raw": [swept(null) for null in gaussian_surrogates(values, range(2))]}
    for rule in RULES:
        decision = decide([found], [replicate(values, found)], rule, nulls)
        assert (decision.rule, decision.k_opt) == (rule, 3)


def test_without_halves_the_papers_rule_decides():
    decision = decide([swept(blobs(3, apart=12.0))])
    assert (decision.rule, decision.k_opt) == ("paper", 3)
    assert decision.evidence.k_values.size == 0


@pytest.mark.parametrize(
    "family", ["slow shapes", "high signal", "features", "trajectories", "crystals", "unclustered"]
)
def test_other_families_are_decided_as_the_benchmark_says(monkeypatch, family):
    """Numbers beyond those of the fit; benchmarks/decision/report.py leaves whole families out."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from decision.cases import DECIDABLE_RECALL
    from decision.families import simulate
    from decision.gather import mean_recall

    right = []
    for number in range(100, 106):
        ensemble = simulate(family, number)
        names = list(ensemble.matrices)[1::2] or list(ensemble.matrices)
        found = [swept(ensemble.matrices[name], name) for name in names]
        best = [s.best_labels(ensemble.k_true) for s in found]
        recall = max(mean_recall(labels, ensemble.classes) for labels in best)
        if ensemble.k_true > 1 and recall < DECIDABLE_RECALL:
            continue
        again = [replicate(ensemble.matrices[n], s, 10) for n, s in zip(names, found, strict=True)]
        decision = decide(found, again)
        right.append(decision.k_opt == ensemble.k_true or decision.is_undecided)
    assert len(right) >= 3
    assert np.mean(right) >= 0.6
