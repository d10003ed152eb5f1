"""Decisions during a recording, and when the data are enough."""

import numpy as np
import pytest

from tests.live.helpers import LIVE, QUICK
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.live.decisions import Decisions, decide_on, describe, quick_settings
from umlpsd_gpu.live.snapshot import Decided
from umlpsd_gpu.simulate.traces import simulate_traces


def decided(n_frames, k, confidence=0.9):
    return Decided(n_frames, k, confidence, (5,) * k, (1.0,) * k, (0.1,) * k)


def hint_of(*history, dt_s=0.1):
    decisions = Decisions(enough_s=60.0)
    decisions.history = history
    return decisions.hint(dt_s)


def test_a_decision_that_stays_is_enough():
    changed = decided(100, 2)
    stable = [decided(n, 3) for n in (200, 500, 800)]
    assert hint_of(changed, *stable) == (
        "enough data: the decision, K = 3 with a probability of 90 %, has not changed for 60 s"
    )
    assert not hint_of()
    assert not hint_of(changed, *stable[:2])  # too short
    assert not hint_of(*stable, decided(900, 2))  # just changed
    assert not hint_of(stable[0], stable[2])  # too few
    assert not hint_of(stable[0], decided(500, 3, 0.4), decided(600, 3), decided(800, 3))
    assert not hint_of(*stable, dt_s=0.05)  # frames twice as fast are half of the time


def test_a_decision_is_that_of_a_study_with_lighter_settings():
    traces = simulate_traces({"PEB": 10, "PBB": 10}, n_frames=1000).traces
    calls = []
    outcome = decide_on(traces, 1000, quick_settings(QUICK, LIVE), lambda *a: calls.append(a))
    study = outcome.study
    assert calls
    assert study.settings.preprocess.scales == ("W10",)
    assert study.settings.sweep.k_max == 3
    found = describe(study, 1000)
    assert found.k == study.decision.k_opt
    assert sum(found.sizes) == 20
    assert len(found.sizes) == len(found.betas) == len(found.beta_errors) == found.k
    means = [study.fit.beta[study.labels == i + 1].mean() for i in range(found.k)]
    np.testing.assert_allclose(found.betas, means, rtol=1e-12)


def test_a_decision_on_the_device_is_that_of_the_cpu(on_cpu):
    traces = simulate_traces({"PEB": 10, "PBB": 10}, n_frames=1000).traces
    settings = quick_settings(QUICK, LIVE)
    ours, theirs = (
        decide_on(traces, 1000, settings.with_values({"device": device}), lambda *a: None).study
        for device in ("gpu", "cpu")
    )
    assert ours.device == "gpu"
    assert ours.decision.k_opt == theirs.decision.k_opt
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    np.testing.assert_allclose(ours.fit.beta, theirs.fit.beta, rtol=1e-6)


def test_too_few_frames_are_told():
    traces = simulate_traces({"PEB": 5}, n_frames=30).traces
    with pytest.raises(TracesError, match="30 frames are too few for a decision yet"):
        decide_on(traces, 30, quick_settings(QUICK, LIVE), lambda *a: None)
