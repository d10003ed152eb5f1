"""Simulated particles."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from umlpsd_gpu.errors import OutputInUseError, SettingsError
from umlpsd_gpu.images.open import open_micrograph
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.by_name import write_scene
from umlpsd_gpu.simulate.particle_images import cover, true_diameter_px
from umlpsd_gpu.simulate.particle_placement import area_and_solidity
from umlpsd_gpu.simulate.particles import simulate_particles

SMALL = {"n_rows": 384, "n_columns": 400, "n_particles": 40}


def test_a_circle_covers_its_area():
    circle = SuperEllipse(row=20.3, column=19.8, size_px=10, d=3, p=2)
    patch = cover(circle, 40, 40, 8)
    assert patch.coverage.sum() == pytest.approx(np.pi * 100, rel=2e-3)
    assert true_diameter_px(circle) == pytest.approx(20, rel=1e-9)


def test_area_and_solidity_of_a_square_and_a_star():
    square = SuperEllipse(row=0, column=0, size_px=1, d=2, p=1)
    assert area_and_solidity(square) == pytest.approx((2, 1), rel=1e-3)
    assert area_and_solidity(replace(square, p=0.5))[1] < 0.6


def test_labels_have_the_sizes_of_the_truth():
    scene = simulate_particles("isolated", **SMALL)
    diameters = np.array([true_diameter_px(shape) for shape in scene.shapes])
    n_px = np.bincount(scene.labels.ravel(), minlength=len(diameters) + 1)[1:]
    ratio = np.sqrt(n_px * 4 / np.pi) / diameters
    assert ratio[~scene.is_edge_cut] == pytest.approx(1, abs=0.02)
    assert (ratio[scene.is_edge_cut] < 1.01).all()
    assert n_px.min() > 0
    assert ndimage.label(scene.labels, np.ones((3, 3)))[1] >= len(diameters)


def test_kinds_are_what_they_say():
    touching = simulate_particles("touching-convex", **SMALL)
    n_groups = ndimage.label(ndimage.binary_dilation(touching.labels > 0, np.ones((3, 3))))[1]
    assert n_groups < 0.6 * len(touching.shapes)
    assert not touching.is_overlapping.any()
    overlapping = simulate_particles("overlapping", **SMALL)
    assert overlapping.is_overlapping.mean() > 0.5
    pale = simulate_particles("pale-beside-dark", **SMALL)
    assert pale.contrasts.min() < 0.3 * pale.contrasts.max()
    concave = simulate_particles("touching-concave", **SMALL)
    assert 0.1 < np.mean([area_and_solidity(s)[1] < 0.9 for s in concave.shapes]) < 0.5


@pytest.mark.parametrize(("kind", "sign"), [("low-contrast", -1), ("bright-on-dark", 1)])
def test_contrast_to_noise_is_that_of_the_recipe(kind, sign):
    scene = simulate_particles(kind, **SMALL, unevenness=0, has_annotations=False, psf_px=0.1)
    image = scene.image.astype(float)
    background = image[ndimage.binary_erosion(scene.labels == 0, iterations=2)]
    contrast = image[scene.labels > 0].mean() - background.mean()
    wanted = sign * scene.recipe.contrast_to_noise
    assert contrast / background.std() == pytest.approx(wanted, rel=0.15)


def test_annotations_are_white_and_known():
    scene = simulate_particles("isolated", **SMALL)
    plain = simulate_particles("isolated", **SMALL, has_annotations=False)
    assert np.array_equal(scene.image != plain.image, scene.is_annotated & (plain.image != 255))
    bar = (scene.image == 255).sum(axis=1).max()
    assert bar == scene.bar_px == 40
    assert scene.image[:100, :100].max() == 255


def test_same_seed_same_image():
    first, second, other = (simulate_particles(**SMALL, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("name", ["scene.tif", "scene.ome.tif"])
def test_files_have_truth_and_pixel_size(tmp_path, name):
    path, truth = write_scene(
        "particles", tmp_path / name, "256x320", of_particles={"n_particles": 9}, seed=4
    )
    assert open_micrograph(path).pixel_size_m == pytest.approx(0.5e-9)
    scene = simulate_particles(n_rows=256, n_columns=320, n_particles=9, seed=4)
    assert np.array_equal(tifffile.imread(path), scene.image)
    assert np.array_equal(tifffile.imread(tmp_path / "scene_truth_labels.tif"), scene.labels)
    rows = list(csv.DictReader(truth.open(encoding="utf-8")))
    assert [float(row["x_px"]) for row in rows] == [shape.column for shape in scene.shapes]
    assert json.loads(truth.with_suffix(".json").read_text())["bar_px"] == scene.bar_px
    with pytest.raises(OutputInUseError):
        write_scene("particles", path, "256x320")


@pytest.mark.parametrize(
    ("recipe", "word"),
    [
        ({"kind": "cubes"}, "isolated"),
        ({"n_rows": 20}, "128"),
        ({"diameter_px": 2}, "diameter_px"),
        ({"contrast": 0}, "contrast"),
    ],
)
def test_bad_recipes_are_refused(recipe, word):
    with pytest.raises(SettingsError, match=word):
        simulate_particles(**recipe)
