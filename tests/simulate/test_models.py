"""Models with a known exponent: their spectra fall as theory says."""

import numpy as np
import pytest
from scipy.signal import welch

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.models import (
    simulate_mrc,
    simulate_power_law_noise,
    simulate_telegraph,
)


def mean_exponent(traces, nperseg, highest=0.3):
    """Slope of the ensemble-mean Welch spectrum on log-spaced frequencies."""
    freqs_hz, psd = welch(traces.values, 1 / traces.dt_s, nperseg=nperseg, axis=1)
    decades = np.geomspace(freqs_hz[3], highest * freqs_hz[-1], 25)
    log_psd = np.interp(np.log(decades), np.log(freqs_hz[1:]), np.log(psd.mean(axis=0)[1:]))
    return -np.polyfit(np.log(decades), log_psd, 1)[0]


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 1.5])
def test_noise_has_its_exponent(beta):
    traces = simulate_power_law_noise(beta, n_traces=60, n_frames=4096, seed=1)
    assert mean_exponent(traces, 1024) == pytest.approx(beta, abs=0.06)


def test_noise_ends_do_not_meet():
    values = simulate_power_law_noise(1.5, n_traces=200, n_frames=500).values
    jump_home = np.abs(values[:, -1] - values[:, 0]).mean()
    jump_next = np.abs(np.diff(values, axis=1)).mean()
    assert jump_home > 3 * jump_next


@pytest.mark.parametrize("dwell_exponent", [1.5, 2.0, 2.5])
def test_telegraph_falls_as_three_minus_m(dwell_exponent):
    traces = simulate_telegraph(dwell_exponent, n_traces=100, seed=2)
    # near the shortest dwell, one frame, the law bends
    exponent = mean_exponent(traces, 4096, highest=0.05)
    assert exponent == pytest.approx(3 - dwell_exponent, abs=0.2)


def test_mrc_exponent_follows_the_range_of_rates():
    slow, wide, fast = (
        mean_exponent(simulate_mrc(60, rates_hz=rates_hz, seed=3), 4096)
        for rates_hz in ((1e-3, 0.3), (1e-3, 30.0), (3.0, 300.0))
    )
    assert slow == pytest.approx(1.8, abs=0.2)
    assert wide == pytest.approx(1.05, abs=0.15)
    assert fast == pytest.approx(0.3, abs=0.15)


def test_mrc_yields_are_probabilities():
    values = simulate_mrc(5, 1000).values
    assert values.min() > 0
    assert values.max() <= 1


def test_a_trace_does_not_depend_on_how_many_follow():
    for simulate in (simulate_mrc, lambda n: simulate_power_law_noise(1.0, n)):
        assert np.array_equal(simulate(2).values, simulate(5).values[:2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate_mrc(rates_hz=(1.0, 0.1)), "rates_hz must be above 0 and in rising order"),
        (lambda: simulate_mrc(n_centres=0), "n_centres must be above 0, got 0"),
        (lambda: simulate_power_law_noise(-1.0), "beta must be 0 or above"),
        (lambda: simulate_power_law_noise(1.0, n_frames=0), "n_frames must be above 0"),
        (lambda: simulate_telegraph(1.5, n_frames=1), "shortest must be above 0"),
    ],
)
def test_bad_numbers_are_refused(call, message):
    with pytest.raises(SettingsError, match=message):
        call()
