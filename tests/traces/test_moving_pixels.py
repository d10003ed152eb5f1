"""Pixels of extended objects follow a sample that moves."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from umlpsd_gpu import extract_pixels, open_movie
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.registered import register, seen_throughout
from umlpsd_gpu.traces.settings import TracesSettings
from umlpsd_gpu.traces.texture_motion import EdgeRegistration, find_texture_motion

N_FRAMES = 800
PIXELS = TracesSettings(mode="pixels", threshold=200)


def scene(layout="crystals", size=32, seed=1):
    return simulate_assembly(
        layout=layout, n_rows=size, n_cols=size, n_frames=N_FRAMES, n_grains=4, seed=seed
    )


def moved(frames, drift):
    """Return the frames as a camera sees them if the sample is displaced."""
    shifted = [
        ndimage.shift(frame.astype(np.float64), place, order=1, mode="nearest")
        for frame, place in zip(frames, drift, strict=True)
    ]
    return np.array(shifted).round().astype(np.uint16)


def jump(at, place):
    return np.where(np.arange(N_FRAMES)[:, None] < at, 0.0, np.array(place, dtype=float))


def opened(tmp_path, frames):
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack")
    return open_movie(tmp_path / "movie.tif", dt_s=0.1)


def agreement(found, frames):
    """Return the median correlation of slow changes with those of the sample at rest."""
    slow = [
        ndimage.uniform_filter1d(values.astype(np.float64), 40, axis=1)
        for values in (found.values, frames[:, found.rows.astype(int), found.cols.astype(int)].T)
    ]
    return np.median([np.corrcoef(a, b)[0, 1] for a, b in zip(*slow, strict=True)])


@pytest.mark.parametrize("layout", ["crystals", "domains"])
@pytest.mark.parametrize(
    "drift",
    [np.linspace(0, 1, N_FRAMES)[:, None] * [4.0, -2.0], jump(370, (3, 4)), jump(100, (-5, 2))],
    ids=["slow", "jump", "early jump"],
)
def test_pixels_follow_the_sample(layout, drift, tmp_path):
    frames, _ = scene(layout)
    found = extract(opened(tmp_path, moved(frames, drift)), PIXELS)
    assert "and the pixels follow it" in found.note
    assert agreement(found.traces, frames) > 0.95
    seen = seen_throughout(frames.shape[1:], drift)
    inside = seen[found.traces.rows.astype(int), found.traces.cols.astype(int)]
    assert inside.mean() > 0.97
    assert np.isfinite(found.traces.values).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layout", ["crystals", "domains"])
def test_a_sample_at_rest_is_left_alone(layout, seed, tmp_path):
    frames, _ = scene(layout, seed=seed)
    movie = opened(tmp_path, frames)
    found = extract(movie, PIXELS)
    assert "moved" not in found.note
    expected = frames[:, found.traces.rows.astype(int), found.traces.cols.astype(int)].T
    np.testing.assert_array_equal(found.traces.values, expected)


@settings(max_examples=12, deadline=None)
@given(
    place=st.tuples(st.integers(-6, 6), st.integers(-6, 6)).filter(lambda p: np.hypot(*p) >= 3),
    at=st.integers(2, 6),
    seed=st.integers(0, 5),
)
def test_any_jump_of_the_segments_is_found(place, at, seed):
    frames, _ = scene("crystals", seed=seed)
    averages = frames.reshape(8, -1, 32, 32).mean(axis=1)
    segments = [
        ndimage.shift(image, place if i >= at else (0, 0), order=1, mode="nearest")
        for i, image in enumerate(averages)
    ]
    path = find_texture_motion(segments, 1)
    # less than half a pixel: the right pixel is followed (largest of 307 places: 0.35 px)
    np.testing.assert_allclose(path[:at], 0, atol=0.5)
    np.testing.assert_allclose(path[at:] - np.array(place, dtype=float), 0, atol=0.5)


def test_the_verb_follows_unless_it_is_told_not_to(tmp_path):
    frames, _ = scene()
    drift = jump(400, (4, 3))
    movie = opened(tmp_path, moved(frames, drift))
    assert agreement(extract_pixels(movie, threshold=200), frames) > 0.95
    fixed = extract_pixels(movie, threshold=200, drift_correction=False)
    np.testing.assert_array_equal(
        fixed.values, moved(frames, drift)[:, fixed.rows.astype(int), fixed.cols.astype(int)].T
    )
    told = extract(movie, PIXELS.model_copy(update={"drift_correction": "off"}))
    assert "the pixels stay where they are" in told.note


def test_registered_frames_are_what_interpolation_gives(tmp_path):
    frames, _ = scene()
    drift = np.random.default_rng(0).uniform(-4, 4, (N_FRAMES, 2))
    movie = opened(tmp_path, frames)
    again = register(movie, drift)
    assert isinstance(again, Movie)
    for t, frame in enumerate(again.read_frames(5, 9), 5):
        expected = ndimage.shift(frames[t].astype(np.float64), -drift[t], order=1, mode="nearest")
        np.testing.assert_allclose(frame, expected, rtol=1e-5)


def test_pixels_beyond_the_edge_are_not_seen_throughout():
    drift = np.array([[0, 0], [1.5, -2]])
    seen = seen_throughout((6, 8), drift)
    rows, cols = np.nonzero(seen)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (0, 3, 2, 7)


def test_small_or_empty_images_tell_no_place():
    registration = EdgeRegistration()
    assert registration.locate(np.ones((40, 40))) is None
    assert registration.locate(np.random.default_rng(1).normal(size=(8, 8))) is None
    np.testing.assert_array_equal(find_texture_motion([np.ones((40, 40))] * 3, 1), 0)


def test_images_of_other_scenes_tell_no_place():
    rng = np.random.default_rng(2)
    registration = EdgeRegistration()
    first, other = (
        ndimage.gaussian_filter(rng.normal(size=(64, 64)), 3, mode="wrap") for _ in range(2)
    )
    np.testing.assert_array_equal(registration.locate(first), 0)
    assert registration.locate(other) is None
