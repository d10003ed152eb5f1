"""Curves of many samples look the same when only their extremes are drawn."""

import numpy as np
import pytest

from umlpsd_gpu.plotting.decimate import (
    decimate_band,
    decimate_line,
    decimate_rows,
    mean_and_sd,
    squared_distances,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [160, 801, 1000, 12_345])
def test_extremes_of_every_column_are_kept(n):
    y = RNG.normal(size=n)
    x, kept = decimate_line(np.arange(n), y, n_columns=20)
    assert (y[x] == kept).all()
    assert (np.diff(x) >= 0).all()
    assert len(kept) <= max(160, 42)
    assert kept.min() == y.min()
    assert kept.max() == y.max()
    if n > 160:
        width = -(-n // 20)
        for start in range(0, n, width):
            inside = (x >= start) & (x < start + width)
            part = y[start : start + width]
            assert set(kept[inside]) == {part.min(), part.max()}


def test_gaps_stay_gaps():
    y = RNG.normal(size=1000)
    y[100:400] = np.nan
    x, kept = decimate_line(np.arange(1000), y, n_columns=20)
    assert np.isnan(kept[(x >= 100) & (x < 400)]).all()
    assert np.nanmax(kept) == np.nanmax(y)


def test_bands_and_images():
    low, high = np.sort(RNG.normal(size=(2, 1003)), axis=0)
    x, a, b = decimate_band(np.arange(1003), low, high, n_columns=10)
    assert len(x) == 10
    assert (a.min(), b.max()) == (low.min(), high.max())
    rows = RNG.normal(size=(5, 1000))
    assert decimate_rows(rows, np.array([4, 0]), 10) == pytest.approx(
        rows[[4, 0]].reshape(2, 10, 100).mean(axis=2)
    )
    assert np.array_equal(decimate_rows(rows, np.array([4, 0]), 500), rows[[4, 0]])
    mean, sd = mean_and_sd(rows, np.array([1, 2, 3]))
    assert mean == pytest.approx(rows[1:4].mean(axis=0))
    assert sd == pytest.approx(rows[1:4].std(axis=0))


@pytest.mark.parametrize("n_samples", [10, 300_000])
def test_distances_to_the_mean(n_samples):
    rows = RNG.normal(size=(4, n_samples))
    mean = rows.mean(axis=0)
    expected = ((rows[[3, 1]] - mean) ** 2).sum(axis=1)
    assert squared_distances(rows, np.array([3, 1]), mean) == pytest.approx(expected)
