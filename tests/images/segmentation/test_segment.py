"""Particles are found where they are."""

import numpy as np
import pytest
from scipy import ndimage

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.images.segmentation import segment, splitting
from umlpsd_gpu.images.segmentation.segment import ANNOTATED, CUT, segment_particles
from umlpsd_gpu.images.segmentation.settings import SegmentationSettings
from umlpsd_gpu.simulate.particle_images import true_diameter_px
from umlpsd_gpu.simulate.particles import simulate_particles


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("isolated", 0.95),
        ("touching-convex", 0.95),
        ("touching-concave", 0.95),
        ("low-contrast", 0.92),
        ("overlapping", 0.85),
        ("pale-beside-dark", 0.88),
        ("bright-on-dark", 0.90),
    ],
)
def test_particles_of_every_kind_are_found(scene_and_result, f1_of, kind, least):
    scene, found = scene_and_result(kind)
    assert f1_of(found.labels, scene.labels) >= least
    assert found.polarity == ("bright" if scene.recipe.is_bright else "dark")
    assert found.labels.dtype == np.int32
    assert len(found.reasons) == found.labels.max() == found.weights.size


def test_sizes_are_unbiased(scene_and_result):
    scene, found = scene_and_result("touching-convex")
    n_px = np.bincount(found.labels.ravel())[1:]
    is_counted = np.array([not reason for reason in found.reasons])
    numbers = np.flatnonzero(is_counted) + 1
    truth = np.array([np.bincount(scene.labels[found.labels == n]).argmax() for n in numbers])
    diameters = np.array([true_diameter_px(scene.shapes[t - 1]) for t in truth if t])
    ratio = np.sqrt(4 / np.pi * n_px[numbers - 1][truth > 0]) / diameters
    assert np.median(ratio) == pytest.approx(1, abs=0.01)
    assert found.size_px == pytest.approx(np.median(diameters), rel=0.25)


def test_exclusions_have_reasons(scene_and_result):
    _, found = scene_and_result("touching-convex")
    edge = np.unique(np.concatenate([found.labels[0], found.labels[:, -1]]))
    assert all(CUT in found.reasons[number - 1] for number in edge if number)
    assert any(ANNOTATED in reason for reason in found.reasons)
    is_left_out = np.array([bool(reason) for reason in found.reasons])
    assert np.isnan(found.weights[is_left_out]).all()
    assert (found.weights[~is_left_out] > 1).all()


def test_letters_and_bars_are_no_particles(scene_and_result):
    for kind in ("isolated", "bright-on-dark"):
        scene, found = scene_and_result(kind)
        assert not found.labels[scene.is_annotated].any()
        assert found.scale_bar.length_px == pytest.approx(scene.bar_px, abs=0.5)


def test_negative_of_an_image_has_the_same_particles(scene_and_result, f1_of):
    scene, found = scene_and_result("touching-concave")
    other = segment_particles(255.0 - scene.image)
    assert other.polarity == "bright"
    assert f1_of(other.labels, found.labels) >= 0.99


def test_gain_and_offset_change_nothing(scene_and_result):
    scene, found = scene_and_result("isolated")
    again = segment_particles(4.0 * scene.image + 1024.0)
    assert np.array_equal(again.labels, found.labels)
    assert again.noise == pytest.approx(4 * found.noise, rel=1e-3)


def test_an_image_without_particles_has_none():
    noise = np.random.default_rng(0).normal(1000, 30, (256, 256))
    assert segment_particles(noise).labels.max() <= 2


def test_published_steps_find_isolated_particles(f1_of):
    scene = simulate_particles(
        "isolated", n_rows=448, n_columns=448, n_particles=20, diameter_px=50, concave_share=0.0
    )
    found = segment_particles(scene.image, SegmentationSettings(method="paper"))
    is_uncut = ~scene.is_edge_cut
    uncut = np.where(np.concatenate([[False], is_uncut])[scene.labels], scene.labels, 0)
    # 0.57 measured
    assert f1_of(found.labels, uncut) > 0.5


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((4, 64, 64)), "single grey image"),
        (np.zeros((8, 8)), "32"),
        (np.zeros((64, 64)), "same value"),
        (np.full((64, 64), np.nan), "NaN"),
    ],
)
def test_what_is_no_image_is_refused(image, word):
    with pytest.raises(TracesError, match=word):
        segment_particles(image)


def test_a_texture_gives_no_particles(monkeypatch):
    for module in (segment, splitting):
        monkeypatch.setattr(module, "MOST_PARTS", 3)
    scene = simulate_particles("isolated", n_rows=256, n_columns=256, n_particles=9)
    found = segment_particles(scene.image)
    assert not found.labels.any()
    assert any("texture" in note and "--diameter-px" in note for note in found.notes)


def test_particles_on_a_support_are_found_at_their_own_size():
    """The support stands out more than the particles, but has no sharp edge."""
    rng, side, radius = np.random.default_rng(5), 512, 7.0
    rows, columns = np.indices((side, side))
    image = 400.0 * np.exp(-((rows - 256) ** 2 + (columns - 256) ** 2) / (2 * 90.0**2))
    truth = np.zeros((side, side), dtype=np.int32)
    for number, (row, column) in enumerate(np.ndindex(6, 6), start=1):
        at = 166 + 36 * row, 166 + 36 * column
        truth[np.hypot(rows - at[0], columns - at[1]) < radius] = number
    image += ndimage.gaussian_filter(100.0 * (truth > 0), 0.8) + 8 * rng.normal(size=image.shape)
    found = segment_particles(image)
    assert found.size_px == pytest.approx(2 * radius, rel=0.3)
    assert any("--diameter-px" in note for note in found.notes)
    is_found = [np.any(found.labels[truth == number]) for number in range(1, 37)]
    assert np.mean(is_found) > 0.8
