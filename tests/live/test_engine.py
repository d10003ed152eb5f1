"""The engine: the same traces and names however the frames arrive."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.live.helpers import LIVE, QUICK, feed, finish_jobs
from tests.support.movies import array_movie, background_movie
from umlpsd_gpu.errors import MovieError, OutputInUseError, TracesError
from umlpsd_gpu.live.engine import Engine
from umlpsd_gpu.traces.photometry import measure_emitters

N = 500
ARRIVALS = {
    "one by one": range(2, N + 1),
    "at once": [N],
    "in bursts": [40, 41, 130, 130, 130, 377, N],
}


@pytest.fixture(scope="module")
def snapshots(blinking, tmp_path_factory):
    """The last snapshots of the same movie that arrived in several ways."""
    found = {}
    for name, counts in ARRIVALS.items():
        engine = feed(blinking, counts, tmp_path_factory.mktemp("live"))
        found[name] = engine.snapshot("recording", N)
        engine.close()
    return found


@pytest.mark.parametrize("name", list(ARRIVALS)[1:])
def test_arrival_changes_no_bit_of_traces_names_and_images(snapshots, name):
    one, other = snapshots["one by one"], snapshots[name]
    assert one.traces.ids == other.traces.ids
    np.testing.assert_array_equal(one.traces.values, other.traces.values)
    np.testing.assert_array_equal(one.traces.rows, other.traces.rows)
    np.testing.assert_array_equal(one.mean_image, other.mean_image)
    assert one.n_frames == other.n_frames == N


def test_traces_are_those_of_photometry_at_their_places(snapshots, blinking):
    traces = snapshots["at once"].traces
    assert traces.n_traces == 8
    expected = measure_emitters(array_movie(blinking), traces.rows, traces.cols, QUICK.traces)
    np.testing.assert_allclose(traces.values, expected, rtol=0, atol=1e-6)


def test_the_mean_image_is_the_mean(snapshots, blinking):
    np.testing.assert_array_equal(snapshots["at once"].mean_image, blinking.mean(axis=0))


def test_decisions_are_made_and_kept(snapshots):
    snapshot = snapshots["at once"]
    assert snapshot.study.traces.ids == snapshot.traces.ids
    assert snapshot.history
    assert sum(snapshot.history[-1].sizes) == 8


def test_an_emitter_that_lights_up_late_is_measured_from_the_first_frame(blinking, tmp_path):
    early = feed(blinking[:150], [150], tmp_path / "a")
    first = early.snapshot("recording").traces
    early.close()
    ids, row, col = first.ids, *np.mgrid[:64, :64]
    apart = np.hypot(row - first.rows[:, None, None], col - first.cols[:, None, None]).min(axis=0)
    apart[:10], apart[-10:], apart[:, :10], apart[:, -10:] = 0, 0, 0, 0
    place = np.unravel_index(np.argmax(apart), apart.shape)
    frames = blinking.copy()
    spot = 60 * np.exp(-((row - place[0]) ** 2 + (col - place[1]) ** 2) / (2 * 1.3**2))
    frames[120:] = frames[120:] + spot.astype(frames.dtype)
    engine = feed(frames, [150, 300, N], tmp_path / "b")
    traces = engine.snapshot("recording").traces
    engine.close()
    assert traces.ids[: len(ids)] == ids
    assert traces.n_traces == len(ids) + 1
    late = traces.values[-1]
    assert np.hypot(traces.rows[-1] - place[0], traces.cols[-1] - place[1]) < 1
    assert late.size == N
    assert late[:120].mean() < 0.1 * late[120:].mean()


def test_a_run_that_was_interrupted_goes_on_with_the_same_names(blinking, tmp_path):
    before = feed(blinking, [130, 250], tmp_path)
    first = before.snapshot("recording").traces
    before.close()
    again = Engine(QUICK, LIVE, tmp_path)
    again.take(replace(array_movie(blinking), n_frames=250))
    second = again.snapshot("recording").traces  # at once: nothing is detected again
    again.close()
    assert second.ids == first.ids
    np.testing.assert_array_equal(second.values, first.values)


def test_another_movie_is_refused_in_the_same_folder(blinking, tmp_path):
    feed(blinking, [130], tmp_path).close()
    with pytest.raises(OutputInUseError, match="for another movie"):
        feed(blinking[::-1], [130], tmp_path)


def test_long_recordings_are_averaged(blinking, tmp_path):
    long = np.concatenate([blinking] * 5)
    live = LIVE.with_values({"max_samples": 1024})
    engine = feed(long, [300, len(long)], tmp_path, live)
    snapshot = engine.snapshot("recording")
    engine.close()
    traces = snapshot.traces
    assert traces.values.shape[1] == len(long) // 4
    assert traces.dt_s == pytest.approx(4 * snapshot.dt_s)
    expected = measure_emitters(array_movie(long), traces.rows, traces.cols, QUICK.traces)
    means = expected[:, : traces.n_frames * 4].reshape(len(expected), -1, 4).mean(axis=2)
    np.testing.assert_allclose(traces.values, means, atol=1e-6)


def test_pixels_are_followed_up_to_a_number(blinking, tmp_path):
    pixels = QUICK.with_values({"traces.mode": "pixels", "traces.threshold": 125.0})
    engine = feed(blinking, [130, N], tmp_path, settings=pixels)
    traces = engine.snapshot("recording").traces
    engine.close()
    assert traces.values.dtype == np.float32
    rows, cols = traces.rows.astype(int), traces.cols.astype(int)
    np.testing.assert_array_equal(traces.values, blinking[:, rows, cols].T)
    few = LIVE.with_values({"max_pixels": 5})
    said = r"pixels are above the threshold, and 5 can be followed.*--roi, or a higher --threshold"
    with pytest.raises(TracesError, match=said):
        feed(blinking, [130, N], tmp_path / "few", few, pixels)


def test_no_emitter_yet_is_told_and_they_are_looked_for_again(blinking, tmp_path):
    empty = background_movie(210, 64, 64, level=10.0)
    frames = np.concatenate([empty, blinking])
    engine = feed(frames, [150], tmp_path)
    snapshot = engine.snapshot("recording")
    assert snapshot.traces is None
    assert "no emitter" in snapshot.message
    engine.take(array_movie(frames))
    finish_jobs(engine)
    snapshot = engine.snapshot("recording")
    engine.close()
    assert snapshot.traces.n_frames == len(frames)
    assert snapshot.message == ""


def test_missing_values_are_interpolated_as_in_a_study(blinking, tmp_path):
    frames = blinking.astype(np.float32)
    whole = feed(frames, [N], tmp_path / "whole")
    expected = whole.snapshot("recording").traces.values
    whole.close()
    frames[400] = np.nan
    engine = feed(frames, [N], tmp_path / "gap")
    values = engine.snapshot("recording").traces.values
    engine.close()
    kept = np.arange(N) != 400
    np.testing.assert_array_equal(values[:, kept], expected[:, kept])
    np.testing.assert_allclose(values[:, 400], expected[:, [399, 401]].mean(axis=1), atol=1e-9)


def test_a_movie_that_shrinks_or_has_no_interval_is_refused(blinking, tmp_path):
    engine = feed(blinking, [130], tmp_path)
    with pytest.raises(MovieError, match=r"had 130 frames and now has 90.*another --out"):
        engine.take(replace(array_movie(blinking), n_frames=90))
    engine.close()
    with pytest.raises(MovieError, match="--dt-s"):
        Engine(QUICK, LIVE, Path(tmp_path)).take(array_movie(blinking, dt_s=None))


def test_emitters_that_can_not_be_stored_do_not_stop_the_run(blinking, tmp_path):
    said = []
    engine = Engine(QUICK, LIVE, tmp_path / "missing", said.append)
    engine.take(array_movie(blinking))
    finish_jobs(engine)
    traces = engine.snapshot("recording").traces
    engine.close()
    assert traces.n_traces == 8
    assert "emitters.json can't be written" in said[0]
