"""Crops and outlines against shapes whose outline is known."""

import numpy as np
import pytest

from tests.shapes.shapes_of_tests import clean_image
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.outline import angles_rad, centroid, find_outlines, polygon_area
from umlpsd_gpu.shapes.superellipse import SuperEllipse, radii


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_outline_of_an_ellipse_is_within_a_fortieth_of_a_pixel(polarity):
    shape = SuperEllipse(31.2, 30.7, 24.0, 2, 2.0, 1.5, 0.4)
    image, labels = clean_image(shape, psf_px=0.8)
    found = find_outlines(cut_crops(100 + polarity * 50 * image, labels, 8))
    np.testing.assert_allclose(found.centres[0], [31.2, 30.7], atol=0.01)
    # half levels and the smoothing move curved edges by (0.8² + 0.7² + 1/12) / 2 r
    np.testing.assert_allclose(found.radii[0], radii(shape, angles_rad()), atol=0.08)
    assert abs(np.mean(found.radii[0] - radii(shape, angles_rad()))) < 0.04
    assert found.is_star_shaped[0]
    assert found.contrast[0] == pytest.approx(polarity * 50, rel=0.01)
    assert found.background[0] == pytest.approx(100, abs=0.1)


def test_what_is_not_star_shaped_is_flagged():
    labels = np.zeros((60, 60), dtype=int)
    labels[10:50, 10:20] = labels[10:20, 10:50] = labels[40:50, 10:50] = 1
    found = find_outlines(cut_crops(labels.astype(float), labels))
    assert not found.is_star_shaped[0]
    assert polygon_area(found.polygons[0]) == pytest.approx(labels.sum(), rel=0.01)


def test_a_neighbour_is_left_out():
    image, labels = np.zeros((40, 60)), np.zeros((40, 60), dtype=int)
    labels[10:30, 10:28], labels[10:30, 31:50] = 1, 7
    crops = cut_crops(np.where(labels > 0, 1.0, image), labels, 6)
    assert crops.labels.tolist() == [1, 7]
    usable = crops.view(0, crops.is_usable)
    # columns 28 to 30 between the two, and two more on each side
    assert not usable[10, 29 - crops.lefts[0] :].any()
    assert usable[10, : 28 - crops.lefts[0]].all()
    found = find_outlines(crops)
    areas = [polygon_area(polygon) for polygon in found.polygons]
    np.testing.assert_allclose(areas, [20 * 18, 20 * 19], rtol=0.02)


def test_nan_pixels_are_left_out():
    shape = SuperEllipse(31.0, 31.0, 18.0, 2, 2.0)
    image, labels = clean_image(shape)
    image[25:28, 46:52] = np.nan
    crops = cut_crops(image, labels)
    assert np.isfinite(crops.values).all()
    assert crops.is_usable.sum() < cut_crops(np.nan_to_num(image), labels).is_usable.sum()
    assert np.isfinite(find_outlines(crops).radii).all()


def test_pixels_and_noise_have_an_outline_too():
    rng = np.random.default_rng(0)
    labels = np.zeros((50, 50), dtype=int)
    labels[5, 5], labels[20:22, 20:40], labels[40:, 45:] = 1, 2, 3
    crops = cut_crops(rng.standard_normal(labels.shape), labels)
    found = find_outlines(crops)
    assert np.isfinite(found.radii).all()
    assert crops.touches_edge.tolist() == [False, False, True]


def test_no_particles_and_wrong_shapes():
    assert len(find_outlines(cut_crops(np.zeros((5, 5)), np.zeros((5, 5), int))).radii) == 0
    with pytest.raises(SettingsError, match="one shape"):
        cut_crops(np.zeros((5, 5)), np.zeros((5, 6), int))


def test_centroid_and_area_of_a_triangle():
    triangle = np.array([[0.0, 0.0], [0.0, 6.0], [3.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(centroid(triangle), [1.0, 2.0])
    assert polygon_area(triangle) == pytest.approx(9.0)
