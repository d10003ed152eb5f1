"""The interval of the confidence: known answers, half-samples, and what a study makes of them."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.special import expit, logit

from tests.ensembles import three_shapes
from umlpsd_gpu.decision.confidence import OVERSTATEMENT, confidence_interval
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.study.workflow import run_study
from umlpsd_gpu.sweep.resamples import MOST_DRAWN, half_samples, n_drawn
from umlpsd_gpu.traces.traces import Traces


def test_half_samples_that_scatter_give_their_scatter():
    resampled = expit(np.array([0.0, 1.0, 2.0, 3.0]))
    reach = 1.96 * np.std([0, 1, 2, 3], ddof=1) / OVERSTATEMENT
    expected = expit(logit(0.8) + np.array([-reach, reach]))
    assert confidence_interval(0.8, resampled, 60, 30) == pytest.approx(tuple(expected))


def test_smaller_samples_scatter_more_in_proportion():
    resampled = [0.6, 0.7, 0.9]
    (low, _), (low_of_few, _) = (
        confidence_interval(0.8, resampled, n, 100) for n in (200, 100 + 400)
    )
    reach, reach_of_few = logit(0.8) - logit(low), logit(0.8) - logit(low_of_few)
    assert reach_of_few == pytest.approx(reach / 2)


def test_certainty_stays_inside_zero_and_one():
    low, high = confidence_interval(1.0, [1.0, 1.0, 0.0], 60, 30)
    assert 0 < low < high <= 1


@pytest.mark.parametrize("resampled", [[], [0.9]])
def test_too_few_samples_give_no_interval(resampled):
    assert np.isnan(confidence_interval(0.9, resampled, 60, 30)).all()


@pytest.mark.parametrize("shape", [(31, 200), (40, 7), (300, 12)])
def test_half_samples_are_rows_of_the_ensemble(shape):
    values = np.random.default_rng(0).normal(size=shape)
    samples = list(half_samples(values, 5, 3))
    every = set(np.round(pdist(values), 9))
    for sample in samples:
        assert len(sample) == n_drawn(shape[0]) == min(shape[0] // 2, MOST_DRAWN)
        assert set(np.round(pdist(sample), 9)) <= every
    assert not np.array_equal(samples[0], samples[1])
    again = list(half_samples(values, 5, 2))
    assert all(np.array_equal(a, b) for a, b in zip(again, samples, strict=False))


def test_every_scale_samples_the_same_traces():
    values = np.random.default_rng(0).normal(size=(40, 30))
    (fine,), (coarse,) = half_samples(values, 1, 1), half_samples(3 * values[:, :50], 1, 1)
    assert pdist(coarse) == pytest.approx(3 * pdist(fine))


def study_of(n_traces, **decision):
    values = 50 * three_shapes(n_traces, 400, 0.1)[0]
    settings = Settings(
        device="cpu",
        preprocess={"scales": ["raw", "W4", "W8"]},
        sweep={"k_max": 6, "n_epochs": 12},
        decision={"n_resamples": 12} | decision,
    )
    return run_study(Traces.without_place(values, 0.1), settings)


def test_a_study_gives_its_confidence_an_interval():
    decision = study_of(60).decision
    low, high = decision.confidence_ci95
    assert decision.k_opt == 3
    assert 0 < low <= decision.confidence <= high < 1


@pytest.mark.parametrize(
    ("n_traces", "decision"), [(60, {"n_resamples": 0}), (60, {"rule": "paper"}), (12, {})]
)
def test_no_samples_no_interval(n_traces, decision):
    assert np.isnan(study_of(n_traces, **decision).decision.confidence_ci95).all()
