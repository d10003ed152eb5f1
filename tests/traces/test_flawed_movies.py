"""Movies with flaws: the emitters that are there are found, nothing else, and the user is told.

The structures are those of public reports of microscopists; ``shared_cases`` holds files of them.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from tests.support.batches import write_movie
from tests.support.flawed_movies import (
    GRID,
    drift_path,
    emitter_movie,
    jump_path,
    moving_rim,
    outside_circle,
)
from tests.support.movies import array_movie
from umlpsd_gpu import open_movie
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.simulate.defects import EMPTY_MOVIES, add_cosmic_ray, simulate_empty
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.settings import TracesSettings

FEW = settings(max_examples=12, deadline=None, derandomize=True)
FILES = {
    "cleared_outside_a_circle.tif": (0, ""),
    "nan_patch_in_one_frame.tif": (4, "interpolated"),
    "float_with_nan_edges.tif": (2, "3.1 % of the field is constant or NaN and was left out"),
    "stage_jump.tif": (4, "the sample moved by"),
    "stage_drift.tif": (4, "the sample moved by"),
    "one_cosmic_ray.tif": (0, ""),
    "two_emitters_3_px_apart.tif": (0, "4 elongated"),
    "clipped_at_full_scale.tif": (4, "4 of 4 emitters touch full scale (255 counts)"),
    "pixels_one_hot_pixel.tif": (400, "1 hot pixels left out"),
}


def found(frames, **how):
    """Return the number of traces, and the note or the error."""
    try:
        extraction = extract(array_movie(frames), TracesSettings(**how), n_threads=1)
    except TracesError as error:
        return 0, str(error), None
    return extraction.traces.n_traces, extraction.note, extraction.traces


def assert_found(traces, places=GRID, within_px=1.0):
    """Each of the places is found once."""
    assert traces is not None
    distance_px, place = cKDTree(places).query(np.stack([traces.rows, traces.cols], axis=1))
    assert distance_px.max() < within_px
    assert sorted(place.tolist()) == list(range(len(places)))


@pytest.mark.parametrize("name", FILES)
def test_files_of_public_reports(shared_data, name):
    path = shared_data.parent / "cases" / "movies" / name
    if not path.is_file():
        pytest.skip("the folder ../shared/cases is not on this machine")
    n_expected, text = FILES[name]
    mode = "pixels" if name.startswith("pixels") else "emitters"
    try:
        extraction = extract(open_movie(path, dt_s=0.05), TracesSettings(mode=mode))
        n_found, note = extraction.traces.n_traces, extraction.note
    except TracesError as error:
        n_found, note = 0, str(error)
    assert n_found == n_expected
    assert text in note


@pytest.mark.parametrize("kind", EMPTY_MOVIES)
@pytest.mark.parametrize("seed", range(3))
def test_empty_movies_hold_nothing(kind, seed):
    assert found(simulate_empty(kind, 500 + seed, 120, 80, 96))[0] == 0


def test_emitters_in_a_clean_movie_are_found_without_a_note():
    n_found, note, traces = found(emitter_movie())
    assert (n_found, note) == (4, "")
    assert_found(traces)


@FEW
@given(
    radius_px=st.floats(19, 30),
    value=st.sampled_from([0.0, 7.0, 65535.0, np.nan]),
    seed=st.integers(0, 99),
)
def test_constant_areas_make_no_emitter_and_are_told(radius_px, value, seed):
    frames = emitter_movie(seed=seed, offset=100, n_frames=200)
    outside = outside_circle((48, 48), radius_px, (23.0, 23.5))
    frames[:, outside] = value
    _, note, traces = found(frames)
    assert_found(traces)
    assert f"{100 * outside.mean():.1f} % of the field is constant or NaN and was left out" in note


@FEW
@given(largest_px=st.integers(2, 6), value=st.sampled_from([0.0, np.nan]), seed=st.integers(0, 99))
def test_rims_that_come_and_go(largest_px, value, seed):
    frames = emitter_movie(seed=seed, offset=100, n_frames=200)
    frames[moving_rim(200, (48, 48), largest_px, seed)] = value
    assert_found(found(frames)[2])


@FEW
@given(
    corner=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    size=st.integers(12, 20),
    t=st.integers(0, 119),
    value=st.sampled_from([np.nan, np.inf]),
)
def test_a_patch_that_is_not_finite_in_one_frame(corner, size, t, value):
    frames = emitter_movie(offset=100)
    row, col = corner
    frames[t, row : row + size, col : col + size] = value
    traces = found(frames)[2]
    assert_found(traces)
    assert traces.finite().all()
    whole = found(emitter_movie(offset=100))[2]
    same = cKDTree(np.stack([traces.rows, traces.cols], axis=1)).query(
        np.stack([whole.rows, whole.cols], axis=1)
    )[1]
    others = np.arange(120) != t
    assert np.allclose(traces.values[same][:, others], whole.values[:, others], atol=60)


def test_one_frame_that_is_not_finite():
    frames = emitter_movie()
    frames[17] = np.nan
    _, note, traces = found(frames)
    assert_found(traces)
    assert "4 of 4 traces lack up to 1 frames" in note


@FEW
@given(
    by=st.tuples(st.floats(3, 8), st.floats(0, 2 * np.pi)),
    at=st.floats(0.15, 0.85),
    seed=st.integers(0, 99),
    is_jump=st.booleans(),
)
def test_jumps_and_drifts_double_no_emitter_and_are_named(by, at, seed, is_jump):
    step = by[0] * np.array([np.sin(by[1]), np.cos(by[1])])
    places = GRID + 8
    path = jump_path(240, at, step) if is_jump else drift_path(240, step)
    frames = emitter_movie(places, path, 240, (64, 64), seed)
    _, note, traces = found(frames)
    assert "the sample moved by" in note
    assert_found(traces, places, within_px=2.0)


def test_drift_is_named_where_it_is_not_followed():
    frames = emitter_movie(GRID + 8, jump_path(240, 0.5, (5, 3)), 240, (64, 64))
    n_found, note, _ = found(frames, drift_correction=False)
    assert "px, and the apertures stay where they are; --drift-correction makes" in note
    n_found, note, _ = found(frames, drift_correction="off", detection_snr=1e4)
    assert n_found == 0
    assert "--drift-correction" in note


def test_a_small_drift_is_told_only():
    frames = emitter_movie(GRID + 8, drift_path(240, (1.8, 0)), 240, (64, 64))
    n_found, note, _ = found(frames)
    assert n_found == 4
    assert "the apertures stay where they are" in note


@FEW
@given(seed=st.integers(0, 10_000), n_rays=st.integers(1, 5))
def test_cosmic_rays_are_no_emitters(seed, n_rays):
    rng = np.random.default_rng(seed)
    frames = np.random.default_rng(seed).poisson(20.0, (150, 64, 64)).astype(float)
    for _ in range(n_rays):
        add_cosmic_ray(frames, rng)
    assert found(frames)[0] == 0


@FEW
@given(
    distance_px=st.floats(0, 4),
    angle=st.floats(0, 6),
    t=st.integers(0, 199),
    seed=st.integers(0, 9),
)
def test_a_cosmic_ray_near_an_emitter_does_not_hide_it(distance_px, angle, t, seed):
    frames = emitter_movie(seed=seed, n_frames=200)
    row, col = GRID[0] + distance_px * np.array([np.sin(angle), np.cos(angle)])
    rows, cols = np.mgrid[:48, :48]
    frames[t] += 5000 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * 0.9**2))
    assert_found(found(frames)[2])


@pytest.mark.parametrize("on", [[100, 101, 102], [20, 90, 91, 170], [3, 4, 5, 6, 7]])
def test_an_emitter_on_in_three_frames_is_one(on):
    levels = np.zeros((1, 200))
    levels[0, on] = 1
    frames = emitter_movie([(24.2, 20.7)], None, 200, counts=3000.0, levels=levels)
    assert_found(found(frames)[2], [(24.2, 20.7)])
    levels[0, on[2:]] = 0
    frames = emitter_movie([(24.2, 20.7)], None, 200, counts=3000.0, levels=levels)
    n_found, note, _ = found(frames)
    assert n_found == 0
    assert "1 seen in fewer than 3 frames" in note


@pytest.mark.parametrize("added", [400, 60_000, -15])
def test_one_bright_or_dark_frame_hides_no_emitter(added):
    frames = emitter_movie(n_frames=300, seed=4)
    frames[123] = np.random.default_rng(0).poisson(np.clip(frames[123] + added, 0, 65_535))
    _, note, traces = found(frames)
    assert_found(traces)
    if added > 0:
        assert "1 frames stand out as a whole" in note
        assert note.endswith("123.")


@FEW
@given(distance_px=st.floats(2, 4.5), angle=st.floats(0, np.pi), seed=st.integers(0, 99))
def test_pairs_are_dropped(distance_px, angle, seed):
    half = distance_px / 2 * np.array([np.sin(angle), np.cos(angle)])
    frames = emitter_movie(np.concatenate([GRID - half, GRID + half]), None, 400, seed=seed)
    n_found, note, _ = found(frames)
    assert n_found == 0
    assert "elongated" in note or "too near another" in note or "too wide" in note


@FEW
@given(
    where=st.sets(st.integers(0, 24), min_size=1, max_size=4),
    height=st.floats(20, 500),
    seed=st.integers(0, 99),
)
def test_groups_of_blinking_pixels_are_no_emitters(where, height, seed):
    rng = np.random.default_rng(seed)
    frames = rng.poisson(20.0, (200, 64, 64)).astype(float)
    for place in where:
        frames[:, 30 + place // 5, 20 + place % 5] += height * (rng.random(200) < 0.5)
    assert found(frames)[0] == 0


def test_a_sensor_column_that_blinks():
    frames = emitter_movie(GRID + 8, None, 240, (64, 64), seed=2)
    frames[:, :, 50] += 30 * (np.random.default_rng(0).random(240) < 0.4)[:, None]
    _, note, traces = found(frames)
    assert_found(traces, GRID + 8)
    assert "1 rows or columns of the sensor vary by themselves and were left out" in note


@pytest.mark.parametrize(("full", "n_clipped"), [(60, 0), (255, 4), (1023, 4), (4095, 4)])
def test_full_scale_is_told(full, n_clipped):
    frames = emitter_movie(counts=full * 12.0, offset=0)
    if n_clipped:
        frames = np.minimum(frames, full)
    _, note, traces = found(frames.astype(np.uint16))
    assert_found(traces)
    told = f"{n_clipped} of 4 emitters touch full scale ({full} counts) in more than 5 %"
    assert (told in note) == bool(n_clipped)


def test_full_scale_of_pixels_is_told():
    frames = np.random.default_rng(0).poisson(20.0, (60, 30, 30)).astype(np.uint16)
    frames[:, 10:14, 10:20] = np.minimum(frames[:, 10:14, 10:20] * 50, 1023)
    n_found, note, _ = found(frames, mode="pixels", threshold=500.0)
    assert n_found == 40
    assert "40 of 40 pixels touch full scale (1023 counts)" in note


@FEW
@given(place=st.tuples(st.integers(0, 29), st.integers(0, 40)), value=st.integers(5000, 65535))
def test_one_hot_pixel_does_not_choose_the_threshold(place, value):
    frames = np.random.default_rng(0).poisson(20.0, (60, 30, 41)).astype(np.uint16)
    frames[:, 10:15, 20:26] += 60
    frames[:, place[0], place[1]] = value
    inside = 10 <= place[0] < 15 and 20 <= place[1] < 26
    n_found, note, _ = found(frames, mode="pixels")
    assert n_found == 30 - inside
    assert "1 hot pixels left out" in note


@pytest.mark.parametrize("flaw", ["rim", "ray", "white", "jump", "NaN"])
def test_threads_and_chunks_change_no_bit(flaw):
    path = jump_path(240, 0.4, (4, -3)) if flaw == "jump" else None
    frames = emitter_movie(GRID + 8, path, 240, (64, 64), offset=100)
    if flaw in ("rim", "NaN"):
        frames[moving_rim(240, (64, 64), 5)] = 0 if flaw == "rim" else np.nan
    if flaw == "ray":
        frames[77, 20:23, 24:27] += 4000
    if flaw == "white":
        frames[5] += 900
    whole = extract(array_movie(frames), TracesSettings(), n_threads=1)
    for memory_mb, n_threads in ((0.05, 1), (0.3, 3)):
        pieces = extract(array_movie(frames, memory_mb=memory_mb), TracesSettings(), n_threads)
        assert np.array_equal(pieces.traces.values, whole.traces.values, equal_nan=True)
        assert np.array_equal(pieces.traces.rows, whole.traces.rows)
        assert pieces.note == whole.note


@pytest.mark.parametrize("flaw", ["rim", "ray", "white", "jump", "NaN", "clipped"])
def test_the_gpu_finds_the_same(cupy, flaw):
    path = jump_path(120, 0.4, (4, -3)) if flaw == "jump" else None
    frames = emitter_movie(GRID, path, 120, (50, 48), offset=100, counts=3000)
    if flaw in ("rim", "NaN"):
        frames[moving_rim(120, (50, 48), 3)] = 0 if flaw == "rim" else np.nan
    if flaw == "ray":
        frames[77, 20:23, 24:27] += 4000
    if flaw == "white":
        frames[5] += 900
    if flaw == "clipped":
        frames = np.minimum(frames, 255)
    frames = frames.astype(np.float32 if flaw == "NaN" else np.uint16)
    on_cpu = extract(array_movie(frames), TracesSettings())
    on_gpu = extract(array_movie(frames, memory_mb=0.1), TracesSettings(), 2, "gpu")
    assert np.array_equal(on_gpu.traces.rows, on_cpu.traces.rows)
    assert np.allclose(on_gpu.traces.values, on_cpu.traces.values, equal_nan=True, atol=1e-6)
    cpu_only = "its traces were extracted on the CPU, which corrects drift."
    assert on_gpu.note.replace(f" array.tif: {cpu_only}", "") == on_cpu.note


@pytest.mark.parametrize("seed", [4, 18])
def test_emitters_on_a_lattice_that_blink_in_turn_do_not_move(seed, tmp_path):
    """Some go out as others light up one lattice constant away: no jump, and none is lost."""
    movie = open_movie(write_movie(tmp_path / "movie.tif", seed=seed), dt_s=0.05)
    found = extract(movie, TracesSettings())
    assert found.traces.n_traces == 4
    assert "moved" not in found.note
