"""Fits to outlines: derivatives, equal curves, and shapes that are known."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from tests.shapes.shapes_of_tests import easy_shapes
from umlpsd_gpu.shapes.contour_fit import _residual_sums, fit_contours
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.family import canonical, radii_and_slopes
from umlpsd_gpu.shapes.least_squares import Sums, covariances, minimise
from umlpsd_gpu.shapes.outline import angles_rad, find_outlines
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii

ANGLES = angles_rad(97) + 0.013


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_are_those_of_differences(seed):
    rng = np.random.default_rng(seed)
    d, ln_p, ln_l = rng.integers(1, 7), rng.uniform(-0.4, 3), rng.uniform(-1, 1)
    half, step = d / 2 * ANGLES, 1e-6
    _, by_ln_p, by_ln_l, by_half = radii_and_slopes(half, ln_p, ln_l)
    for found, shift in ((by_half, (1, 0, 0)), (by_ln_p, (0, 1, 0)), (by_ln_l, (0, 0, 1))):
        moved = step * np.array(shift)
        above, below = (
            radii_and_slopes(half + sign * moved[0], ln_p + sign * moved[1], ln_l + sign * moved[2])
            for sign in (1, -1)
        )
        assert np.median(np.abs(found - (above[0] - below[0]) / (2 * step))) < 1e-7


def test_the_canonical_form_is_the_same_curve():
    rng = np.random.default_rng(3)
    for d in range(1, 7):
        ln_size, ln_p, ln_l, phase = rng.uniform([2, -0.3, -1, -9], [3, 2.5, 0, 9])
        before = np.array([[4.0, 5.0, ln_size, ln_p, ln_l, phase]])
        after = canonical(before, np.array([d]))[0]
        curves = [
            np.exp(row[2] + radii_and_slopes(d / 2 * (ANGLES + row[5]), row[3], row[4])[0])
            for row in (before[0], after)
        ]
        np.testing.assert_allclose(*curves, rtol=1e-9)
        assert after[4] >= 0
        assert 0 <= after[5] < 2 * np.pi / d
        shape = SuperEllipse(4, 5, *np.exp(after[2:3]), d, *np.exp(after[3:5]), after[5])
        np.testing.assert_allclose(radii(shape, ANGLES), curves[0], rtol=1e-9)


def test_known_shapes_are_found():
    made = easy_shapes()
    outlines = find_outlines(cut_crops(made.image, made.labels))
    found = fit_contours(outlines)
    d, size, p, l_ratio = (
        np.array([getattr(shape, name) for shape in made.shapes])
        for name in ("d", "size_px", "p", "l_ratio")
    )
    assert np.array_equal(found.d, d)
    parameters = canonical(found.parameters, found.d)
    np.testing.assert_allclose(np.exp(parameters[:, 4]), l_ratio, rtol=0.06)
    np.testing.assert_allclose(np.exp(parameters[:, 2]), size, rtol=0.06)
    assert np.median(np.abs(np.exp(parameters[:, 3]) / p - 1)) < 0.25  # rounded corners
    assert found.misfit_px.max() < 0.3


def test_gradients_are_those_of_chi2():
    made = easy_shapes()
    outlines = find_outlines(cut_crops(made.image, made.labels))
    fits = fit_contours(outlines)
    n = len(fits.d)
    evaluate = _residual_sums(outlines, np.arange(n), fits.d)
    start, every = fits.parameters + 0.02, np.arange(n)
    gradient = evaluate(start, every).gradient
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-6
        numeric = (evaluate(start + step, every).chi2 - evaluate(start - step, every).chi2) / 2e-6
        np.testing.assert_allclose(-2 * gradient[:, k], numeric, rtol=1e-4, atol=1e-4)


def rosenbrock(parameters, which):
    x, y = parameters.T
    residual = np.stack([10 * (y - x**2), 1 - x], axis=1)
    jacobian = np.zeros((len(x), 2, 2))
    jacobian[:, 0, 0], jacobian[:, 0, 1], jacobian[:, 1, 0] = -20 * x, 10, -1
    return Sums(
        np.square(residual).sum(axis=1),
        -np.einsum("nij,ni->nj", jacobian, residual),
        np.einsum("nij,nik->njk", jacobian, jacobian),
    )


def test_least_squares_find_the_minimum_that_scipy_finds():
    start = np.array([[-1.2, 1.0], [3.0, -2.0], [0.5, 0.5]])
    wide, step = np.full(2, np.inf), np.full(2, 10.0)
    found = minimise(rosenbrock, start, (-wide, wide), step, tolerance=1e-12, max_iter=200)
    assert found.is_converged.all()
    np.testing.assert_allclose(found.parameters, 1.0, atol=1e-5)
    alone = minimise(rosenbrock, start[1:2], (-wide, wide), step, tolerance=1e-12, max_iter=200)
    assert np.array_equal(alone.parameters[0], found.parameters[1])


def test_limits_and_fixed_parameters_are_kept():
    start = np.array([[-1.2, 1.0]])
    low, high = np.array([-2.0, -2.0]), np.array([0.8, 2.0])
    found = minimise(rosenbrock, start, (low, high), np.full(2, 1.0), tolerance=1e-12, max_iter=300)
    scipy = least_squares(
        lambda p: [10 * (p[1] - p[0] ** 2), 1 - p[0]], start[0], bounds=(low, high)
    )
    np.testing.assert_allclose(found.parameters[0], scipy.x, atol=1e-3)
    fixed = minimise(
        rosenbrock, start, (low, high), np.full(2, 1.0), is_free=np.array([[False, True]])
    )
    np.testing.assert_allclose(fixed.parameters[0], [-1.2, 1.44], atol=1e-3)


def test_covariances_are_inverses():
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((3, 9, 4)) * [1, 10, 100, 0.1]
    normal = np.einsum("nij,nik->njk", factor, factor)
    np.testing.assert_allclose(covariances(normal), np.linalg.inv(normal), rtol=1e-6)
    free = np.array([[True, False, True, True]] * 3)
    kept = np.ix_(range(3), [0, 2, 3], [0, 2, 3])
    found = covariances(normal, free)
    np.testing.assert_allclose(found[kept], np.linalg.inv(normal[kept]), rtol=1e-6)
    assert not found[:, 1].any()
