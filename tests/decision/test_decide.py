"""The decision: known profiles, known ensembles, and what it says of itself."""

import dataclasses
import itertools

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.support.ensembles import three_shapes
from umlpsd_gpu.decision import criteria
from umlpsd_gpu.decision.adjusted_rand import stability
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.decision.scale_choice import scale_merits
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.halves import replicate
from umlpsd_gpu.kmeans.metrics import THRESHOLDS
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import simulate_traces


def sweep_with(silhouette, scale="W80", misclassified=0.0, n_traces=30, n_epochs=4):
    """A sweep whose profile is given for K = 2, 3, …; every epoch finds the same partition."""
    profile = np.array([np.nan, *silhouette])
    k_values = np.arange(1, profile.size + 1)
    labels = np.arange(n_traces) % k_values[:, None, None]
    grid = np.repeat(profile[:, None], n_epochs, axis=1)
    return Sweep(
        k_values=k_values,
        labels=np.repeat(labels, n_epochs, axis=1).astype(np.int16),
        silhouette=grid,
        silhouette_stderr=0 * grid,
        calinski_harabasz=grid,
        ssd=np.repeat(1.0 / k_values[:, None], n_epochs, axis=1),
        misclassified_percent=np.full_like(grid, misclassified),
        thresholds=THRESHOLDS,
        below_percent=np.full((THRESHOLDS.size, *grid.shape), misclassified),
        smallest_cluster_silhouette=grid,
        separation=3 * grid,
        least_separation=2 * grid,
        n_iterations=np.ones(grid.shape, int),
        scale=scale,
        engine="batched",
        silhouette_metric="sqeuclidean",
        seed=0,
        n_silhouettes=n_traces,
    )


def replaced(found, **fields):
    return dataclasses.replace(found, **fields)


def with_labels(found, k, labels, **fields):
    every = found.labels.copy()
    every[found.index_of(k)] = labels
    return replaced(found, labels=every, **fields)


@pytest.mark.parametrize(
    ("profile", "k"),
    [
        ([0.8, 0.6, 0.5, 0.4], 2),  # falls evenly from its peak
        ([0.68, 0.44, 0.42, 0.40], 3),  # falls to a plateau: the break
        ([0.5, 0.7, 0.9, 0.8, 0.7], 4),  # rises to a peak
        ([0.6, 0.55, 0.55, 0.55], 2),  # the fall is scatter
        ([0.6, 0.4, 0.55, 0.5], 2),  # a dip, no plateau
        ([0.5, 0.2, 0.19, 0.18], 2),  # a plateau without structure
        ([0.1, 0.05, 0.02, 0.0], 1),  # no structure at all
        ([0.4, 0.6], 3),  # the peak is the last K
        ([0.9, 0.6, np.nan, 0.5], 2),  # a gap in the profile is no plateau
        ([np.nan, np.nan], 1),  # nothing is defined
    ],
)
def test_profiles_are_read_as_a_physicist_would(profile, k):
    assert criteria.read_as_paper(sweep_with(profile)) == k


def test_epochs_that_disagree_are_no_structure():
    lively = sweep_with([0.6, 0.4, 0.3])
    by_chance = np.random.default_rng(0).integers(0, 2, lively.labels[1].shape)
    assert criteria.read_as_paper(with_labels(lively, 2, by_chance)) == 1


def test_the_scale_is_one_that_reads_k_opt_and_keeps_clusters_apart():
    sweeps = [
        sweep_with([0.6, 0.4, 0.39], "W40"),
        sweep_with([0.7, 0.5, 0.49], "WL6"),
        sweep_with([0.6, 0.45, 0.44], "W500"),
        sweep_with([0.9, 0.85, 0.7], "raw"),
    ]
    decision = decide(sweeps, rule="paper")
    assert (decision.k_opt, decision.scale, decision.confidence) == (3, "WL6", 0.75)
    assert np.isnan(decision.confidence_ci95).all()
    assert decision.votes["silhouette peak"] == 2
    assert "breaks at K = 3" in decision.reason
    assert "3 of 4 representations give K = 3" in decision.reason


def test_a_scale_needs_separation_steady_epochs_and_other_scales_that_agree():
    best = sweep_with([0.6, 0.4, 0.39], "W80")
    blurred = replaced(best, scale="raw", separation=best.separation / 2)
    by_chance = np.random.default_rng(1).integers(0, 3, best.labels[2].shape)
    unsteady = with_labels(best, 3, np.r_[best.labels[2][:1], by_chance[1:]], scale="W10")
    alone = with_labels(best, 3, np.repeat(by_chance[:1], best.n_epochs, axis=0), scale="W500")
    merits = scale_merits([blurred, unsteady, alone, best], 3)
    assert merits.argmax() == 3
    assert merits[0] == pytest.approx(merits[3] / 2)
    assert max(merits[1], merits[2]) < merits[3] / 2


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_knee_and_the_slope_of_misplaced_traces_see_plain_clusters(n_classes):
    centres = 10 * np.eye(n_classes)[np.arange(20 * n_classes) % n_classes]
    values = centres + np.random.default_rng(n_classes).normal(0, 0.3, centres.shape)
    found = sweep(values, range(1, 11), n_epochs=20)
    assert criteria.ssd_knee(found) == n_classes
    assert criteria.below_percent_slope(found) == n_classes


def test_no_knee_in_a_flat_profile_and_none_with_two_k():
    flat = sweep_with([0.5, 0.5, 0.5])
    assert criteria.ssd_knee(replaced(flat, ssd=np.ones_like(flat.ssd))) is None
    assert criteria.ssd_knee(sweep_with([0.5])) is None
    assert criteria.below_percent_slope(sweep_with([0.5])) is None


def test_the_gap_statistic_is_the_textbooks():
    least = np.array([9.0, 4.0, 1.0, 0.8, 0.7])
    by_chance = np.array([[9.0, 6.0, 4.0, 3.0, 2.4], [9.0, 5.8, 4.1, 3.1, 2.3]])

    def swept(ssd):
        base = sweep_with([0.5] * (len(ssd) - 1))
        return replaced(base, ssd=np.repeat(ssd[:, None], base.n_epochs, axis=1))

    gap = np.log(by_chance).mean(axis=0) - np.log(least)
    stderr = np.log(by_chance).std(axis=0) * np.sqrt(1.5)
    expected = next(k for k in range(1, 5) if gap[k - 1] >= gap[k] - stderr[k])
    nulls = [swept(ssd) for ssd in by_chance]
    assert criteria.gap_statistic(swept(least), nulls) == expected == 3
    decision = decide([swept(least)], rule="gap statistic", nulls={"W80": nulls})
    assert decision.k_opt == decision.votes["gap statistic"] == 3
    with pytest.raises(SettingsError, match="compares with surrogates"):
        decide([swept(least)], rule="gap statistic")


def test_disagreeing_scales_are_said_to_disagree():
    sweeps = [sweep_with([0.9, 0.5, 0.3]), sweep_with([0.5, 0.9, 0.6])]
    decision = decide(sweeps, rule="paper")
    assert decision.confidence == 0.5
    assert decision.reason.startswith("Cannot decide")


def test_stability_is_the_mean_adjusted_rand_index_of_all_pairs():
    labels = np.random.default_rng(3).integers(0, 3, (6, 30))
    base = sweep_with([0.5, 0.4, 0.3], n_epochs=6)
    expected = [adjusted_rand_score(a, b) for a, b in itertools.combinations(labels, 2)]
    found = stability(with_labels(base, 3, labels), 3)
    assert found == pytest.approx(np.mean(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("classes", "k"),
    [
        ({"TSB": 60}, 1),
        ({"PEB": 40, "PBB": 40}, 2),
        ({"PEB": 40, "TSB": 40, "PBB": 40}, 3),
    ],
)
def test_blinking_classes_are_counted(classes, k):
    traces = simulate_traces(classes, n_frames=6000, seed=12).traces
    scales = [Scale.parse(name) for name in ("W40", "W80", "W125", "WL6")]
    sweeps = [
        sweep(preprocess_at(traces, scale), range(1, 9), n_epochs=40, scale=scale.name)
        for scale in scales
    ]
    replications = [
        replicate(preprocess_at(traces, scale), found)
        for scale, found in zip(scales, sweeps, strict=True)
    ]
    assert decide(sweeps, replications).k_opt == k


def test_reasons_by_the_paper_name_numbers_limits_and_the_chosen_scale():
    broken = [sweep_with([0.7, 0.5, 0.49], "WL6"), sweep_with([0.6, 0.4, 0.39], "W80")]
    assert decide(broken, rule="paper").reason == (
        "The mean silhouette <SS> peaks at K = 2 (0.70) and its decline breaks at K = 3 (0.50, "
        "then 0.49) at WL6; 2 of 2 representations give K = 3. Of these, WL6 has the largest "
        "product of separation, stability and agreement with the others: 0.0 % misclassified, "
        "agreement of epochs 1.00 (adjusted Rand index)."
    )
    assert decide([sweep_with([0.8, 0.6])], rule="paper").reason == (
        "The mean silhouette <SS> peaks at K = 2 (0.80) at W80; W80 is the only representation. "
        "Its partition: 0.0 % misclassified, agreement of epochs 1.00 (adjusted Rand index)."
    )
    assert decide([sweep_with([0.1, 0.05])], rule="paper").reason == (
        "No cluster structure: the best partition, K = 2 at W80, has a mean silhouette <SS> = 0.10 "
        "and agreement of epochs 1.00 (adjusted Rand index), where structure needs 0.25 and 0.50; "
        "W80 is the only representation."
    )


def test_a_criterion_that_gives_the_last_k_or_none_gets_a_reason():
    rising = sweep_with([0.9, 0.5, 0.4])
    rising = replaced(rising, calinski_harabasz=rising.ssd[::-1])
    reason = decide([rising], rule="Calinski-Harabasz peak").reason
    assert reason.startswith("The criterion 'Calinski-Harabasz peak' gives K = 4 at W80")
    reason = decide([sweep_with([0.9])], rule="SSD elbow").reason
    assert reason.startswith("Cannot decide K. No cluster structure: the criterion")


def test_three_shapes_are_three():
    values, _ = three_shapes(60, 40, 0.15)
    found = sweep(values, range(1, 9), n_epochs=30)
    decision = decide([found], [replicate(values, found)])
    assert decision.k_opt == 3
    assert decision.scale == "raw"


def test_a_perfect_partition_wins_the_calinski_harabasz_vote():
    values = np.repeat([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], 10, axis=0)
    decision = decide([sweep(values, range(1, 6), n_epochs=5)])
    assert decision.votes["Calinski-Harabasz peak"] == 3
    assert decision.k_opt == 3


@pytest.mark.parametrize("k_values", [[1], [2], [2, 3], [1, 4, 9]])
@pytest.mark.parametrize("n_epochs", [1, 5])
@pytest.mark.parametrize("kind", ["shapes", "equal"])
def test_odd_sweeps_get_a_decision_and_a_readable_reason(k_values, n_epochs, kind):
    values = three_shapes(30, 20, 0.1)[0] if kind == "shapes" else np.ones((30, 20))
    decision = decide([sweep(values, k_values, n_epochs=n_epochs)])
    assert decision.rule == "paper"  # too few K's to weigh
    assert decision.k_opt in {1, *k_values}
    assert "nan" not in decision.reason
    assert set(decision.votes.values()) <= {1, *k_values}


def test_no_sweep_is_named():
    with pytest.raises(SettingsError, match="at least one sweep"):
        decide([])
