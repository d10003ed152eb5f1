"""Simulated assemblies: truth, correlations, recovery of the grains, same bits, files, errors."""

import json

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from typer.testing import CliRunner

from tests.support.movies import array_movie
from umlpsd_gpu import extract_pixels, open_movie, preprocess, sweep
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.simulate.assembly import AssemblyRecipe, simulate_assembly, write_assembly_movie
from umlpsd_gpu.simulate.grains import FEWEST_PIXELS, grain_image

SMALL = {"n_rows": 14, "n_cols": 17, "n_frames": 230}
LAYOUTS = [{}, {"layout": "crystals", "n_rows": 28, "n_cols": 28}]


def mean_traces(frames, truth):
    numbers = range(1, truth.recipe.n_grains + 1)
    return np.stack([frames[:, truth.grains == i].mean(axis=1) for i in numbers])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(4))
def test_grains_1_and_2_correlate_as_in_the_paper_and_grain_3_does_not(seed, layout):
    frames, truth = simulate_assembly(seed=seed, **layout)
    pcc = np.corrcoef(mean_traces(frames, truth))
    assert pcc[0, 1] == pytest.approx(0.83, abs=0.04)
    assert max(pcc[0, 2], pcc[1, 2]) < 0.5


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_kmeans_finds_the_grains_that_a_pearson_map_merges(seed, layout):
    frames, truth = simulate_assembly(seed=seed, **layout)
    traces = extract_pixels(array_movie(frames, dt_s=0.1), threshold=200.0)
    smooth = preprocess(traces, frames_per_bin=40)
    found = sweep(smooth, [3], n_epochs=20).best_labels(3)
    assert truth.accuracy(traces.rows, traces.cols, found) >= 0.95
    # the Pearson map against grain 1, cut between what grain 3 and what grain 2 reaches
    of_pixels = truth.grains[traces.rows.astype(int), traces.cols.astype(int)]
    reference = traces.values[of_pixels == 1].mean(axis=0)
    pcc = np.array([np.corrcoef(reference, pixel)[0, 1] for pixel in traces.values])
    merged = pcc > 0.6
    assert merged[of_pixels == 1].all()
    assert merged[of_pixels == 2].mean() > 0.95
    assert merged[of_pixels == 3].mean() < 0.25  # those that grain 1's light is blurred into


def test_the_noiseless_traces_correlate_as_asked():
    for trend_pcc in (0.0, 0.5, 1.0):
        _, truth = simulate_assembly(trend_pcc=trend_pcc, n_frames=2000)
        pcc = np.corrcoef(truth.levels[:2])[0, 1]
        assert pcc == pytest.approx(trend_pcc, abs=0.01)  # levels are cut at 0.05
        assert truth.levels.mean(axis=1) == pytest.approx(1, abs=0.01)


def test_pixels_of_grains_are_above_the_threshold_and_background_below():
    frames, truth = simulate_assembly(**LAYOUTS[1], seed=1)
    average = frames.mean(axis=0)
    assert average[truth.grains > 0].min() > 200
    away = ndimage.distance_transform_edt(truth.grains == 0) > 4
    # no blur reaches there: background and offset
    assert average[away] == pytest.approx(40, abs=1)
    filled, _ = simulate_assembly(n_frames=100)
    assert filled.mean(axis=0).min() > 200


def test_expected_counts_are_those_of_the_truth():
    frames, truth = simulate_assembly(**SMALL)
    expected = np.einsum("gf,grc->frc", truth.levels, truth.light) + 40
    # Gamma(Poisson) noise: variance 2 λ + 25; five standard deviations of the mean
    error = np.sqrt((2 * expected + 25).sum()) / frames.size
    assert frames.mean() == pytest.approx(expected.mean(), abs=5 * error)


@pytest.mark.parametrize("layout", ["domains", "crystals"])
@pytest.mark.parametrize(("shape", "n_grains"), [((20, 20), 3), ((64, 64), 12), ((40, 90), 5)])
def test_grains_are_whole_and_1_touches_2(layout, shape, n_grains):
    for seed in range(5):
        grains = grain_image(np.random.default_rng(seed), shape, n_grains, layout)
        assert set(np.unique(grains)) - {0} == set(range(1, n_grains + 1))
        assert (grains == 0).any() == (layout == "crystals")
        sizes = np.bincount(grains.ravel())[1:]
        assert sizes.min() >= FEWEST_PIXELS
        for i in range(1, n_grains + 1):
            assert ndimage.label(grains == i)[1] == 1
        assert (ndimage.binary_dilation(grains == 1) & (grains == 2)).any()


def test_a_grain_s_trace_does_not_depend_on_the_others():
    few, many = (simulate_assembly(**SMALL, n_grains=n)[1].levels for n in (3, 6))
    assert np.array_equal(few, many[:3])


def test_same_seed_same_bytes_in_memory_and_on_disk(tmp_path, monkeypatch):
    frames, truth = simulate_assembly(**SMALL, seed=3)
    many = write_assembly_movie(tmp_path / "many.tif", **SMALL, seed=3)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    one = write_assembly_movie(tmp_path / "one.tif", **SMALL, seed=3)
    assert many.path.read_bytes() == one.path.read_bytes()
    assert np.array_equal(tifffile.imread(one.path), frames)
    assert np.array_equal(one.truth.grains, truth.grains)
    assert not np.array_equal(simulate_assembly(**SMALL, seed=4)[0], frames)


def test_movie_label_image_and_recipe_are_written_beside_each_other(tmp_path):
    files = write_assembly_movie(tmp_path / "deep" / "a.ome.tif", **SMALL, pixel_size_um=0.1)
    assert files.grains_path == tmp_path / "deep" / "a_grains.tif"
    labels = tifffile.imread(files.grains_path)
    assert labels.dtype == np.uint16
    assert np.array_equal(labels, files.truth.grains)
    recipe = json.loads(files.recipe_path.read_text())
    assert (recipe["movie"], recipe["n_grains"], recipe["trend_pcc"]) == ("a.ome.tif", 3, 0.81)
    movie = open_movie(files.path)
    assert (movie.n_frames, movie.n_rows, movie.n_cols) == (230, 14, 17)
    assert (movie.dt_s, movie.pixel_size_um) == (0.1, 0.1)


def test_a_folder_gets_a_named_movie(tmp_path):
    files = write_assembly_movie(tmp_path / "movies", **SMALL, seed=5)
    assert files.path == tmp_path / "movies" / "assembly_5.tif"
    with pytest.raises(OutputError, match="--overwrite"):
        write_assembly_movie(files.path, **SMALL)
    assert write_assembly_movie(files.path, overwrite=True, **SMALL).path == files.path


def test_accuracy_counts_pixels_of_grains_only():
    _, truth = simulate_assembly(**LAYOUTS[1], n_frames=2)
    rows, cols = np.nonzero(truth.grains)
    labels = np.array([0, 7, 2, 5])[truth.grains[rows, cols]]
    assert truth.accuracy(rows, cols, labels) == 1
    labels[0] = 0
    assert truth.accuracy(rows, cols, labels) == 1 - 1 / rows.size
    background = np.nonzero(truth.grains == 0)
    everywhere = [np.concatenate(pair) for pair in zip((rows, cols), background, strict=True)]
    padded = np.concatenate([labels, np.ones(background[0].size, int)])
    assert truth.accuracy(*everywhere, padded) == 1 - 1 / rows.size
    with pytest.raises(SettingsError, match="none of these pixels is in a grain"):
        truth.accuracy(*background, np.zeros(background[0].size, int))


@pytest.mark.parametrize("n_grains", [1, 2])
def test_few_grains(n_grains):
    frames, truth = simulate_assembly(**SMALL, n_grains=n_grains)
    assert truth.grains.max() == n_grains
    assert frames.shape == (230, 14, 17)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"n_grains": 0}, "must all be above 0"),
        ({"n_frames": 1}, "at least 2 frames"),
        ({"modulation": -0.1}, "must all be at least 0"),
        ({"trend_pcc": 1.2}, "from 0 to 1"),
        ({"psf_sigma_px": float("nan")}, "finite numbers"),
        ({"layout": "rocks"}, "choose domains or crystals"),
        ({"n_grains": 100}, "100 grains of at least 9 pixels don't fit into 20 × 20 pixels"),
        ({"n_grains": 30, "layout": "crystals"}, "don't fit into 20 × 20 pixels"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
    ],
)
def test_bad_recipes_are_refused(tmp_path, recipe, message):
    with pytest.raises(SettingsError, match=message):
        write_assembly_movie(tmp_path / "m.tif", **recipe)
    assert not list(tmp_path.iterdir())


def test_recipe_defaults_are_the_published_scene():
    recipe = AssemblyRecipe()
    assert (recipe.n_rows * recipe.n_cols, recipe.n_frames, recipe.dt_s) == (400, 6000, 0.1)


def test_the_command_line_writes_an_assembly(tmp_path):
    movie = tmp_path / "a.tif"
    given = ["--scene", "crystals", "--grains", "2", "--size", "24x30", "--frames", "40"]
    CliRunner().invoke(app, ["simulate", str(movie), *given], catch_exceptions=False)
    assert tifffile.imread(movie).shape == (40, 24, 30)
    assert set(np.unique(tifffile.imread(tmp_path / "a_grains.tif"))) == {0, 1, 2}
    CliRunner().invoke(app, ["simulate", str(tmp_path / "b.tif"), "--scene", "assembly"])
    assert open_movie(tmp_path / "b.tif").n_frames == 6000
