"""Parts of the segmentation, each against a known answer."""

import numpy as np
import pytest
from scipy import ndimage

from umlpsd_gpu.images.segmentation.annotations import find_annotations, find_scale_bar
from umlpsd_gpu.images.segmentation.background import enlarge, flatten, reduce_mean
from umlpsd_gpu.images.segmentation.edges import edge_weights, touches_edge
from umlpsd_gpu.images.segmentation.foreground import Foreground
from umlpsd_gpu.images.segmentation.outlines import Grid, trace_outline
from umlpsd_gpu.images.segmentation.overlaps import find_overlapping
from umlpsd_gpu.images.segmentation.particle_size import estimate_size
from umlpsd_gpu.images.segmentation.splitting import split_groups
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_images import transmission

NOTHING = np.zeros((200, 200), dtype=bool)


def noisy(values, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return (values + noise * rng.standard_normal(values.shape)).astype(np.float32)


def shapes_on(places, d=2, p=2.0, radius=14.0, n=200):
    shapes = [SuperEllipse(r, c, radius, d, p) for r, c in places]
    return transmission(shapes, np.ones(len(shapes)), n, n, is_bright=True) - 1


def split(values):
    smooth = ndimage.gaussian_filter(values, 0.7)
    mask = ndimage.binary_opening(smooth > 0.5, np.ones((3, 3)))
    level = np.ones_like(values, dtype=np.float32)
    return split_groups(Foreground(mask, smooth, level, 0.2, 0.7, 1.0), values, 28.0)


def test_two_discs_that_touch_are_split():
    labels = split(noisy(shapes_on([(100, 80), (100, 107)])))
    assert labels.max() == 2
    assert labels[100, 80] != labels[100, 107]


def test_concave_particles_are_not_cut():
    for d, p in ((4, 0.8), (5, 0.7), (3, 0.8), (2, 0.6)):
        labels = split(noisy(shapes_on([(100, 100)], d=d, p=p, radius=30)))
        assert labels.max() == 1, (d, p)


def test_a_narrow_gap_between_squares_splits_them():
    values = np.zeros((200, 200))
    values[80:110, 60:90], values[80:110, 91:121] = 1, 1
    values = ndimage.gaussian_filter(values, 0.8)
    assert split(noisy(values)).max() == 2
    values[80:110, 60:121] = 1
    assert split(noisy(values)).max() == 1


def test_an_outline_covers_the_disc_it_was_traced_on():
    disc = shapes_on([(50.3, 48.7)], n=100)
    outline = trace_outline(disc, 0, 0)
    assert (outline.row, outline.column) == pytest.approx((50.3, 48.7), abs=0.02)
    rows, columns = (each.ravel() for each in np.indices(disc.shape))
    covered = Grid(rows, columns, 0.3).cover(outline, (2,))[0]
    assert covered.sum() == pytest.approx(np.pi * 14**2, rel=0.01)
    assert np.abs(covered - disc.ravel()).mean() < 2e-3


def test_overlapping_discs_are_flagged_and_touching_ones_are_not():
    for distance, expected in ((22, True), (29, False)):
        values = shapes_on([(100, 80), (100, 80 + distance)])
        labels = np.zeros(values.shape, dtype=np.int32)
        middle = 80 + distance // 2
        labels[:, :middle][values[:, :middle] > 0.5] = 1
        labels[:, middle:][values[:, middle:] > 0.5] = 2
        found = find_overlapping(labels, noisy(values, 0.03), np.array([0.0, 1.0, 1.0]))
        assert found.tolist() == [False, expected, expected]


def test_weights_make_up_for_cut_squares():
    """Squares at all places: those that are not cut, weighted, are as many as have a centre in."""
    n, side = 40, 9
    corners = [(r, c) for r in range(1 - side, n) for c in range(1 - side, n)]
    inside = [(r, c) for r, c in corners if min(r, c) >= 0 and max(r, c) + side <= n]
    labels = np.zeros((n, n), dtype=np.int32)
    labels[10 : 10 + side, 20 : 20 + side] = 1
    weight = edge_weights(labels)[0]
    # (n − side + 1)² places of n²: pixels make the difference of one
    assert weight * (n - side) ** 2 == pytest.approx(n**2)
    assert len(inside) == (n - side + 1) ** 2
    labels[0, 0] = 2
    assert touches_edge(labels).tolist() == [False, False, True]
    assert np.isnan(edge_weights(labels)[1])


@pytest.mark.parametrize("polarity", ["dark", "bright"])
def test_slopes_and_waves_are_flattened(polarity):
    sign = 1 if polarity == "bright" else -1
    rows, columns = np.indices((200, 200)) / 200
    slope = 100 + 20 * rows + 6 * np.cos(5 * columns)
    particles = shapes_on([(30, 40), (120, 60), (90, 150), (170, 170)])
    image = noisy(slope + sign * 15 * particles, 1.0)
    found = flatten(image, NOTHING)
    found = flatten(image, NOTHING, 28.0, found.polarity)
    assert found.polarity == polarity
    outside = ~ndimage.binary_dilation(particles > 0, iterations=3)
    assert np.abs(found.background - slope)[outside].mean() < 1.0
    assert found.noise == pytest.approx(1.0, rel=0.3)


def test_size_of_discs():
    for radius in (8.0, 14.0, 24.0):
        values = shapes_on([(50, 50), (50, 150), (150, 50), (150, 150)], radius=radius)
        assert estimate_size(noisy(values)) == pytest.approx(2 * radius, rel=0.25)


def test_enlarging_a_reduced_slope_gives_it_back():
    slope = np.add.outer(np.arange(60.0), 2 * np.arange(80.0)).astype(np.float32)
    back = enlarge(reduce_mean(slope, 4), 4, slope.shape)
    assert back[2:-2, 2:-2] == pytest.approx(slope[2:-2, 2:-2], abs=1e-3)


def test_scale_bars_white_and_black():
    for value in (0, 255):
        image = noisy(np.full((200, 300), 120.0), 10).clip(10, 240)
        image[180:185, 20:120] = value
        bar = find_scale_bar(image)
        assert (bar.row, bar.column, bar.thickness_px) == (180, 20, 5)
        assert bar.length_px == 100


def test_saturated_particles_are_no_annotations():
    values = 100 + 400 * ndimage.gaussian_filter(shapes_on([(60, 60), (130, 120)]), 3)
    image = np.clip(noisy(values, 5), 0, 255)
    assert (image == 255).any()
    assert not find_annotations(image).mask.any()
