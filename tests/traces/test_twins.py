"""Equal traces, and trends that all traces share."""

import numpy as np
import pytest

from umlpsd_gpu.traces.shared_trend import find_shared_trend
from umlpsd_gpu.traces.traces import Traces
from umlpsd_gpu.traces.twins import find_twins

NOISE = np.random.default_rng(0).normal(100, 5, (20, 1000))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint16])
def test_equal_traces(kind):
    values = np.vstack([NOISE, NOISE[[3, 7, 3]]]).astype(kind)
    assert find_twins(values, np.ones(23, dtype=bool)) == [(3, 20), (7, 21), (3, 22)]
    usable = np.ones(23, dtype=bool)
    usable[3] = False
    assert find_twins(values, usable) == [(7, 21), (20, 22)]


def test_axes_in_other_units_are_equal():
    times = 0.05 * np.arange(1000)
    values = np.vstack([NOISE, times, 1e3 * times, 7 + 1e6 * times])
    assert find_twins(values, np.ones(23, dtype=bool)) == [(20, 21), (20, 22)]


def test_traces_that_differ_in_one_frame():
    values = np.vstack([NOISE, NOISE[:1]])
    values[-1, 501] += 0.1
    assert find_twins(values, np.ones(21, dtype=bool)) == []


@pytest.mark.parametrize("height", [30, -30])
def test_a_shared_trend(height):
    found = find_shared_trend(Traces(NOISE + np.linspace(0, height, 1000), 0.1))
    assert found.is_rise == (height > 0)
    assert found.share == pytest.approx(30**2 / 12 / (30**2 / 12 + 25), rel=0.03)


def test_no_shared_trend():
    walks = np.cumsum(np.random.default_rng(1).normal(size=(20, 1000)), axis=1)
    ramps = np.linspace(0, 60, 1000) * np.where(np.arange(20) % 2, 1, -1)[:, None]
    for values in (NOISE, walks, NOISE + ramps, NOISE + np.linspace(0, 5, 1000)):
        assert find_shared_trend(Traces(values, 0.1)) is None
