"""The images that the fits of shapes are judged on."""

import numpy as np
import pytest
from scipy.special import erf, gamma

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import render_coverage, simulate_shapes


@pytest.mark.parametrize("p", [0.8, 2.0, 5.0])
def test_the_area_is_that_of_a_lame_curve(p):
    shape = SuperEllipse(24.3, 23.8, 20.0, 2, p, 1.6, 0.3)
    exact = 4 * 20 * 20 / 1.6 * gamma(1 + 1 / p) ** 2 / gamma(1 + 2 / p)
    assert render_coverage(shape, (48, 48)).sum() == pytest.approx(exact, rel=2e-3)


def test_a_straight_edge_is_blurred_by_the_psf():
    """The middle of one side of a large square, against the error function."""
    square = SuperEllipse(40.0, 40.0, 30.0, 2, 500.0)
    profile = render_coverage(square, (81, 81), 1.2)[40, 60:81]
    fine = np.linspace(-0.5, 0.5, 201)
    at = np.arange(60, 81)[:, None] + fine
    exact = 0.5 * (1 - erf((at - 70.0) / (1.2 * np.sqrt(2)))).mean(axis=1)
    np.testing.assert_allclose(profile, exact, atol=2e-3)


def test_labels_truth_and_noise_agree():
    made = simulate_shapes(n_shapes=5, contrast_to_noise=7, seed=2)
    for number, shape in enumerate(made.shapes, start=1):
        assert made.labels[round(shape.row), round(shape.column)] == number
    again = simulate_shapes(n_shapes=5, contrast_to_noise=7, seed=2)
    assert np.array_equal(made.image, again.image)
    empty = made.image[made.labels == 0]
    assert np.median(np.abs(empty - np.median(empty))) * 1.4826 == pytest.approx(600 / 7, rel=0.05)


@pytest.mark.parametrize(
    "wrong", [{"p_range": (3, 1)}, {"d_range": (0, 3)}, {"n_shapes": 0}, {"poisson_share": 2}]
)
def test_wrong_recipes_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        simulate_shapes(**wrong)
