"""Elliptic Fourier descriptors: against sums written out, and what they may not depend on."""

import numpy as np
import pytest

from umlpsd_gpu.shapes.fourier import describe_outline, draw_outline, outline_coefficients
from umlpsd_gpu.shapes.outline import polygon_area

T = np.linspace(0, 2 * np.pi, 601)


def egg(turn=0.0, size=1.0, centre=(20.0, 30.0), first=0, backwards=False):
    """An outline without symmetry."""
    radius = size * (10 + 2.5 * np.cos(2 * T) + 1.2 * np.cos(3 * T + 0.7) + 0.8 * np.sin(T))
    points = np.stack(
        [centre[0] + radius * np.sin(T + turn), centre[1] + radius * np.cos(T + turn)], axis=1
    )
    if first:
        points = np.concatenate([points[first:-1], points[: first + 1]])
    return points[::-1] if backwards else points


def plain(polygon, order):
    """Equations 7 of Kuhl and Giardina, term by term."""
    steps = np.diff(polygon, axis=0)
    lengths = [float(np.hypot(*step)) for step in steps]
    total, found = sum(lengths), np.zeros((order, 4))
    for n in range(1, order + 1):
        before = 0.0
        for (dy, dx), length in zip(steps, lengths, strict=True):
            low, high = (2 * np.pi * n * at / total for at in (before, before + length))
            scale = total / (2 * n**2 * np.pi**2) / length
            change = np.cos(high) - np.cos(low), np.sin(high) - np.sin(low)
            found[n - 1] += [scale * slope * part for slope in (dx, dy) for part in change]
            before += length
    return found


def test_they_are_those_of_the_paper():
    polygon = egg()[::25]
    found = outline_coefficients(polygon, 6).coefficients
    np.testing.assert_allclose(found, plain(polygon, 6), atol=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        {"turn": 1.0},
        {"turn": np.pi},
        {"turn": -2.2, "size": 3.0},
        {"centre": (-5.0, 400.0)},
        {"first": 171},
        {"backwards": True},
        {"first": 333, "backwards": True, "turn": 0.4, "size": 0.1},
    ],
)
def test_normalised_ones_are_those_of_the_shape_alone(other):
    expected, found = describe_outline(egg()), describe_outline(egg(**other))
    np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-9)
    assert found.size_px / expected.size_px == pytest.approx(other.get("size", 1.0))
    turned = found.angle_rad - expected.angle_rad - other.get("turn", 0.0)
    assert np.cos(turned) == pytest.approx(1.0)


@pytest.mark.parametrize("turn", [0.0, 0.8, 3.0])
def test_drawing_is_the_inverse(turn):
    polygon = egg(turn)
    drawn = draw_outline(describe_outline(polygon, 12), 600)
    nearest = np.hypot(*(drawn[:, None] - polygon).transpose(2, 0, 1)).min(axis=1)
    assert nearest.max() < 0.08  # half the distance of the vertices of the polygon
    assert polygon_area(drawn) == pytest.approx(polygon_area(polygon), rel=2e-3)


def test_a_mirror_image_is_another_shape():
    mirrored = egg() * [1, -1]
    found = describe_outline(mirrored).coefficients
    assert np.abs(found - describe_outline(egg()).coefficients).max() > 0.01


def test_circles_and_points():
    circle = np.stack([4 + 3 * np.sin(T), 7 + 3 * np.cos(T)], axis=1)
    found = describe_outline(circle)
    np.testing.assert_allclose(found.coefficients[0], [1, 0, 0, 1], atol=1e-3)
    assert np.abs(found.coefficients[1:]).max() < 1e-3
    np.testing.assert_allclose(found.centre, [4, 7], atol=1e-9)
    point = describe_outline(np.array([[2.0, 3.0]] * 4))
    assert point.size_px == 0
    assert not point.coefficients.any()
