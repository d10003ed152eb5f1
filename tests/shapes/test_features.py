"""Features of particles against shapes whose area and diameters are known."""

import numpy as np
import pytest
from scipy.special import ellipe

from tests.shapes.shapes_of_tests import clean_image
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.features import feret_diameters, particle_features
from umlpsd_gpu.shapes.noise import known_noise
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import simulate_shapes


def brute_feret(polygon):
    """Widths in 3,600 directions."""
    angle = np.linspace(0, np.pi, 3600, endpoint=False)
    along = polygon @ np.stack([np.sin(angle), np.cos(angle)])
    return np.ptp(along, axis=0).max(), np.ptp(along, axis=0).min()


def test_feret_diameters_are_those_of_calipers():
    rng = np.random.default_rng(1)
    for _ in range(10):
        polygon = rng.standard_normal((30, 2)) * [1.0, 2.5]
        largest, smallest, hull_area = feret_diameters(polygon)
        np.testing.assert_allclose([largest, smallest], brute_feret(polygon), rtol=2e-3)
        assert 0 < hull_area <= largest * smallest
    square = np.array([[0, 0], [0, 4], [4, 4], [4, 0], [0, 0.0]])
    np.testing.assert_allclose(feret_diameters(square), [4 * np.sqrt(2), 4, 16])
    assert feret_diameters(np.array([[0, 0], [3, 4.0], [0, 0]])) == (5, 0, 0)


@pytest.mark.parametrize("nm_per_px", [1.0, 0.25])
def test_an_ellipse_has_the_features_of_an_ellipse(nm_per_px):
    a, b = 24.0, 16.0
    image, labels = clean_image(SuperEllipse(31.3, 30.6, a, 2, 2.0, a / b, 0.7), psf_px=0.8)
    noise = known_noise(0.01)
    found = {
        name: values[0]
        for name, values in particle_features(image, labels, nm_per_px, noise=noise).items()
    }
    scale, perimeter = nm_per_px, 4 * a * ellipe(1 - (b / a) ** 2)
    # the major axis is where the cosine of θ + 0.7 vanishes
    half_box = [np.hypot(a * np.cos(turn), b * np.sin(turn)) for turn in (0.7, 0.7 - np.pi / 2)]
    expected = {
        "area_nm2": np.pi * a * b * scale**2,
        "area_of_mask_nm2": np.pi * a * b * scale**2,
        "equivalent_diameter_nm": 2 * np.sqrt(a * b) * scale,
        "major_axis_nm": 2 * a * scale,
        "minor_axis_nm": 2 * b * scale,
        "aspect_ratio": a / b,
        "eccentricity": np.sqrt(1 - (b / a) ** 2),
        "feret_max_nm": 2 * a * scale,
        "feret_min_nm": 2 * b * scale,
        "feret_ratio": b / a,
        "solidity": 1.0,
        "circularity": 4 * np.pi * np.pi * a * b / perimeter**2,
        "perimeter_polygon_nm": perimeter * scale,
        "convex_area_nm2": np.pi * a * b * scale**2,
        "extent": np.pi * a * b / (4 * np.prod(half_box)),
        "perimeter_crofton_nm": perimeter * scale,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=0.02), name
    assert found["area_nm2"] == pytest.approx(expected["area_nm2"], rel=1e-3)
    assert found["label"] == 1


def test_stated_uncertainties_are_those_of_repetitions():
    made = simulate_shapes(
        n_shapes=64,
        d_range=(2, 2),
        p_range=(2.0, 2.0),
        l_range=(1.3, 1.3),
        diameter_px_range=(30.0, 30.0),
        seed=3,
    )
    found = particle_features(made.image, made.labels, 0.5)
    for name, unit in (("area", "_nm2"), ("equivalent_diameter", "_nm")):
        stated = np.median(found[f"{name}_sd{unit}"])
        # 64 repetitions know their scatter to 9 %
        assert stated == pytest.approx(found[name + unit].std(), rel=0.3)
    for name in ("feret_max", "feret_min"):
        stated = np.median(found[f"{name}_sd_nm"])
        assert found[f"{name}_nm"].std() < stated < 3 * found[f"{name}_nm"].std()


def test_no_particle_gives_an_empty_table():
    found = particle_features(np.zeros((9, 9)), np.zeros((9, 9), int), 1.0)
    assert {len(values) for values in found.values()} == {0}


@pytest.mark.parametrize("wrong", [0, -1, np.nan])
def test_wrong_pixel_sizes_are_refused(wrong):
    with pytest.raises(SettingsError, match="nm_per_px"):
        particle_features(np.zeros((9, 9)), np.zeros((9, 9), int), wrong)
