"""Spectral lines: found at their frequency, and not where there are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.simulate.traces import simulate_traces
from umlpsd_gpu.spectrum.lines import find_line
from umlpsd_gpu.traces.traces import Traces

DT_S = 0.03


def pink(n_traces=6, n_frames=2048, beta=1.0, seed=0):
    return simulate_power_law_noise(beta, n_traces=n_traces, n_frames=n_frames, seed=seed).values


@settings(max_examples=25, deadline=None)
@given(
    f_hz=st.floats(1.0, 15.5),
    height=st.floats(0.8, 3),
    beta=st.sampled_from([0.0, 0.7, 1.0, 1.5]),
    n_traces=st.integers(1, 8),
    seed=st.integers(0, 99),
    phases=st.booleans(),
)
def test_a_line_is_found_at_its_frequency(f_hz, height, beta, n_traces, seed, phases):
    noise = pink(n_traces, beta=beta, seed=seed)
    time_s = DT_S * np.arange(noise.shape[1])
    shift = np.arange(n_traces)[:, None] if phases else 0.0
    line = height * noise.std() * np.sin(2 * np.pi * f_hz * time_s + shift)
    found = find_line(Traces.without_place(noise + line, DT_S))
    assert found is not None
    assert found.f_hz == pytest.approx(f_hz, abs=0.5 / time_s[-1])
    assert found.n_examined == n_traces


@settings(max_examples=40, deadline=None)
@given(
    beta=st.floats(0, 3),
    n_traces=st.integers(1, 20),
    n_frames=st.sampled_from([303, 1000, 4000]),
    seed=st.integers(0, 9999),
)
def test_noise_has_no_line(beta, n_traces, n_frames, seed):
    assert find_line(Traces.without_place(pink(n_traces, n_frames, beta, seed), DT_S)) is None


@pytest.mark.parametrize("name", ["PEB", "PBB", "TSB"])
@pytest.mark.parametrize("seed", range(4))
def test_blinking_has_no_line(name, seed):
    assert find_line(simulate_traces({name: 10}, n_frames=1500, seed=seed).traces) is None


def test_curves_without_a_spectrum():
    time_s = DT_S * np.arange(2000)
    assert find_line(Traces.without_place(np.exp(-time_s / 5)[None], DT_S)) is None
    assert find_line(Traces.without_place((time_s == time_s[100])[None] * 1.0, DT_S)) is None
    assert find_line(Traces.without_place(np.ones((3, 2000)), DT_S)) is None
    assert find_line(Traces.without_place(pink(3, 40), DT_S)) is None


def test_a_long_trace_is_looked_at_in_its_middle():
    n = 300_000
    noise = np.random.default_rng(0).normal(size=(1, n)) + np.sin(2 * np.pi * 0.123 * np.arange(n))
    assert find_line(Traces.without_place(noise, 1.0)).f_hz == pytest.approx(0.123, abs=1e-5)
