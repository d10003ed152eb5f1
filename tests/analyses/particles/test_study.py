"""A study of particles: workflow, scale, tables, labels taken back, classes, saving, comparison."""

import csv
import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import umlpsd_gpu as um
from tests.support.dm_files import image_tags, write_dm
from tests.support.export_checks import check_exports, check_ome_zarr
from umlpsd_gpu.analyses.particles.compare import compare_studies
from umlpsd_gpu.analyses.particles.contents import contents_of
from umlpsd_gpu.analyses.particles.explore import explore_particles
from umlpsd_gpu.analyses.particles.page import page_of
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import MovieError, SettingsError, TracesError
from umlpsd_gpu.simulate.particle_images import true_diameter_px
from umlpsd_gpu.simulate.particles import simulate_particles

QUICK = {"k_max": 4, "n_epochs": 8, "n_size_resamples": 100}
SMALL = {"n_particles": 16, "n_rows": 320, "n_columns": 320, "diameter_px": 30.0}


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})


def write_scene(path, kind="isolated", nm_per_px=0.2, **more):
    scene = simulate_particles(kind, **(SMALL | {"has_annotations": False} | more))
    tifffile.imwrite(
        path,
        scene.image,
        imagej=True,
        resolution=(1 / nm_per_px, 1 / nm_per_px),
        metadata={"unit": "nm"},
    )
    return scene


def true_diameters(scene):
    """Return diameters of circles of equal area, in nm."""
    return 0.2 * np.array([true_diameter_px(shape) for shape in scene.shapes])


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("images")
    for number in (1, 2):
        write_scene(place / f"s{number}.tif", seed=number)
    return place


@pytest.fixture(scope="module")
def study(folder):
    return um.run_particles(folder, **QUICK)


@pytest.fixture(scope="module")
def saved(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("saved") / "study")


def test_sizes_are_those_that_were_drawn(study, folder):
    truth = [write_scene(folder / f"s{n}.tif", seed=n) for n in (1, 2)]
    found = study.sizes[0, "equivalent_diameter_nm"]
    whole = [~(scene.is_edge_cut | scene.is_overlapping) for scene in truth]
    diameters = np.concatenate(
        [true_diameters(scene)[use] for scene, use in zip(truth, whole, strict=True)]
    )
    assert found.n == pytest.approx(diameters.size, abs=1)
    assert found.values["mean"] == pytest.approx(diameters.mean(), rel=0.05)
    assert study.images[0].nm_per_px == pytest.approx(0.2)
    assert study.images[0].scale_origin == "ImageJ XResolution"
    assert study.images[0].polarity == "dark"
    assert study.images[0].psf_px == pytest.approx(0.8, abs=0.15)


def test_every_particle_has_a_row_and_a_reason_or_none(study, saved):
    rows = rows_of(saved / "particles.csv")
    assert len(rows) == len(study.table)
    counted = [row for row in rows if row["counted"] == "yes"]
    assert len(counted) == study.sizes[0, "equivalent_diameter_nm"].n
    assert all(row["reason"] for row in rows if row["counted"] == "no")
    assert all(float(row["weight"]) >= 1 for row in counted)
    assert {row["file"] for row in rows} == {"s1.tif", "s2.tif"}


def test_a_study_is_the_same_after_saving(study, saved):
    again = um.ParticleStudy.load(saved)
    assert again.table.reasons == study.table.reasons
    for name, values in study.table.values.items():
        np.testing.assert_array_equal(again.table[name], values)
    np.testing.assert_array_equal(again.images[1].labels, study.images[1].labels)
    assert repr(again) == repr(study)
    summary = json.loads((saved / "summary.json").read_text())
    assert summary["n_counted"] == int(study.table.is_counted.sum())


def test_the_page_says_how_many_how_large_and_whether_classes(study):
    page = page_of(study)
    assert page.headline.endswith("nm, no classes")
    assert page.headline.startswith(f"{study.sizes[0, 'equivalent_diameter_nm'].n} particles of ")
    assert "Sizes" in [section.title for section in page.sections]


def test_all_figures_are_drawn(study):
    names = []
    for plan in get_analysis("particles").figures(study):
        names.append(plan.name)
        assert plan.draw(study).axes
    assert names[:2] == ["particles", "sizes"]


def test_same_input_same_bits(folder, study):
    again = um.run_particles(folder, **QUICK, n_threads=1)
    for name, values in study.table.values.items():
        np.testing.assert_array_equal(again.table[name], values)


def test_labels_that_were_corrected_are_taken_back(study, saved, folder, tmp_path):
    corrected = tmp_path / "corrected"
    corrected.mkdir()
    for image in study.images:
        labels = image.labels.copy()
        labels[labels == 1] = 0
        tifffile.imwrite(corrected / image.name.replace(".tif", "_labels.tif"), labels)
    again = um.run_particles(folder, labels=corrected, **QUICK)
    assert len(again.table) == len(study.table) - 2
    whole = um.run_particles(folder / "s1.tif", labels=saved / "labels" / "s1_rois.zip", **QUICK)
    np.testing.assert_array_equal(whole.images[0].labels > 0, study.images[0].labels > 0)
    with pytest.raises(SettingsError, match=r"holds no particles of s1\.tif"):
        um.run_particles(folder / "s1.tif", labels=folder.parent, **QUICK)


def test_the_scale_is_asked_for_and_never_guessed(tmp_path):
    scene = simulate_particles("isolated", **SMALL, seed=3)
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, scene.image)
    with pytest.raises(MovieError, match=r"size of its pixels is unknown.*--nm-per-px.*--bar-nm"):
        um.run_particles(path, **QUICK)
    assert um.run_particles(path, nm_per_px=0.3, **QUICK).images[0].scale_origin == "user"


def test_the_scale_bar_gives_the_scale(tmp_path):
    scene = simulate_particles(
        "isolated", n_particles=16, n_rows=512, n_columns=512, pixel_nm=0.25, seed=2
    )
    path = tmp_path / "bar.tif"
    tifffile.imwrite(path, scene.image)
    bar_nm = scene.bar_px * 0.25
    found = um.run_particles(path, bar_nm=bar_nm, **QUICK)
    assert found.images[0].nm_per_px == pytest.approx(0.25, rel=0.02)
    assert found.images[0].scale_origin == "scale bar"


def test_bad_input_gets_one_sentence(tmp_path):
    flat = tmp_path / "noise.tif"
    noise = np.random.default_rng(0).normal(1000, 30, (200, 200)).astype(np.uint16)
    tifffile.imwrite(flat, noise)
    with pytest.raises(TracesError, match="no particles were found"):
        um.run_particles(flat, nm_per_px=0.2, **QUICK)
    with pytest.raises(SettingsError, match="no images were given"):
        um.run_particles(tmp_path / "empty", nm_per_px=0.2) if (
            tmp_path / "empty"
        ).mkdir() is None else None
    write_scene(tmp_path / "a.tif", nm_per_px=0.2, seed=1)
    write_scene(tmp_path / "b.tif", nm_per_px=0.4, seed=2)
    with pytest.raises(SettingsError, match=r"a\.tif has 0\.2 nm per pixel and b\.tif 0\.4"):
        um.run_particles([tmp_path / "a.tif", tmp_path / "b.tif"], **QUICK)
    colour = tmp_path / "rgb.tif"
    tifffile.imwrite(colour, np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))
    with pytest.raises(MovieError, match="colour image"):
        um.run_particles(colour, nm_per_px=0.2)


def test_all_at_the_edge_count_for_nothing(tmp_path):
    image = np.full((200, 200), 1000.0)
    image[:60, :60] = image[-60:, -60:] = 300
    image += np.random.default_rng(0).normal(0, 20, image.shape)
    path = tmp_path / "edge.tif"
    tifffile.imwrite(path, image.astype(np.uint16))
    with pytest.raises(TracesError, match=r"none of the \d particles counts .*edge"):
        um.run_particles(path, nm_per_px=0.2, **QUICK)


def test_networks_give_shapes_without_intervals(folder):
    for name in ("published", "classifier"):
        found = um.run_particles(folder / "s1.tif", shapes=name, **QUICK)
        assert np.isfinite(found.table["p"]).all()
        assert np.isnan(found.table["p_low"]).all()


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory):
    """Squares and rods of 4:1, many of each."""
    place = tmp_path_factory.mktemp("classes")
    for number, (l_range, seed) in enumerate([((1.0, 1.03), 1), ((2.6, 2.8), 2)], start=1):
        shape = {"d_values": (2,), "p_range": (8.0, 10.0), "l_range": l_range, "seed": seed}
        shape["concave_share"] = 0.0
        write_scene(place / f"c{number}.tif", **shape, n_particles=40, n_rows=520, n_columns=520)
    return place


def test_two_shapes_are_two_classes_that_a_classifier_knows(two_classes, tmp_path):
    found = um.run_particles(two_classes, **QUICK)
    assert found.classes.k == 2
    assert found.classes.ari > 0.9
    counted = found.table.is_counted & (found.classes.labels > 0)
    agreement = found.classes.labels[counted] == found.table["image"][counted]
    assert max(agreement.mean(), 1 - agreement.mean()) > 0.97
    assert 0.5 < found.classes.accuracy_shuffled <= 1
    place = found.save(tmp_path / "study")
    page = page_of(found)
    assert any("says nothing of the classes" in str(section.body) for section in page.sections)
    names = [plan.name for plan in get_analysis("particles").figures(found)]
    assert "classes" in names
    again = um.run_particles(two_classes, classifier=place / "classifier.h5", **QUICK)
    same = again.classes.labels[counted] == found.classes.labels[counted]
    assert same.mean() > 0.97
    compared = compare_studies(found, again)
    assert all(not each.is_clear for each in compared.differences)


def test_samples_are_compared(two_classes, tmp_path):
    studies = []
    for number in (1, 2):
        made = um.run_particles(two_classes / f"c{number}.tif", **QUICK)
        studies.append(made.save(tmp_path / f"study{number}"))
    done = call("compare", *studies)
    assert done.exit_code == 0, done.output
    assert "aspect ratio" in done.output
    found = json.loads(call("compare", *studies, "--json").output)
    ratio = next(d for d in found["differences"] if d["name"] == "mean aspect ratio")
    assert ratio["clear"]
    assert ratio["change"] == pytest.approx(1.7, abs=0.3)
    assert any("fewer than 3 images" in note for note in found["notes"])
    assert "no study folder" in str(call("compare", studies[0], tmp_path).exception)


def test_command_line_and_batch_pooled(folder, tmp_path):
    options = ["--analysis", "particles", "--k-max", "3", "--epochs", "5"]
    done = call("run", folder / "s1.tif", *options, "--out", tmp_path / "one")
    assert done.exit_code == 0, done.output
    settings = tmp_path / "particles.toml"
    settings.write_text('analysis = "particles"\n[sweep]\nk_max = 3\nn_epochs = 5\n')
    out = tmp_path / "batch"
    for words in (
        ("batch", "init", folder, out, "--settings", settings),
        ("batch", "run", out, "--workers", "1"),
        ("batch", "pool", out, "--out", tmp_path / "pooled"),
    ):
        done = call(*words)
        assert done.exit_code == 0, done.output
    pooled = um.ParticleStudy.load(tmp_path / "pooled")
    assert len(pooled.images) == 2
    assert set(pooled.table["image"]) == {1, 2}


def test_whole_analysis_on_the_device_finds_what_the_cpu_finds(on_cpu, tmp_path):
    path = tmp_path / "few.tif"
    write_scene(path, seed=5, n_particles=6, n_rows=200, n_columns=200)
    few = QUICK | {"k_max": 2, "n_epochs": 2}
    here, there = (um.run_particles(path, device=device, **few) for device in ("cpu", "gpu"))
    assert there.device == "gpu"
    np.testing.assert_array_equal(there.table["d"], here.table["d"])
    np.testing.assert_allclose(there.table["p"], here.table["p"], rtol=1e-6)


def test_an_image_without_particles_is_kept(folder, tmp_path):
    noise = np.random.default_rng(0).normal(1000, 30, (200, 200)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "z.tif", noise)
    found = um.run_particles([folder / "s1.tif", tmp_path / "z.tif"], nm_per_px=0.2, **QUICK)
    again = um.ParticleStudy.load(found.save(tmp_path / "study"))
    assert [image.name for image in again.images] == ["s1.tif", "z.tif"]


def test_one_of_several_images_of_a_file_is_chosen_on_the_command_line(tmp_path):
    names = ["HAADF", "BF"]
    both = [
        image_tags(simulate_particles("isolated", **SMALL, seed=i).image, name=name)
        for i, name in enumerate(names)
    ]
    path = write_dm(tmp_path / "two.dm3", *both)
    options = ["--analysis", "particles"]
    assert call("check", path, *options, "--image-title", "BF").exit_code == 0
    assert "--image-title" in call("check", path, *options).output


def test_each_particle_has_its_outline(study):
    found = explore_particles(study)
    n = len(study.table)
    assert found.n_items == n
    drawn, fitted = found.panels[0].curves
    for curves, tolerance in ((drawn, 0.06), (fitted, 0.1)):
        # the shoelace formula
        x, y = curves.x, curves.y
        area = 0.5 * np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1))
        known = study.table.is_counted & np.isfinite(area)
        assert known.sum() >= 0.8 * study.table.is_counted.sum()
        np.testing.assert_allclose(area[known], study.table["area_nm2"][known], rtol=tolerance)
    diameter = next(c for c in found.columns if c.name == "Equivalent diameter")
    np.testing.assert_array_equal(diameter.values, study.table["equivalent_diameter_nm"])
    left_out = int(np.flatnonzero(~study.table.is_counted)[0])
    assert study.table.reasons[left_out] in found.ids[left_out]


def test_exports_are_read_back(study, tmp_path):
    contents = contents_of(study)
    for places, image in zip(contents.places, study.images, strict=True):
        for n in (0, 3):
            row, col = np.argwhere(image.labels == places.areas_of[n])[0]
            assert places.nearest(row, col) == places.index[n]
            assert study.table["label"][places.index[n]] == image.labels[row, col]
    check_exports(contents, tmp_path)
    check_ome_zarr(contents, tmp_path / "zarr")
