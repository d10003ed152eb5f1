"""Validation: rates, matched clusters and classes, β of known answer, conditions of data."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binomtest

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.validation.ensembles import (
    Conditions,
    check_settings,
    draw_seeds,
    simulate_ensemble,
)
from umlpsd_gpu.validation.exponents import camera_counts, compare_fits
from umlpsd_gpu.validation.likeness import conditions_like, equal_mix, estimate_counts
from umlpsd_gpu.validation.rates import pooled_rate, rate_of
from umlpsd_gpu.validation.recovery import count_confusion, study_ensembles
from umlpsd_gpu.validation.result import Recovery


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (3, 7), (20, 20), (377, 400)])
def test_intervals_are_those_of_scipy(hits, trials):
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    rate = rate_of(hits, trials)
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= rate.low <= rate.share <= rate.high <= 1


def test_a_rate_of_nothing_is_anything():
    rate = rate_of(0, 0)
    assert np.isnan(rate.share)
    assert (rate.low, rate.high) == (0, 1)


def width(rate):
    return rate.high - rate.low


def test_traces_that_fail_together_count_for_fewer():
    trials = np.full(10, 100)
    evenly = pooled_rate(np.array([49, 51] * 5), trials)
    assert (evenly.low, evenly.high) == (rate_of(500, 1000).low, rate_of(500, 1000).high)
    # all or nothing: ten ensembles are worth nine trials
    together = pooled_rate(np.array([0, 100] * 5), trials)
    assert width(rate_of(5, 10)) < width(together) < width(rate_of(4, 8))
    # one ensemble can't tell
    assert pooled_rate(np.array([30]), np.array([100])) == rate_of(30, 100)


def test_pooled_intervals_hold_the_truth():
    """Shares of ensembles scatter here, which intervals of independent trials don't know."""
    rng = np.random.default_rng(0)
    n_hold_pooled = n_hold_independent = 0
    for _ in range(400):
        hits = rng.binomial(100, rng.beta(8, 2, 20))
        pooled, independent = pooled_rate(hits, np.full(20, 100)), rate_of(int(hits.sum()), 2000)
        n_hold_pooled += pooled.low <= 0.8 <= pooled.high
        n_hold_independent += independent.low <= 0.8 <= independent.high
    # 95 % of 400, less three standard deviations and what the normal law costs with 20 ensembles
    assert n_hold_pooled > 0.90 * 400
    assert n_hold_independent < 0.65 * 400


def test_confusion_counts_every_trace_once():
    truth = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    labels = np.array([2, 2, 1, 1, 1, 3, 3, 0])
    table = count_confusion(labels, truth, n_classes=3, k_true=2)
    assert table.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 3]]


def test_a_class_without_a_cluster_is_never_right():
    truth = np.repeat([0, 1, 2], 4)
    one_cluster = count_confusion(np.ones(12, dtype=int), truth, 3, 3)
    assert one_cluster.sum(axis=1).tolist() == [4, 4, 4]
    assert np.trace(one_cluster) == 4
    four_clusters = count_confusion(np.array([1, 1, 1, 4, 2, 2, 2, 2, 3, 3, 3, 3]), truth, 3, 3)
    assert np.trace(four_clusters) == 11
    assert four_clusters[0, 3] == 1
    assert count_confusion(np.zeros(12, dtype=int), truth, 3, 3)[:, 3].tolist() == [4, 4, 4]


def recovery(**changes):
    """Two ensembles of 4 A and 4 B traces: one perfect, one unsure and in a single cluster."""
    values = {
        "classes": ("A", "B"),
        "k_true": 2,
        "scales": ("raw", "W20"),
        "k_opt": np.array([2, 1]),
        "confidence": np.array([0.9, 0.4]),
        "chosen": ("W20", "raw"),
        "confusion": np.array([[[4, 0, 0], [0, 4, 0]], [[4, 0, 0], [4, 0, 0]]]),
        "confusion_without_outliers": np.array([[[3, 0, 0], [0, 4, 0]], [[4, 0, 0], [4, 0, 0]]]),
        "n_flagged": np.array([[1, 0], [0, 0]]),
        "n_right": np.array([[6, 8], [7, 5]]),
    }
    return Recovery(**values | changes)


def test_rates_of_a_known_recovery():
    found = recovery()
    assert (found.k_right.n_hits, found.k_right.n_trials) == (1, 2)
    assert found.undecided.n_hits == 1
    assert (found.k_right_if_decided.n_hits, found.k_right_if_decided.n_trials) == (1, 1)
    assert found.said == {1: 1, 2: 1}
    assert found.times_chosen == {"raw": 1, "W20": 1}
    assert found.accuracy.share == 12 / 16
    assert found.accuracy_without_outliers.share == 11 / 15
    assert found.accuracy_at("raw").share == 13 / 16
    assert found.accuracy_at_chosen.share == 15 / 16
    assert found.class_in_cluster(1, 1).share == 4 / 8
    assert found.flagged(of_outliers=False).share == 1 / 16
    assert not found.has_outliers


def fit(beta, half_width):
    beta = np.asarray(beta, dtype=float)
    ends = np.stack([beta - half_width, beta + half_width], axis=1)
    return SimpleNamespace(
        beta=beta,
        beta_ci95=ends,
        model="power_law",
        n_without_beta=int(np.isnan(beta).sum()),
    )


def test_bias_and_coverage_of_known_fits():
    test = compare_fits(fit([0.8, 1.0, 1.2, 1.4, np.nan], half_width=0.25), beta=1.0)
    assert test.bias == pytest.approx(0.1)
    assert test.scatter == pytest.approx(np.std([0.8, 1.0, 1.2, 1.4], ddof=1))
    assert test.bias_stderr == pytest.approx(test.scatter / 2)
    assert (test.coverage.n_hits, test.coverage.n_trials) == (3, 4)
    assert (test.n_traces, test.n_without_beta) == (5, 1)
    assert not test.shot_noise
    assert test.tells


def test_fits_without_any_beta_tell_nothing():
    test = compare_fits(fit([np.nan, np.nan], half_width=1), beta=0.0, white_percent=14.0)
    assert np.isnan(test.bias)
    assert np.isnan(test.scatter)
    assert test.coverage.n_trials == 0
    assert test.shot_noise
    assert not test.tells


def test_camera_adds_the_variance_of_its_counts():
    noise = np.random.default_rng(0).normal(3, 7, (20, 5000))
    counts, white_percent = camera_counts(noise, Conditions(on_counts=(240, 240)), seed=1)
    assert counts.mean() == pytest.approx(20 + 120, rel=0.01)
    shot, signal = 2 * 140 + 25, (240 / 6) ** 2
    assert white_percent == pytest.approx(100 * shot / (shot + signal), rel=0.03)


def test_seeds_differ_by_purpose_and_keep_when_more_are_drawn():
    few, many, others = draw_seeds(0, 0, 3), draw_seeds(0, 0, 9), draw_seeds(0, 1, 9)
    assert many[:3] == few
    assert len({*many, *others, *draw_seeds(1, 0, 9)}) == 27


def test_msb_is_a_cluster_only_by_itself():
    mixed = Conditions({"MSB": 5, "PEB": 6, "TSB": 0})
    assert mixed.clustered_classes == ("PEB",)
    assert (mixed.k_true, mixed.n_traces) == (1, 11)
    assert Conditions({"MSB": 5}).clustered_classes == ("MSB",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": {"ABC": 9}}, "'ABC' is not known"),
        ({"classes": {"PEB": 2}}, "at least 3 traces, and the mix has 2"),
        ({"n_frames": 10**9}, "too many to simulate"),
        ({"n_frames": 0}, "must be above 0"),
        ({"dt_s": 1e6}, "last longer"),
        ({"dt_s": float("inf")}, "last longer"),
        ({"dt_s": float("nan")}, "must be above 0"),
        ({"on_counts": (400, 150)}, "ON counts must be in rising order"),
        ({"on_counts": (0, 150)}, "ON counts must be in rising order"),
        ({"on_counts": (1, float("nan"))}, "ON counts must be in rising order"),
        ({"on_counts": (1, 1e30)}, "ON counts must be in rising order"),
        ({"background_counts": -1}, "background must be 0"),
    ],
)
def test_what_cannot_be_simulated_is_refused(changes, says):
    with pytest.raises(SettingsError, match=says):
        Conditions(**changes)


def test_settings_must_reach_the_true_number_of_clusters():
    few_k = Settings().with_values({"sweep.k_max": 2})
    with pytest.raises(SettingsError, match=r"increase sweep\.k_max"):
        check_settings(Conditions(), few_k)
    with pytest.raises(SettingsError, match="can't be clustered"):
        check_settings(Conditions({"PEB": 1, "TSB": 1, "PBB": 1}), Settings())


@pytest.mark.parametrize(
    ("on", "background"), [((150, 400), 20), ((30, 60), 20), ((1000, 3000), 300)]
)
def test_counts_are_estimated_from_traces(on, background):
    traces = simulate_traces(
        {"PEB": 40, "TSB": 40, "PBB": 40}, on_counts=on, background_counts=background
    ).traces
    (low, high), noise_background = estimate_counts(traces.values)
    # the 5th and 95th percentile of an even range lie 5 % inside of it
    assert low == pytest.approx(on[0] + 0.05 * (on[1] - on[0]), rel=0.15)
    assert high == pytest.approx(on[1] - 0.05 * (on[1] - on[0]), rel=0.15)
    assert noise_background == pytest.approx(background, rel=0.2)
    # a level that was subtracted or added changes nothing
    shifted = estimate_counts(traces.values - 500)
    assert shifted == ((low, high), noise_background)


def study_of(values, dt_s=0.1, flagged=0):
    traces = dataclasses.replace(simulate_traces({"PBB": len(values)}, 1).traces, values=values)
    clustered = np.arange(len(values)) >= flagged
    return SimpleNamespace(traces=dataclasses.replace(traces, dt_s=dt_s), clustered=clustered)


def test_conditions_like_a_study():
    values = simulate_traces({"TSB": 11}, n_frames=3000).traces.values
    values[0] = np.nan
    like = conditions_like(study_of(values, flagged=1), origin="mine")
    assert (like.n_frames, like.dt_s, like.origin) == (3000, 0.1, "mine")
    assert like.classes == {"PEB": 4, "TSB": 3, "PBB": 3} == equal_mix(10)
    assert conditions_like(study_of(values, flagged=1), {"TSB": 7}).classes == {"TSB": 7}


@pytest.mark.parametrize(
    ("values", "says"),
    [(np.ones((5, 39)), "39 frames, too few"), (np.ones((5, 400)), "don't rise above")],
)
def test_counts_that_cannot_be_told_are_refused(values, says):
    with pytest.raises(SettingsError, match=says):
        conditions_like(study_of(values))


def test_ensembles_are_decided_as_studies_are():
    chosen = Settings().with_values(
        {"preprocess.scales": ["W20", "W40"], "sweep.k_max": 5, "sweep.n_epochs": 5}
    )
    conditions = Conditions({"PEB": 20, "PBB": 20}, n_frames=1000, dt_s=0.1)
    seed = 4
    (outcome,) = study_ensembles(conditions, chosen, [seed], lambda done, total: None)
    decision = run_study(simulate_ensemble(conditions, seed).traces, chosen).decision
    assert decision.rule == "consensus"
    assert (outcome.k_opt, outcome.confidence) == (decision.k_opt, decision.confidence)
