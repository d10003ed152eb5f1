"""Drift: recovered from simulated movies, zero where nothing moves, emitters found all the same."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from tests.support.movies import array_movie, background_movie, stack_movie
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.traces.drift import estimate_drift
from umlpsd_gpu.traces.extract import extract_emitters
from umlpsd_gpu.traces.settings import TracesSettings


def rms(difference):
    return np.sqrt((difference**2).sum(axis=1).mean())


def test_five_pixels_of_drift_are_recovered_and_followed(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", n_frames=2000, drift_px=5.0, seed=3)
    movie = stack_movie(truth.path)
    drift = estimate_drift(movie)
    assert drift.shape == (2000, 2)
    assert rms(drift - truth.recipe.drift()) < 0.3
    found = extract_emitters(movie, TracesSettings(drift_correction=True))
    places = np.stack([found.rows, found.cols], axis=1)
    true = np.stack([truth.rows, truth.cols], axis=1)
    distance_px, emitter = cKDTree(true).query(places)
    assert found.n_traces >= 0.9 * 60
    assert np.mean(distance_px > 1) <= 0.05
    emitted = (truth.on_counts[:, None] * truth.shapes)[emitter]
    assert np.median(found.values.mean(axis=1) / emitted.mean(axis=1)) == pytest.approx(
        0.87, abs=0.03
    )
    assert "drift" in " ".join(found.history)


def test_a_still_scene_does_not_drift(tmp_path):
    truth = simulate_movie(tmp_path / "m.tif", n_frames=1000, n_rows=96, n_cols=80, n_emitters=25)
    assert rms(estimate_drift(stack_movie(truth.path))) < 0.1


@pytest.mark.parametrize("n_frames", [1, 49, 51])
def test_short_movies_and_empty_ones_have_a_drift_for_every_frame(n_frames):
    drift = estimate_drift(array_movie(np.full((n_frames, 16, 17), 9, np.uint8)))
    assert drift.shape == (n_frames, 2)
    assert np.isfinite(drift).all()


def test_memory_bound_and_threads_change_no_bit():
    frames = background_movie(230, 32, 40)
    whole = estimate_drift(array_movie(frames), n_threads=1)
    for memory_mb, n_threads in ((1e-6, 1), (0.05, 3)):
        pieces = estimate_drift(array_movie(frames, memory_mb=memory_mb), n_threads=n_threads)
        assert np.array_equal(pieces, whole)
