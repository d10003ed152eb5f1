"""Simulated movies: truth, placement, light, metadata, same bits on any number of threads."""

import csv
import json

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.simulate.movie import AGGREGATE, MovieRecipe, simulate_movie
from umlpsd_gpu.simulate.scene import place_spots, spot_images

SMALL = {"n_emitters": 6, "n_rows": 61, "n_cols": 47, "n_frames": 211}


def test_movie_and_truth_are_written_beside_each_other(tmp_path):
    truth = simulate_movie(tmp_path / "deep" / "scene.tif", **SMALL, n_aggregates=1, seed=3)
    assert tifffile.imread(truth.path).shape == (211, 61, 47)
    with truth.table_path.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["id", "row", "col", "class", "on_counts"]
    assert [line["class"] for line in table] == ["PEB", "TSB", "PBB"] * 2 + [AGGREGATE]
    assert float(table[4]["row"]) == pytest.approx(truth.rows[4], abs=1e-4)
    recipe = json.loads(truth.recipe_path.read_text())
    assert recipe["seed"] == 3
    assert recipe["movie"] == "scene.tif"
    assert recipe["n_cols"] == 47


def test_a_folder_gets_a_named_movie(tmp_path):
    truth = simulate_movie(tmp_path / "movies", **SMALL, seed=5)
    assert truth.path == tmp_path / "movies" / "simulated_5.tif"
    assert truth.path.is_file()


def test_imagej_stack_tells_interval_and_pixel_size(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", **SMALL, dt_s=0.1, pixel_size_um=0.16)
    with tifffile.TiffFile(truth.path) as tif:
        assert tif.imagej_metadata["finterval"] == 0.1
        assert tif.imagej_metadata["frames"] == 211
        assert 1 / tif.pages[0].resolution[0] == pytest.approx(0.16)
        assert tif.series[0].dataoffset is not None


def test_ome_file_tells_interval_and_pixel_size(tmp_path):
    truth = simulate_movie(tmp_path / "m.ome.tif", **SMALL, dt_s=0.1, pixel_size_um=0.16)
    assert truth.table_path.name == "m_truth.csv"
    with tifffile.TiffFile(truth.path) as tif:
        assert tif.is_bigtiff
        assert 'TimeIncrement="0.1"' in tif.ome_metadata
        assert 'PhysicalSizeX="0.16"' in tif.ome_metadata
        from_ome = tif.asarray()
    as_imagej = simulate_movie(tmp_path / "m.tif", **SMALL, dt_s=0.1)
    assert np.array_equal(from_ome, tifffile.imread(as_imagej.path))


def test_same_bits_on_one_thread_and_another_seed_differs(tmp_path, monkeypatch):
    many = simulate_movie(tmp_path / "many.tif", **SMALL, seed=1)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    one = simulate_movie(tmp_path / "one.tif", **SMALL, seed=1)
    other = simulate_movie(tmp_path / "other.tif", **SMALL, seed=2)
    assert many.path.read_bytes() == one.path.read_bytes()
    assert not np.array_equal(tifffile.imread(one.path), tifffile.imread(other.path))


def test_pixels_hold_offset_background_and_emitted_light(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", **SMALL, background_counts=7, offset_counts=50)
    frames = tifffile.imread(truth.path).astype(float) - 50 - 7
    emitted = (truth.on_counts[:, None] * truth.shapes).sum()
    variance = 2 * (7 * frames.size + emitted) + 25 * frames.size
    # rounding to whole counts adds no bias; five standard deviations of the sum
    assert frames.sum() == pytest.approx(emitted, abs=5 * np.sqrt(variance))


def test_drift_moves_the_scene(tmp_path):
    still = {"n_emitters": 1, "n_rows": 40, "n_cols": 40, "n_frames": 300, "class_mix": ("PBB",)}
    truth = simulate_movie(tmp_path / "m.tif", **still, drift_px=5, edge_px=15)
    drift = truth.recipe.drift()
    assert drift[0] == pytest.approx([0, 0])
    assert np.hypot(*drift[-1]) == pytest.approx(5)
    late = tifffile.imread(truth.path)[-100:].mean(axis=0) - 110
    late[late < 3] = 0
    rows, cols = np.mgrid[:40, :40]
    centre = [(late * axis).sum() / late.sum() for axis in (rows, cols)]
    expected = np.array([truth.rows[0], truth.cols[0]]) + drift[-100:].mean(axis=0)
    assert centre == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_spots_keep_their_distances(seed):
    separations = np.array([16.0] * 3 + [8.0] * 30)
    spots = place_spots(np.random.default_rng(seed), (128, 100), separations, 8.0)
    gaps = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    needed = np.maximum(separations[:, None], separations[None])
    np.fill_diagonal(gaps, np.inf)
    assert np.all(gaps >= needed)
    assert spots.min() >= 8
    assert spots[:, 0].max() <= 127 - 8
    assert spots[:, 1].max() <= 99 - 8


def test_spot_light_is_whole_centred_and_as_wide_as_asked():
    light = spot_images(np.array([[20.3, 30.8]]), np.array([1.3]), (41, 61)).toarray()
    light = light.reshape(41, 61)
    rows, cols = np.mgrid[:41, :61]
    assert light.sum() == pytest.approx(1, abs=1e-5)
    assert (light * rows).sum() == pytest.approx(20.3, abs=1e-4)
    assert (light * cols).sum() == pytest.approx(30.8, abs=1e-4)
    # a pixel's own width adds 1/12
    assert (light * (rows - 20.3) ** 2).sum() == pytest.approx(1.3**2 + 1 / 12, abs=1e-3)


def test_a_movie_without_emitters_is_background_only(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", n_emitters=0, n_rows=20, n_cols=31, n_frames=50)
    assert truth.rows.size == 0
    assert tifffile.imread(truth.path).mean() == pytest.approx(110, abs=0.3)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"n_frames": 0}, "must all be above 0"),
        ({"n_emitters": -1}, "must all be at least 0"),
        ({"class_mix": ("QD",)}, "must name one or more of PEB"),
        ({"n_emitters": 500}, "fit into 128 × 128 pixels at a distance of 8 px"),
        ({"n_rows": 12}, "only 0 of 60 spots fit"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
    ],
)
def test_bad_recipes_are_refused(tmp_path, recipe, message):
    with pytest.raises(SettingsError, match=message):
        simulate_movie(tmp_path / "m.tif", **recipe)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"m\.tif can't be written"):
        simulate_movie(tmp_path / "file" / "m.tif", **SMALL)


def test_recipe_defaults_are_the_demo_scene():
    recipe = MovieRecipe()
    assert (recipe.n_emitters, recipe.n_frames, recipe.dt_s) == (60, 10_000, 0.03)


def test_a_movie_that_is_there_is_replaced_only_when_asked(tmp_path):
    movie = tmp_path / "m.tif"
    movie.write_bytes(b"years of work")
    with pytest.raises(OutputError, match="--overwrite"):
        simulate_movie(movie, **SMALL)
    assert movie.read_bytes() == b"years of work"
    assert simulate_movie(movie, overwrite=True, **SMALL).path == movie
