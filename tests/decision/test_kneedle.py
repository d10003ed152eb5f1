"""Our Kneedle finds what the package kneed finds."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from umlpsd_gpu.decision.kneedle import find_knee

kneed = pytest.importorskip("kneed")
HEIGHTS = st.integers(0, 1000).map(float) | st.floats(0, 1e6)
CURVES = arrays.arrays("f8", st.integers(3, 16), elements=HEIGHTS)


def knee_by_package(x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        knee = kneed.KneeLocator(x, y, curve="convex", direction="decreasing").knee
    return None if knee is None else int(np.flatnonzero(x == knee)[0])


@given(
    y=CURVES, steps=arrays.arrays("i8", 16, elements=st.integers(1, 3)), is_falling=st.booleans()
)
def test_knees_are_those_of_kneed(y, steps, is_falling):
    y = np.sort(y)[::-1].copy() if is_falling else y
    x = np.cumsum(steps)[: len(y)]
    if y[0] > y[-1]:
        assert find_knee(x, y) == knee_by_package(x, y)


def test_falling_curves_of_any_bend():
    found = set()
    for power in np.linspace(0.05, 8, 60):
        x = np.arange(1, 16)
        y = 1000.0 * x**-power
        found.add(find_knee(x, y))
        assert find_knee(x, y) == knee_by_package(x, y)
    assert len(found) > 3
    straight = np.arange(15.0)[::-1]
    assert find_knee(np.arange(15), straight) == knee_by_package(np.arange(15), straight)
