"""Two sweeps of the same matrix, one of them on a GPU."""

import numpy as np
import pytest

from umlpsd_gpu.kmeans.result import BY_EPOCH


def assert_sweeps_alike(found, expected):
    """The same partitions, and the same metrics up to the order of sums."""
    assert np.array_equal(found.k_values, expected.k_values)
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.n_iterations, expected.n_iterations)
    for name in BY_EPOCH:
        close = pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-9, nan_ok=True)
        assert getattr(found, name) == close, name
    assert np.array_equal(found.below_percent, expected.below_percent, equal_nan=True)
