"""Thinned curves and images keep what can be seen: extremes of columns, means of squares."""

import numpy as np
import pytest

from umlpsd_gpu.explorer import thinning
from umlpsd_gpu.explorer.thinning import thin_curves, thin_image


@pytest.mark.parametrize("n", [101, 640, 1000])
def test_columns_hold_the_extremes(n):
    rng = np.random.default_rng(n)
    x, y = np.arange(n) * 0.1, rng.normal(size=(3, n))
    y[1, 7:20] = np.nan
    kept_x, kept = thin_curves(x, y, 50)
    for row in range(3):
        for column in range(50):
            part = y[row, column * n // 50 : (column + 1) * n // 50]
            expected = (np.nanmin(part), np.nanmax(part)) if np.isfinite(part).any() else np.nan
            np.testing.assert_array_equal(kept[row, 2 * column : 2 * column + 2], expected)
    assert (np.diff(kept_x) > 0).all()
    assert x[0] <= kept_x[0]
    assert kept_x[-1] <= x[-1]


def test_short_curves_stay():
    x, y = np.arange(100.0), np.ones((2, 100))
    assert thin_curves(x, y, 50) == (x, y)


def test_logarithmic_columns_are_even_on_their_axis():
    x = np.arange(1.0, 5001)
    kept_x, kept = thin_curves(x, x[None] ** -1.5, 40, is_log=True)
    assert kept.max() == 1
    assert kept.min() == 5000**-1.5
    # single estimates at low frequencies, then columns of equal width
    widths = np.diff(np.log10(kept_x[-40:]))
    np.testing.assert_allclose(widths, widths.mean(), rtol=0.15)


def test_images_are_averaged_until_they_are_small_enough(monkeypatch):
    monkeypatch.setattr(thinning, "MOST_PIXELS", 12)
    image = np.arange(35.0).reshape(5, 7)
    image[0, 0] = np.nan
    thinned, width = thin_image(image)
    assert width == 2
    assert thinned.shape == (3, 4)
    assert thinned[0, 0] == np.mean([1.0, 7, 8])
    assert thinned[2, 3] == 34
    same, width = thin_image(image[:3, :4])
    assert width == 1
    assert np.shares_memory(same, image)
