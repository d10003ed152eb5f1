"""The decision: known profiles, known ensembles, and what it says of itself."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.ensembles import three_shapes
from umlpsd_gpu.decision import criteria
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.preprocess.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.sweep.metrics import THRESHOLDS
from umlpsd_gpu.sweep.result import Sweep
from umlpsd_gpu.sweep.run import sweep


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
    )


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
    assert criteria.profile_reading(sweep_with(profile)) == k


def test_epochs_that_disagree_are_no_structure():
    lively = sweep_with([0.6, 0.4, 0.3])
    labels = lively.labels.copy()
    labels[1] = np.random.default_rng(0).integers(0, 2, labels[1].shape)
    unstable = Sweep(**{**vars(lively), "labels": labels})
    assert criteria.profile_reading(unstable) == 1


def test_the_scale_unites_large_silhouette_and_few_misclassified():
    sweeps = [
        sweep_with([0.6, 0.4, 0.39], "W40", misclassified=1),
        sweep_with([0.7, 0.5, 0.49], "W500", misclassified=13),
        sweep_with([0.6, 0.45, 0.44], "WL6", misclassified=2),
        sweep_with([0.9, 0.85, 0.7], "raw"),
    ]
    decision = decide(sweeps, rule="paper")
    assert (decision.k_opt, decision.scale, decision.confidence) == (3, "WL6", 0.75)
    assert decision.votes["silhouette peak"] == 2
    assert "breaks at K = 3" in decision.reason
    assert "3 of 4 smoothing scales" in decision.reason


def test_disagreeing_scales_are_said_to_disagree():
    sweeps = [sweep_with([0.9, 0.5, 0.3]), sweep_with([0.5, 0.9, 0.6])]
    decision = decide(sweeps, rule="paper")
    assert decision.confidence == 0.5
    assert decision.reason.startswith("Cannot decide")


def test_stability_is_the_mean_adjusted_rand_index_of_all_pairs():
    labels = np.random.default_rng(3).integers(0, 3, (6, 30))
    base = sweep_with([0.5, 0.4, 0.3], n_epochs=6)
    mixed = base.labels.copy()
    mixed[2] = labels
    expected = [adjusted_rand_score(a, b) for a, b in itertools.combinations(labels, 2)]
    found = criteria.stability(Sweep(**{**vars(base), "labels": mixed}), 3)
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
    traces = simulate_traces(classes, n_frames=6000, seed=11).traces
    scales = [Scale.parse(name) for name in ("W40", "W80", "W125", "WL6")]
    sweeps = [
        sweep(preprocess_at(traces, scale), range(1, 9), n_epochs=40, scale=scale.name)
        for scale in scales
    ]
    assert decide(sweeps).k_opt == k


def test_three_shapes_are_three():
    values, _ = three_shapes(60, 40, 0.15)
    decision = decide([sweep(values, range(1, 9), n_epochs=30)])
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
