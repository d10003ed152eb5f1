"""From a movie to traces in one call: emitters, pixels, and what to say when there are none."""

import dataclasses

import numpy as np
import pytest

from tests.support.movies import array_movie, background_movie, stack_movie
from umlpsd_gpu.errors import MovieError, SettingsError, TracesError
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.traces.extract import extract, extract_emitters
from umlpsd_gpu.traces.pixel_extraction import extract_pixels
from umlpsd_gpu.traces.settings import TracesSettings


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    return simulate_movie(folder / "scene.tif", n_emitters=12, n_rows=64, n_cols=64, n_frames=600)


def bright_square(level=500, n_frames=70):
    frames = background_movie(n_frames, 30, 41)
    frames[:, 10:15, 20:26] += np.uint16(level)
    return frames


def test_emitters_become_traces(scene):
    traces = extract_emitters(stack_movie(scene.path, dt_s=0.03))
    assert traces.values.shape == (12, 600)
    assert traces.dt_s == 0.03
    assert traces.ids[:2] == ("scene.tif:0", "scene.tif:1")
    assert set(traces.source) == {"scene.tif"}
    assert np.all(np.diff(traces.rows) >= 0)
    assert "12 emitters" in traces.history[0]


def test_extraction_keeps_the_image_and_counts_what_was_dropped(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", n_emitters=20, n_aggregates=2, n_frames=600)
    movie = stack_movie(truth.path)
    extraction = extract(movie, TracesSettings())
    assert extraction.mean_image == pytest.approx(movie.read_frames(0, 600).mean(axis=0))
    assert "2 too wide" in extraction.note


def test_memory_bound_and_threads_change_no_bit(scene):
    whole = extract(stack_movie(scene.path), TracesSettings(), n_threads=1)
    pieces = extract(stack_movie(scene.path, memory_mb=0.05), TracesSettings(), n_threads=3)
    assert np.array_equal(whole.traces.values, pieces.traces.values)
    assert np.array_equal(whole.traces.rows, pieces.traces.rows)
    assert np.array_equal(whole.mean_image, pieces.mean_image)


def test_an_empty_movie_names_the_threshold_and_the_brightest_candidate():
    with pytest.raises(TracesError, match=r"detection_snr = 6; the brightest .* \d\.\d+ times"):
        extract_emitters(array_movie(background_movie()))


def test_a_movie_of_dropped_spots_says_why(tmp_path):
    truth = simulate_movie(
        tmp_path / "m.tif", n_emitters=0, n_aggregates=2, n_rows=64, n_cols=64, n_frames=300
    )
    with pytest.raises(TracesError, match=r"2 too wide"):
        extract_emitters(stack_movie(truth.path))


def test_an_unknown_frame_interval_is_asked_for_before_any_work():
    movie = dataclasses.replace(array_movie(background_movie()), dt_s=None)
    with pytest.raises(MovieError, match="--dt-s"):
        extract_emitters(movie)
    with pytest.raises(MovieError, match="--dt-s"):
        extract_pixels(movie)


@pytest.mark.parametrize("threshold", [None, 300.0])
def test_bright_pixels_become_traces(threshold):
    frames = bright_square()
    traces = extract_pixels(array_movie(frames, memory_mb=0.01), threshold)
    assert traces.n_traces == 5 * 6
    assert (traces.rows.min(), traces.rows.max()) == (10, 14)
    assert (traces.cols.min(), traces.cols.max()) == (20, 25)
    assert np.array_equal(traces.values, frames[:, 10:15, 20:26].reshape(70, 30).T)
    assert ("Otsu" in traces.history[0]) == (threshold is None)
    assert len(set(traces.ids)) == 30


def test_pixel_mode_of_the_settings_takes_pixels():
    settings = TracesSettings(mode="pixels", threshold=300.0)
    extraction = extract(array_movie(bright_square()), settings)
    assert extraction.traces.n_traces == 30
    assert "30 pixels above 300 counts in the time average (given threshold)" in extraction.note


def test_a_threshold_above_every_pixel_is_refused():
    with pytest.raises(TracesError, match=r"threshold of 9000.0 counts; the brightest has 6\d\d"):
        extract_pixels(array_movie(bright_square()), threshold=9000.0)


@pytest.mark.parametrize("threshold", [-1.0, np.nan, np.inf])
def test_a_threshold_that_makes_no_sense_is_refused(threshold):
    with pytest.raises(SettingsError, match=r"setting traces\.threshold must be"):
        extract_pixels(array_movie(bright_square()), threshold=threshold)


def test_pixels_that_are_not_finite_at_times_are_kept_and_flagged():
    frames = bright_square().astype(np.float64)
    frames[7, 12, 22] = np.nan
    frames[3:9, 13, 23] = np.inf
    frames[:, 0, 0] = np.nan
    for threshold, memory_mb in [(300.0, 256), (None, 256), (None, 0.01)]:
        traces = extract_pixels(array_movie(frames, memory_mb=memory_mb), threshold)
        assert traces.n_traces == 30
        assert traces.usable().sum() == 28
        square = frames[:, 10:15, 20:26].reshape(70, 30).T
        assert np.array_equal(traces.values, square.astype(np.float32), equal_nan=True)


def test_averages_over_finite_frames_decide():
    frames = np.full((5, 4, 3), 10.0)
    frames[:, 1, 1] = [np.nan, 90, 110, 100, np.nan]
    assert extract_pixels(array_movie(frames), 99.0).n_traces == 1
    with pytest.raises(TracesError, match=r"threshold of 101.0 counts; the brightest has 100"):
        extract_pixels(array_movie(frames), 101.0)


def test_movies_without_contrast_are_named():
    with pytest.raises(TracesError, match="no pixel is finite in any frame"):
        extract_pixels(array_movie(np.full((5, 4, 3), np.nan)))
    constant = np.full((40, 31, 31), 7, np.uint16)
    with pytest.raises(TracesError, match=r"constant at 7 counts .* no threshold"):
        extract_pixels(array_movie(constant))
    with pytest.raises(TracesError, match="every pixel of the movie is constant at 7 counts"):
        extract_emitters(array_movie(constant))
    frames = np.random.default_rng(0).normal(100, 5, (40, 31, 31))
    frames[:] = np.nan
    with pytest.raises(TracesError, match="frame 0 contains NaN or infinity"):
        extract_emitters(array_movie(frames, memory_mb=0.05))
