"""Fits to pixels against simulated particles, whose images are made in another way."""

import numpy as np
import pytest

from tests.shapes.shapes_of_tests import clean_image, easy_shapes
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.noise import estimate_noise, known_noise
from umlpsd_gpu.shapes.pixel_fit import fit_shapes
from umlpsd_gpu.shapes.pixel_model import blur_table, pixel_sums
from umlpsd_gpu.shapes.psf import estimate_psf
from umlpsd_gpu.shapes.shape_fits import ShapeFits
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import simulate_shapes


@pytest.fixture(scope="module")
def fits():
    made = easy_shapes()
    return fit_shapes(made.image, made.labels, psf_px=made.recipe.psf_px)


def truth(name):
    return np.array([getattr(shape, name) for shape in easy_shapes().shapes])


def test_known_shapes_are_found(fits):
    assert np.array_equal(fits.d, truth("d"))
    assert np.median(np.abs(np.log(fits.p / truth("p")))) < 0.03
    assert np.median(np.abs(np.log(fits.l_ratio / truth("l_ratio")))) < 0.01
    np.testing.assert_allclose(fits.size_px, truth("size_px"), rtol=0.02)
    np.testing.assert_allclose(fits.row, truth("row"), atol=0.25)
    np.testing.assert_allclose(fits.contrast, -600, rtol=0.03)
    turn = (fits.phase_rad - truth("phase_rad")) * fits.d
    np.testing.assert_allclose(np.cos(turn), 1.0, atol=0.01)
    assert set(fits.outcome) == {"super-ellipse"}
    assert fits.jaccard.min() > 0.96
    assert np.mean(fits.chi2_per_px) == pytest.approx(1.0, abs=0.03)
    assert fits.shape(0).d == truth("d")[0]


def test_intervals_hold_the_truth(fits):
    """72 intervals of 95 %: fewer than 61 with a probability of 1e-4."""
    pairs = (
        (fits.ln_p_interval, np.log(truth("p"))),
        (fits.ln_l_interval, np.log(truth("l_ratio"))),
        (fits.size_px_interval, truth("size_px")),
    )
    n_held = sum(np.sum((low.T[0] <= true) & (true <= low.T[1])) for low, true in pairs)
    assert n_held >= 61


def test_without_compiled_code_the_result_is_the_same(fits):
    made = easy_shapes()
    found = fit_shapes(made.image, made.labels, psf_px=0.8, sums=pixel_sums)
    for name in ShapeFits.__dataclass_fields__:
        ours, theirs = getattr(found, name), getattr(fits, name)
        if np.asarray(ours).dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)
        else:
            assert np.array_equal(ours, theirs)


def test_the_psf_is_found():
    made = easy_shapes()
    assert estimate_psf(made.image, made.labels) == pytest.approx(0.8, abs=0.06)


def test_circles_have_one_form():
    made = simulate_shapes(
        n_shapes=8, d_range=(1, 6), p_range=(2, 2), l_range=(1, 1), diameter_px_range=(24, 40)
    )
    found = fit_shapes(made.image, made.labels, psf_px=0.8)
    assert np.sum(found.outcome == "circle") >= 7
    circle = found.outcome == "circle"
    forms = np.stack([found.d, found.p, found.l_ratio, found.phase_rad], axis=1)[circle]
    np.testing.assert_allclose(forms, [[2, 2, 1, 0]] * len(forms), atol=1e-12)
    assert np.isnan(found.ln_p_interval[circle]).all()
    true = np.array([shape.size_px for shape in made.shapes])
    np.testing.assert_allclose(found.size_px, true, atol=0.1)


@pytest.mark.parametrize("as_p_of_one", [True, False])
def test_a_sharp_square_has_one_form(as_p_of_one):
    """Written with p = 1 or with p of infinity, 45° apart."""
    square = (
        SuperEllipse(31.2, 31.4, 20.0, 2, 1.0, 1.0, 0.3)
        if as_p_of_one
        else SuperEllipse(31.2, 31.4, 20.0 / np.sqrt(2), 2, 5000.0, 1.0, 0.3 + np.pi / 4)
    )
    image, labels = clean_image(square)
    noisy = image + 0.1 * np.random.default_rng(0).standard_normal(image.shape)
    found = fit_shapes(noisy, labels, psf_px=0.8)
    assert found.d[0] == 2
    assert found.p[0] == pytest.approx(1.0, abs=0.05)
    assert found.l_ratio[0] == pytest.approx(1.0, abs=0.02)
    assert found.size_px[0] == pytest.approx(20.0, abs=0.4)


def test_squares_and_ellipses_are_plain():
    """A curve with another d would fit nearly as well."""
    for d, p, l_ratio, least in ((2, 6.0, 1.0, 13), (2, 2.0, 1.5, 13)):
        made = simulate_shapes(
            n_shapes=15,
            d_range=(d, d),
            p_range=(p, p),
            l_range=(l_ratio, l_ratio),
            diameter_px_range=(26.0, 40.0),
        )
        found = fit_shapes(made.image, made.labels, psf_px=0.8)
        assert np.sum(found.d == d) >= least
        right = found.d == d
        assert np.median(found.p[right]) == pytest.approx(p, rel=0.1)


def test_sharp_corners_give_a_lower_bound():
    image, labels = clean_image(SuperEllipse(31.2, 31.4, 9.0, 2, 40.0, 1.6, 0.3))
    noisy = image + 0.15 * np.random.default_rng(1).standard_normal(image.shape)
    found = fit_shapes(noisy, labels, psf_px=0.8)
    assert found.p_is_lower_bound[0]
    assert np.exp(found.ln_p_interval[0, 0]) < 40


def test_what_is_no_super_ellipse_is_irregular():
    labels = np.zeros((64, 64), dtype=int)
    labels[10:50, 10:20] = labels[10:20, 10:50] = labels[40:50, 10:50] = 1
    noise = np.random.default_rng(0).standard_normal(labels.shape)
    found = fit_shapes(100.0 * labels + 5 * noise, labels, psf_px=0.5)
    assert found.outcome[0] == "irregular"


def test_equal_images_in_other_units_and_places_give_equal_shapes():
    made = easy_shapes()
    part = slice(0, 66)
    image, labels = made.image[part, part], made.labels[part, part]
    one = fit_shapes(image, labels, psf_px=0.8)
    other = fit_shapes(7 - 3 * np.rot90(image), np.rot90(labels) * 5, psf_px=0.8)
    assert other.labels[0] == 5 * one.labels[0]
    assert other.d[0] == one.d[0]
    for name, rtol in (("p", 2e-2), ("l_ratio", 2e-3), ("size_px", 2e-3), ("chi2_per_px", 1e-2)):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=rtol)
    turned = other.phase_rad[0] - one.phase_rad[0] - np.pi / 2
    assert np.cos(one.d[0] * turned) == pytest.approx(1.0, abs=0.01)


def test_noise_is_estimated():
    made = easy_shapes()
    found = estimate_noise(made.image, made.labels)
    # contrast 600, contrast to noise 12, half of it Poisson noise at a background of 1,500
    for level, share in ((1500.0, 1.0), (900.0, 0.8)):
        variance = found.variance(np.full((5, 5), level))
        np.testing.assert_allclose(variance, share * 50**2, rtol=0.15)


def test_odd_input():
    empty = fit_shapes(np.zeros((20, 20)), np.zeros((20, 20), int))
    assert len(empty) == 0
    rng = np.random.default_rng(2)
    labels = np.zeros((40, 40), dtype=int)
    labels[3, 3], labels[0:6, 20:30], labels[20:32, 20:32], labels[10:12, 5:30] = 1, 2, 3, 9
    image = rng.standard_normal(labels.shape) + 10 * (labels > 0)
    image[25, 25], image[:, 39] = np.nan, np.nan
    found = fit_shapes(image, labels)
    assert found.labels.tolist() == [1, 2, 3, 9]
    assert np.isfinite(found.size_px).all()
    flat = fit_shapes(np.ones((40, 40)), labels, psf_px=0.8)
    assert len(flat) == 4
    assert len(cut_crops(image, labels)) == 4


def test_wrong_arguments_are_refused():
    with pytest.raises(SettingsError, match="psf_px"):
        blur_table(0.0)
    with pytest.raises(SettingsError, match="noise"):
        known_noise(-1)
    with pytest.raises(SettingsError, match="no particle"):
        estimate_psf(np.zeros((9, 9)), np.zeros((9, 9), int))
    with pytest.raises(SettingsError, match="triples"):
        estimate_noise(np.zeros((3, 3)), np.zeros((3, 3), int))
