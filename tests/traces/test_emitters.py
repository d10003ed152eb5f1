"""Detection: emitters of simulated scenes, nothing in noise, distractors dropped, real data."""

import numpy as np
import pytest
import tifffile
from scipy.spatial import cKDTree

from tests.support.movies import array_movie, background_movie, stack_movie
from umlpsd_gpu.simulate.movie import AGGREGATE, simulate_movie
from umlpsd_gpu.traces.emitters import detect_emitters
from umlpsd_gpu.traces.images import MovieImages, temporal_images
from umlpsd_gpu.traces.settings import TracesSettings

SETTINGS = TracesSettings()


def spot(shape, row, col, height=100.0, sigma_px=1.3):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return height * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * sigma_px**2))


def still_images(*spots, shape=(64, 64), seed=0):
    """Images of a scene that never blinks: the variance is noise only."""
    rng = np.random.default_rng(seed)
    mean = 20 + rng.normal(0, 0.5, shape) + sum(spots, np.zeros(shape))
    return MovieImages(mean, rng.chisquare(30, shape) / 30, 32)


def matches(found, truth):
    true = np.stack([truth.rows, truth.cols], axis=1)[truth.classes != AGGREGATE]
    places = np.stack([found.rows, found.cols], axis=1)
    return cKDTree(places).query(true)[0], cKDTree(true).query(places)[0]


@pytest.mark.parametrize("scene", [{}, {"n_aggregates": 6}])
@pytest.mark.parametrize("seed", range(2))
def test_simulated_emitters_are_found_and_nothing_else(tmp_path, scene, seed):
    truth = simulate_movie(tmp_path / "m.tif", seed=seed, n_frames=800, **scene)
    found = detect_emitters(temporal_images(stack_movie(truth.path)), SETTINGS)
    to_found_px, to_true_px = matches(found, truth)
    assert np.mean(to_found_px <= 1) >= 0.9
    assert np.mean(to_true_px > 1) <= 0.05
    assert np.sqrt(np.mean(to_found_px[to_found_px <= 1] ** 2)) < 0.15
    assert found.dropped.get("too wide", 0) == scene.get("n_aggregates", 0)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_an_independent_detector_agrees(tmp_path):
    trackpy = pytest.importorskip("trackpy")
    truth = simulate_movie(tmp_path / "m.tif", n_frames=800, seed=4)
    images = temporal_images(stack_movie(truth.path))
    found = detect_emitters(images, SETTINGS)
    features = trackpy.locate(images.mean, diameter=7, minmass=10, separation=5)
    places = np.stack([found.rows, found.cols], axis=1)
    distance_px, _ = cKDTree(features[["y", "x"]].to_numpy()).query(places)
    assert np.mean(distance_px < 0.5) >= 0.95


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_gives_no_emitter(seed):
    movie = array_movie(background_movie(40, 512, 512, seed=seed, level=5.0 + 15.0 * (seed % 2)))
    found = detect_emitters(temporal_images(movie), SETTINGS)
    assert found.n_emitters == 0
    assert 3 < found.brightest.snr < 8
    assert found.threshold == SETTINGS.detection_snr


def test_an_emitter_dark_most_of_the_time_is_found():
    frames = background_movie(2000, 48, 48).astype(np.float64)
    flash = spot((48, 48), 20.2, 30.7, height=20.0)
    frames[640:700] += flash
    found = detect_emitters(temporal_images(array_movie(frames)), SETTINGS)
    assert found.n_emitters == 1
    assert (found.rows[0], found.cols[0]) == pytest.approx((20.2, 30.7), abs=0.3)


def test_uneven_background_is_no_emitter():
    rows, cols = np.mgrid[:128, :96]
    glow = 400 * np.exp(-((rows - 70) ** 2 + (cols - 30) ** 2) / (2 * 40.0**2))
    rng = np.random.default_rng(2)
    mean = 20 + glow + rng.normal(0, 1, glow.shape) * np.sqrt(20 + glow) / 20
    deviation_noise = rng.chisquare(30, glow.shape) / 30 * (20 + glow)
    images = MovieImages(mean + spot(glow.shape, 90, 60, 10), deviation_noise, 32)
    found = detect_emitters(images, SETTINGS)
    assert found.n_emitters == 1
    assert (found.rows[0], found.cols[0]) == pytest.approx((90, 60), abs=0.3)


@pytest.mark.parametrize(("row", "col"), [(20, 30), (20.5, 30.5), (19.7, 30.3)])
@pytest.mark.parametrize("sigma_px", [1.0, 1.3, 1.8])
def test_position_and_width_of_a_clear_spot(row, col, sigma_px):
    images = still_images(spot((64, 64), row, col, sigma_px=sigma_px))
    found = detect_emitters(images, SETTINGS)
    assert (found.rows[0], found.cols[0]) == pytest.approx((row, col), abs=0.03)
    assert found.size_ratio[0] == pytest.approx(sigma_px / SETTINGS.psf_sigma_px, rel=0.05)


def test_what_is_no_single_emitter_is_dropped_and_counted():
    shape = (64, 64)
    hot_pixel = np.zeros(shape)
    hot_pixel[50, 10] = 300
    images = still_images(
        spot(shape, 20, 20),
        spot(shape, 20, 24),  # a neighbour at 4 px
        spot(shape, 45, 45, sigma_px=2.6),  # an aggregate
        spot(shape, 10, 62.5),  # its box leaves the image
        spot(shape, 45, 25),  # the only emitter
        hot_pixel,
    )
    found = detect_emitters(images, SETTINGS)
    assert found.dropped == {
        "at the border": 1,
        "too narrow": 1,
        "too near another": 2,
        "too wide": 1,
    }
    assert (found.rows[0], found.cols[0]) == pytest.approx((45, 25), abs=0.05)
    assert (found.n_emitters, found.n_candidates) == (1, 6)
    assert len(found.other_rows) == len(found.other_cols) == 5


def test_a_much_fainter_neighbour_does_no_harm_but_is_dropped():
    shape = (64, 64)
    images = still_images(spot(shape, 30, 30, 400), spot(shape, 30, 37, 30))
    found = detect_emitters(images, TracesSettings(min_separation_px=8))
    assert found.dropped == {"too near another": 1}
    assert (found.rows[0], found.cols[0]) == pytest.approx((30, 30), abs=0.1)


def test_smaller_separation_keeps_both_neighbours():
    images = still_images(spot((64, 64), 20, 20), spot((64, 64), 20, 24.8))
    assert detect_emitters(images, SETTINGS).n_emitters == 0
    found = detect_emitters(images, TracesSettings(min_separation_px=4))
    # each pulls the other's windowed centroid a little
    assert found.cols == pytest.approx([20, 24.8], abs=0.3)


def test_drift_keeps_emitters_away_from_the_lost_edge():
    images = still_images(spot((64, 64), 59, 30), spot((64, 64), 5, 30))
    assert detect_emitters(images, SETTINGS).n_emitters == 2
    drifting = MovieImages(images.mean, images.variance, 32, lost_px=(0.0, 4.0, 0.0, 0.0))
    found = detect_emitters(drifting, SETTINGS)
    assert found.rows == pytest.approx([5], abs=0.1)
    assert found.dropped == {"at the border": 1}


def test_emitters_come_by_row_then_column():
    places = [(50, 12), (12, 50), (12.4, 20), (30, 30)]
    found = detect_emitters(still_images(*(spot((64, 64), *p) for p in places)), SETTINGS)
    assert np.all(np.diff(found.rows) >= 0)
    assert found.n_emitters == 4


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 40), (17, 5)])
def test_tiny_and_constant_images_hold_nothing(shape):
    constant = MovieImages(np.full(shape, 7.0), np.zeros(shape), 1)
    found = detect_emitters(constant, SETTINGS)
    assert found.n_candidates == 0
    assert found.brightest.snr < 1


def test_pixels_that_are_not_finite_are_ignored():
    images = still_images(spot((64, 64), 30, 30))
    images.mean[5, 5], images.mean[50, 50] = np.nan, np.inf
    images.variance[5, 5] = np.nan
    found = detect_emitters(images, SETTINGS)
    assert found.rows == pytest.approx([30], abs=0.05)
    nothing = MovieImages(np.full((9, 9), np.nan), np.full((9, 9), np.nan), 1)
    assert detect_emitters(nothing, SETTINGS).n_candidates == 0


def test_real_single_fluorophores(shared_data):
    frames = tifffile.imread(shared_data / "tirf_nucleosomes_1000x64x64_u16.tif")
    found = detect_emitters(temporal_images(array_movie(frames)), SETTINGS)
    # spots marked by eye in the time average and the deviation
    by_eye = [(56, 58), (47, 48), (32, 34), (37, 36), (13, 21), (6, 54), (18, 54), (57, 17)]
    places = np.stack([found.rows, found.cols], axis=1)
    assert cKDTree(places).query(by_eye)[0].max() < 1
    assert 15 <= found.n_emitters <= 30
