"""Photometry: against plain loops, whole counts, background, NaN, drift, same bits every way."""

import numpy as np
import pytest

from tests.support import reference
from tests.support.movies import array_movie, background_movie, stack_movie
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.scene import spot_images
from umlpsd_gpu.traces.photometry import measure_emitters
from umlpsd_gpu.traces.settings import TracesSettings

BOX = TracesSettings()
GAUSSIAN = TracesSettings(photometry="gaussian")


def still_spots(positions, counts, shape=(48, 52), n_frames=5):
    light = spot_images(np.array(positions), np.full(len(positions), 1.3), shape)
    image = (np.asarray(counts) @ light.toarray()).reshape(shape)
    return np.repeat(image[None], n_frames, axis=0)


@pytest.mark.parametrize(("row", "col"), [(20, 25), (8, 8), (3, 30), (39, 2)])
def test_box_equals_plain_loops(row, col):
    frames = np.random.default_rng(0).integers(0, 5000, (3, 41, 37)).astype(np.uint16)
    values = measure_emitters(array_movie(frames), np.array([row]), np.array([col]), BOX)
    expected = reference.box_photometry(frames, row, col, 2, 4.0, 7.0)
    assert values[0] == pytest.approx(np.array(expected), rel=SUM_FLOAT64, abs=1e-7)


@pytest.mark.parametrize(("row", "col"), [(20.0, 25.0), (20.5, 25.5), (20.31, 24.78)])
def test_gaussian_weights_estimate_all_counts(row, col):
    movie = array_movie(still_spots([(row, col)], [1000.0]))
    total = measure_emitters(movie, np.array([row]), np.array([col]), GAUSSIAN)
    assert total == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize(("row", "col"), [(20.0, 25.0), (20.5, 25.5), (20.31, 24.78)])
def test_box_holds_the_same_share_wherever_the_spot_sits_on_a_pixel(row, col):
    movie = array_movie(still_spots([(row, col)], [1000.0]))
    boxed = measure_emitters(movie, np.array([row]), np.array([col]), BOX)
    # erf(2.5 / (√2 · 1.3))² = 0.894 of a Gaussian spot, less what the ring sees of it and, between
    # pixels, 3 %: pixels that the box covers in part are taken as evenly lit
    assert boxed == pytest.approx(875, rel=0.025)


@pytest.mark.parametrize("settings", [BOX, GAUSSIAN])
def test_level_and_slope_of_the_background_vanish(settings):
    rows, cols = np.mgrid[:48, :52]
    level = np.arange(5.0)[:, None, None] * 1000
    frames = level + 3.0 * rows - 2.0 * cols + still_spots([(20, 25)], [500.0])
    sloping = measure_emitters(array_movie(frames), np.array([20]), np.array([25]), settings)
    flat = measure_emitters(
        array_movie(still_spots([(20, 25)], [500.0])), np.array([20]), np.array([25]), settings
    )
    assert sloping == pytest.approx(flat, abs=1e-8)


def test_rings_avoid_other_spots():
    both = still_spots([(20, 20), (20, 25.5)], [1000.0, 5000.0])
    alone = still_spots([(20, 20)], [1000.0])
    where = np.array([20.0]), np.array([20.0])
    neighbour = np.array([[20.0, 25.5]])
    expected = measure_emitters(array_movie(alone), *where, BOX)
    naive = measure_emitters(array_movie(both), *where, BOX)
    avoiding = measure_emitters(array_movie(both), *where, BOX, others=neighbour)
    assert np.abs(avoiding - expected).max() < 0.2 * np.abs(naive - expected).max()


def test_a_ring_full_of_spots_still_gives_a_background():
    frames = np.full((2, 40, 40), 50.0)
    crowd = np.stack(np.meshgrid(np.arange(8, 33, 3), np.arange(8, 33, 3)), axis=-1).reshape(-1, 2)
    values = measure_emitters(array_movie(frames), *crowd.T.astype(float), BOX)
    assert values == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("settings", [BOX, GAUSSIAN])
def test_memory_bound_and_threads_change_no_bit(settings):
    frames = background_movie(131, 40, 45)
    rows, cols = np.array([10.2, 20.7, 30.0]), np.array([12.1, 33.3, 20.5])
    drift = np.linspace(0, 1, 131)[:, None] * [1.0, -2.0]
    for moving in (None, drift):
        whole = measure_emitters(array_movie(frames), rows, cols, settings, moving, n_threads=1)
        for memory_mb, n_threads in ((1e-6, 2), (0.03, 1), (0.2, 3)):
            movie = array_movie(frames, memory_mb=memory_mb)
            pieces = measure_emitters(movie, rows, cols, settings, moving, n_threads=n_threads)
            assert np.array_equal(pieces, whole)


def test_an_emitter_does_not_depend_on_distant_ones():
    frames = background_movie(20, 60, 60)
    one = measure_emitters(array_movie(frames), np.array([15.3]), np.array([15.8]), BOX)
    two = measure_emitters(array_movie(frames), np.array([15.3, 45.0]), np.array([15.8, 40.0]), BOX)
    assert np.array_equal(two[:1], one)


def test_apertures_follow_the_drift():
    n_frames = 320
    drift = np.linspace(0, 6, n_frames)[:, None] * [1.0, 0.5]
    frames = np.concatenate(
        [still_spots([(15 + down, 20 + across)], [1000.0], n_frames=1) for down, across in drift]
    )
    where = np.array([15.0]), np.array([20.0])
    following = measure_emitters(array_movie(frames), *where, GAUSSIAN, drift)
    staying = measure_emitters(array_movie(frames), *where, GAUSSIAN)
    assert following == pytest.approx(1000, rel=0.03)
    assert staying[0, -1] < 100


@pytest.mark.parametrize("ugly", [np.nan, np.inf, -np.inf])
def test_ugly_pixels_spoil_their_emitter_in_their_frame_only(ugly):
    frames = background_movie(10, 60, 60).astype(np.float64)
    frames[4, 20, 21] = ugly
    rows, cols = np.array([20.0, 45.0]), np.array([20.0, 45.0])
    values = measure_emitters(array_movie(frames), rows, cols, BOX)
    assert np.argwhere(np.isnan(values)).tolist() == [[0, 4]]
    assert np.isfinite(values[1]).all()


@pytest.mark.parametrize("photometry", ["box", "gaussian"])
def test_traces_of_a_simulated_movie_follow_their_truth(tmp_path, photometry):
    truth = simulate_movie(tmp_path / "m.tif", n_emitters=12, n_frames=1500, n_rows=64, n_cols=64)
    values = measure_emitters(
        stack_movie(truth.path), truth.rows, truth.cols, TracesSettings(photometry=photometry)
    )
    emitted = truth.on_counts[:, None] * truth.shapes
    share = 1.0 if photometry == "gaussian" else 0.88
    assert values.mean(axis=1) == pytest.approx(share * emitted.mean(axis=1), rel=0.05)
    smooth, true = (x.reshape(12, 75, 20).mean(axis=2) for x in (values, emitted))
    blinks = np.ptp(true, axis=1) > 100
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(smooth, true, strict=True)]
    assert blinks.sum() >= 6
    assert np.array(correlation)[blinks].min() > 0.9


def test_no_emitters_give_no_traces():
    nowhere = np.empty(0)
    assert measure_emitters(array_movie(background_movie(4)), nowhere, nowhere, BOX).shape == (0, 4)


def test_a_ring_inside_the_box_is_refused():
    settings = TracesSettings(box_radius_px=5)
    with pytest.raises(SettingsError, match="ring_inner_px = 4"):
        measure_emitters(array_movie(background_movie(2)), np.array([9]), np.array([9]), settings)


@pytest.mark.parametrize(("row", "col"), [(-3.0, 10.0), (10.0, 64.0)])
def test_positions_outside_the_image_are_refused(row, col):
    movie = array_movie(background_movie(2))
    with pytest.raises(TracesError, match="outside the image of 64 × 64 pixels"):
        measure_emitters(movie, np.array([row]), np.array([col]), BOX)
