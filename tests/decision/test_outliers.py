"""Outliers: far points and high exponents are flagged, clean ensembles at the stated rate."""

import numpy as np
import pytest

from tests.support.ensembles import three_shapes
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.clustering.final_labels import label_items
from umlpsd_gpu.clustering.notes import outlier_notes
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.decision.labels import final_labels
from umlpsd_gpu.decision.outliers import (
    FALSE_POSITIVE_RATE,
    LEAST_TRACES,
    N_COARSE_SAMPLES,
    Outliers,
    outlier_scores,
)
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.simulate.traces import PAPER_MIX, simulate_traces

CENTRES = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [0.0, 10.0, 0.0]])


def blobs(n_each=40, n_far=0, width=0.5, seed=0):
    """Three tight blobs in 3 dimensions, then far points, each alone; points, classes, β."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(3), n_each)
    points = CENTRES[classes] + width * rng.standard_normal((3 * n_each, 3))
    directions = rng.standard_normal((n_far, 3))
    far = 80 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    beta = rng.normal(1, 0.1, 3 * n_each + n_far)
    return np.vstack([points, far]), classes, beta


def clusters_of(points, k=3):
    return final_labels(sweep(points, [k], n_epochs=30), k)[0]


def same_partition(one, other):
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


AT_W80 = Settings().with_values(
    {"preprocess.scales": ["W80"], "sweep.k_max": 4, "sweep.n_epochs": 30, "decision.rule": "paper"}
)


def test_far_points_are_flagged_and_the_blobs_are_found_without_them():
    points, classes, beta = blobs(n_far=5)
    found = label_items(points, sweep(points, [3], n_epochs=30), 3, Settings(), beta)
    assert not same_partition(found.labels[:120], classes)  # the far points spoil the clusters
    assert found.outliers.is_outlier[120:].all()
    assert found.outliers.labels[120:].tolist() == [0] * 5
    kept = np.flatnonzero(found.outliers.labels[:120])
    assert kept.size >= 0.85 * 120
    assert same_partition(found.outliers.labels[kept], classes[kept])


def test_curves_on_a_device_give_the_cpus_answer(cupy):
    points, _, beta = blobs(n_far=5)
    found = sweep(points, [3], n_epochs=10)
    settings = Settings().with_values({"sweep.n_epochs": 10})
    expected = label_items(points, found, 3, settings, beta)
    on_device = label_items(cupy.asarray(points), found, 3, settings, beta)
    assert expected.outliers.is_outlier.sum() >= 5
    assert np.array_equal(on_device.labels, expected.labels)
    assert np.array_equal(on_device.outliers.labels, expected.outliers.labels)
    assert on_device.outliers.score.tobytes() == expected.outliers.score.tobytes()


def test_points_far_beyond_any_cluster_score_more_the_farther():
    points, _, beta = blobs(n_far=0)
    labels = clusters_of(points)
    scores = []
    for distance in (1, 3, 9):
        moved = points.copy()
        moved[7] = CENTRES[0] + [0, 0, distance]
        scores.append(outlier_scores(moved, labels, beta)[0][7])
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]


def test_a_high_exponent_is_flagged_a_low_one_is_not():
    points, _, beta = blobs()
    points[[3, 4]] = CENTRES[0]  # their distances are no reason
    beta[[3, 4]] = 2.0, 0.0
    score, threshold = outlier_scores(points, clusters_of(points), beta)
    assert score[3] > threshold
    assert score[4] == 0


@pytest.mark.parametrize("k", [1, 3])
def test_gaussian_blobs_are_flagged_below_the_stated_rate(k):
    shares = []
    for seed in range(20):
        points, classes, beta = blobs(n_each=60, seed=seed)
        labels = classes + 1 if k == 3 else np.ones(60, dtype=int)
        score, threshold = outlier_scores(points[: labels.size], labels, beta[: labels.size])
        shares.append(np.mean(score > threshold))
    # Gaussian blobs have narrower tails than the classes that the threshold is made for
    assert 0 < np.mean(shares) < FALSE_POSITIVE_RATE


def test_the_classes_alone_are_flagged_at_about_the_stated_rate():
    shares = [
        run_study(simulate_traces(seed=seed).traces, AT_W80).outliers.is_outlier.mean()
        for seed in (1, 2, 3)
    ]
    # the mean of 20 ensembles is in the benchmark; single ones scatter by half the rate
    assert np.mean(shares) == pytest.approx(FALSE_POSITIVE_RATE, abs=0.6 * FALSE_POSITIVE_RATE)


def test_the_rate_can_be_chosen():
    points, _, beta = blobs()
    labels = clusters_of(points)
    thresholds = [
        outlier_scores(points, labels, beta, false_positive_rate=rate)[1]
        for rate in (0.2, 0.05, 0.01)
    ]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 3


def test_multi_state_traces_are_told_from_the_other_classes():
    """Twenty ensembles are in the benchmark."""
    simulated = simulate_traces(PAPER_MIX | {"MSB": 31}, seed=0)
    study = run_study(simulated.traces, AT_W80)
    multi = simulated.classes == "MSB"
    above = study.outliers.score[multi][:, None] > study.outliers.score[~multi]
    assert above.mean() >= 0.9  # ROC AUC
    flagged = study.outliers.is_outlier
    assert flagged[multi].mean() > 3 * flagged[~multi].mean()
    assert np.array_equal(study.outliers.labels == 0, flagged)
    assert any("fit no cluster" in note for note in study.notes)


def test_traits_that_go_together_raise_the_threshold():
    """One sum of squares is then nearly twice the other's: fewer traces are far in neither."""
    points, classes, beta = blobs(n_each=200)
    distance = np.linalg.norm(points - CENTRES[classes], axis=1)
    apart = outlier_scores(points, classes + 1, beta)[1]
    together = outlier_scores(points, classes + 1, distance)[1]
    assert together > 1.1 * apart


def test_permuted_traces_give_permuted_scores():
    points, _, beta = blobs(n_far=4)
    labels = clusters_of(points)
    order = np.random.default_rng(1).permutation(len(points))
    score, threshold = outlier_scores(points, labels, beta)
    shuffled, same = outlier_scores(points[order], labels[order], beta[order])
    assert shuffled == pytest.approx(score[order], rel=1e-9, abs=1e-9)
    assert same == pytest.approx(threshold, rel=1e-9)


def test_same_seed_same_bits():
    points, _, beta = blobs(n_far=4)
    labels = clusters_of(points)
    once, again, other = (outlier_scores(points, labels, beta, seed) for seed in (3, 3, 4))
    assert once[0].tobytes() == again[0].tobytes() == other[0].tobytes()
    assert once[1] == again[1] != other[1]


def test_unknown_exponents_leave_the_distance():
    points, _, beta = blobs(n_far=5)
    labels = clusters_of(points)
    by_distance, _ = outlier_scores(points, labels)
    unknown = outlier_scores(points, labels, np.full(len(points), np.nan))
    assert np.array_equal(unknown[0], by_distance)
    beta[[0, 50]] = np.nan
    beta[60] = np.inf
    score, threshold = outlier_scores(points, labels, beta)
    assert np.isfinite(score).all()
    # sums of one and of two squares round differently
    assert score[[0, 50, 60]] == pytest.approx(by_distance[[0, 50, 60]], rel=SUM_FLOAT64)
    assert (score[120:] > threshold).all()


@pytest.mark.parametrize("unknown", [1, 2, 3])
def test_a_cluster_without_exponents_leaves_the_others_theirs(unknown):
    points, classes, beta = blobs()
    beta[classes + 1 == unknown] = np.nan
    odd = np.flatnonzero(np.isfinite(beta))[10]
    beta[odd], points[odd] = 3.0, CENTRES[classes[odd]]  # its distance is no reason
    score, threshold = outlier_scores(points, classes + 1, beta)
    assert np.isfinite(score).all()
    assert score[odd] > threshold


@pytest.mark.parametrize("n", [2, 5, LEAST_TRACES - 1])
def test_few_traces_are_scored_but_none_is_flagged(n):
    points, _, beta = blobs(n_each=10)
    score, threshold = outlier_scores(points[:n], np.arange(n) % 2 + 1, beta[:n])
    assert np.isfinite(score).all()
    assert threshold == np.inf


def test_one_cluster():
    points, beta = (whole[:40] for whole in blobs()[::2])
    points[5] += 20
    found = label_items(points, sweep(points, [1], n_epochs=2), 1, Settings(), beta)
    assert found.labels.tolist() == [1] * 40
    assert np.isnan(found.silhouette).all()
    assert found.outliers.is_outlier[5]
    assert np.array_equal(found.outliers.labels, np.where(found.outliers.is_outlier, 0, 1))


def test_equal_traces_are_no_outliers():
    points = np.repeat(CENTRES, 15, axis=0)
    score, threshold = outlier_scores(points, np.repeat([1, 2, 3], 15), np.ones(45))
    assert score.max() == 0
    assert threshold > 0


def test_raw_noise_does_not_hide_a_course_of_its_own():
    """Distances are to be taken between averaged curves."""
    curves, classes = three_shapes(90, 40, 0.02)
    rng = np.random.default_rng(5)
    raw = np.repeat(curves, 50, axis=1) + rng.normal(0, 0.5, (90, 2000))
    raw[0] = np.repeat(rng.random(5), 400) + rng.normal(0, 0.2, 2000)  # another course, less noise
    averaged = raw.reshape(90, N_COARSE_SAMPLES, -1).mean(axis=2)
    score, threshold = outlier_scores(averaged, classes + 1)
    assert score.argmax() == 0
    assert score[0] > threshold


def test_labels_without_outliers_are_numbered_like_the_others():
    points, _, beta = blobs(n_each=50)
    points[:12, 2] += np.linspace(8, 16, 12)  # a third of the largest cluster strays
    found = label_items(points, sweep(points, [3], n_epochs=30), 3, Settings(), beta)
    kept = found.outliers.labels > 0
    assert np.array_equal(found.outliers.labels[kept], found.labels[kept])


def test_a_note_is_made_where_chance_does_not_explain_them():
    def note_of(n_flagged, threshold=1.0, explanation="multi-state blinking"):
        score = np.where(np.arange(200) < n_flagged, 2.0, 0.0)
        found = Outliers(score, threshold, 0.05, np.ones(200, dtype=np.int16))
        return outlier_notes(found, explanation)

    too_few = Outliers(np.ones(5), np.inf, 0.05, np.ones(5, dtype=np.int16))
    assert too_few.n_expected == 0
    assert note_of(10) == note_of(19) == note_of(50, np.inf) == []
    assert "20 of 200 clustered traces fit no cluster" in note_of(20)[0]
    assert "about 10 are expected by chance: multi-state blinking" in note_of(20)[0]
    assert "by chance: something else, perhaps" in note_of(20, explanation="something else")[0]


def test_traces_that_were_not_clustered_have_a_place():
    points, _, beta = blobs(n_each=12)
    usable = np.ones(38, dtype=bool)
    usable[[4, 30]] = False
    swept = sweep(points, [3], n_epochs=5)
    found = label_items(points, swept, 3, Settings(), beta)
    clustering = Clustering((swept,), decide([swept]), **vars(found))
    everywhere = clustering.spread_over(usable)
    assert np.array_equal(everywhere.labels[usable], found.labels)
    assert everywhere.labels[[4, 30]].tolist() == everywhere.outliers.labels[[4, 30]].tolist()
    assert everywhere.labels.dtype == everywhere.outliers.labels.dtype == np.int16
    for values in (everywhere.label_uncertainty, everywhere.silhouette, everywhere.outliers.score):
        assert np.isnan(values[[4, 30]]).all()
        assert np.isfinite(values[usable]).all()
    assert not everywhere.outliers.is_outlier[[4, 30]].any()
    assert everywhere.outliers.n_expected == pytest.approx(0.05 * 36)
