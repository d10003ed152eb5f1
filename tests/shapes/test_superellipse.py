"""The outline of a nanocrystal as equation 1 of the paper."""

import numpy as np
import pytest

from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii

ANGLES = np.linspace(0, 2 * np.pi, 721)


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_p_of_two_without_elongation_is_a_circle(d):
    shape = SuperEllipse(0, 0, 17.0, d, 2.0, 1.0, 0.4)
    np.testing.assert_allclose(radii(shape, ANGLES), 17.0, rtol=1e-12)


def test_p_of_one_and_two_pairs_of_corners_is_a_square():
    found = radii(SuperEllipse(0, 0, 10.0, 2, 1.0), ANGLES)
    x, y = found * np.cos(ANGLES), found * np.sin(ANGLES)
    np.testing.assert_allclose(np.abs(x) + np.abs(y), 10.0, rtol=1e-12)


def test_it_is_equation_1():
    shape = SuperEllipse(0, 0, 10.0, 3, 3.7, 1.8, 0.3)
    half = 1.5 * (ANGLES + 0.3)
    direct = (np.abs(1.8 * np.cos(half)) ** 3.7 + np.abs(np.sin(half)) ** 3.7) ** (-1 / 3.7)
    np.testing.assert_allclose(radii(shape, ANGLES), 10 * direct, rtol=1e-12)


def test_large_exponents_do_not_overflow():
    found = radii(SuperEllipse(0, 0, 10.0, 2, 1e4, 3.0), ANGLES)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.min(), 10 / 3, rtol=1e-4)
