"""The interval of the confidence: known answers, half-samples, and what a study makes of them."""

from dataclasses import fields

import numpy as np
import pytest
from scipy.special import expit, logit

from tests.support.ensembles import three_shapes
from tests.support.tolerances import METRIC_RTOL
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.decision.confidence import confidence_interval
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.resamples import MOST_DRAWN, half_samples, n_drawn, sweep_samples
from umlpsd_gpu.kmeans.result import BY_EPOCH
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.traces.traces import Traces


def test_half_samples_that_scatter_give_their_scatter():
    resampled = expit(np.array([0.0, 1.0, 2.0, 3.0]))
    reach = 1.96 * np.std([0, 1, 2, 3], ddof=1) ** 0.5
    expected = expit(logit(0.8) + np.array([-reach, reach]))
    assert confidence_interval(0.8, resampled) == pytest.approx(tuple(expected))


def test_certainty_stays_inside_zero_and_one():
    low, high = confidence_interval(1.0, [1.0, 1.0, 0.0])
    assert 0 < low < high <= 1


@pytest.mark.parametrize("resampled", [[], [0.9]])
def test_too_few_samples_give_no_interval(resampled):
    assert np.isnan(confidence_interval(0.9, resampled)).all()


@pytest.mark.parametrize("n_traces", [31, 300])
def test_half_samples_are_distinct_traces_in_order(n_traces):
    samples = half_samples(n_traces, 5, 4)
    assert samples.shape == (4, n_drawn(n_traces)) == (4, min(n_traces // 2, MOST_DRAWN))
    assert (np.diff(samples, axis=1) > 0).all()
    assert samples.min() >= 0
    assert samples.max() < n_traces
    for pair in (samples[:2], samples[2:]):
        assert not np.intersect1d(*pair).size
    assert not np.array_equal(samples[0], samples[2])
    assert np.array_equal(half_samples(n_traces, 5, 2), samples[:2])


# pairs of all traces, and pairs within each sample
@pytest.mark.parametrize(("n_traces", "n_samples"), [(60, 4), (90, 2)])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_samples_are_swept_as_each_would_be_alone(n_traces, n_samples, metric):
    values = three_shapes(n_traces, 50, 0.3)[0]
    samples = half_samples(n_traces, 0, n_samples)
    options = SweepOptions(seed=4, n_epochs=9, silhouette_metric=metric)
    together = sweep_samples(values, samples, range(1, 5), options, scale="W8")
    for drawn, found in zip(samples, together, strict=True):
        alone = sweep(values[drawn], range(1, 5), 9, 4, "batched", metric, scale="W8")
        for name in (field.name for field in fields(alone)):
            got, expected = getattr(found, name), getattr(alone, name)
            if isinstance(expected, np.ndarray) and expected.dtype.kind == "f":
                assert got == pytest.approx(expected, rel=METRIC_RTOL, nan_ok=True), name
            else:
                assert np.array_equal(got, expected), name


def test_samples_have_the_same_bits_on_any_number_of_threads():
    values = three_shapes(90, 50, 0.3)[0]
    samples = half_samples(90, 0, 4)
    options = SweepOptions(seed=4, n_epochs=9)
    one, two = (
        sweep_samples(values, samples, range(1, 5), options, scale="W8", n_threads=n)
        for n in (1, 2)
    )
    for by_one, by_two in zip(one, two, strict=True):
        for name in ("labels", *BY_EPOCH):
            assert getattr(by_one, name).tobytes() == getattr(by_two, name).tobytes(), name


def test_a_sample_with_equal_traces_fills_its_empty_clusters():
    values = np.repeat(np.eye(6), 5, axis=0)
    samples = np.array([np.arange(10), np.arange(5, 15), np.arange(0, 30, 3)])
    together = sweep_samples(values, samples, [1, 2, 3, 4], SweepOptions(n_epochs=5), scale="raw")
    for drawn, found in zip(samples, together, strict=True):
        alone = sweep(values[drawn], [1, 2, 3, 4], 5, 0)
        assert np.array_equal(found.labels, alone.labels)
        assert found.ssd == pytest.approx(alone.ssd, abs=1e-12)


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


def test_less_trust_widens_the_interval():
    sure, unsure = (confidence_interval(0.8, [0.6, 0.7, 0.9], t) for t in (1.0, 0.5))
    assert logit(0.8) - logit(unsure[0]) == pytest.approx(2 * (logit(0.8) - logit(sure[0])))


@pytest.mark.parametrize(
    ("n_traces", "decision"), [(60, {"n_resamples": 0}), (60, {"rule": "paper"}), (7, {})]
)
def test_no_samples_no_interval(n_traces, decision):
    assert np.isnan(study_of(n_traces, **decision).decision.confidence_ci95).all()
