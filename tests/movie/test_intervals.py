"""The frame interval by time stamps: jitter, bursts and coarse clocks are no gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiff_files import frames_of, write_noted, write_plain, write_texts
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.intervals import measure_interval
from umlpsd_gpu.movie.units import micrometres_of, seconds_of

DT_S = st.sampled_from([0.004, 0.01, 0.02, 0.0333, 0.05, 0.1, 0.5])
N_FRAMES = st.integers(60, 600)


def bursts(n_frames, dt_s, n_together, gap_s=0.001):
    """Frames that a buffer hands over together, ``gap_s`` apart."""
    frames = np.arange(n_frames)
    return frames // n_together * n_together * dt_s + frames % n_together * gap_s


@settings(max_examples=60, deadline=None)
@given(dt_s=DT_S, n_frames=N_FRAMES, n_together=st.integers(2, 10), share=st.floats(0, 0.1))
def test_bursts_give_the_mean_step(dt_s, n_frames, n_together, share):
    n_frames = n_frames // n_together * n_together
    found = measure_interval(bursts(n_frames, dt_s, n_together, share * dt_s))
    assert found.dt_s == pytest.approx(dt_s, rel=0.03)
    assert not found.n_dropped


@settings(max_examples=60, deadline=None)
@given(dt_s=DT_S, n_frames=N_FRAMES, seed=st.integers(0, 999))
def test_random_bursts_give_the_mean_step(dt_s, n_frames, seed):
    rng = np.random.default_rng(seed)
    handed = np.unique(np.append(rng.integers(1, n_frames, n_frames // 4), n_frames))
    late = handed[np.searchsorted(handed, np.arange(n_frames), side="right")]
    found = measure_interval(late * dt_s + rng.uniform(0, 0.001 * dt_s, n_frames))
    longest = float(np.diff(handed, prepend=0).max()) / n_frames
    assert found.dt_s == pytest.approx(dt_s, rel=max(0.02, 2 * longest))


@settings(max_examples=60, deadline=None)
@given(
    dt_s=st.floats(0.003, 0.2),
    n_frames=N_FRAMES,
    tick_s=st.sampled_from([0.015625, 0.0156]),
    phase=st.floats(0, 1),
)
def test_the_clock_of_windows_gives_the_mean_step(dt_s, n_frames, tick_s, phase):
    times_s = np.floor(np.arange(n_frames) * dt_s / tick_s + phase) * tick_s
    found = measure_interval(times_s)
    if found is not None:
        assert found.dt_s == pytest.approx(dt_s, rel=max(0.02, 3 * tick_s / (dt_s * n_frames)))
        assert not found.n_dropped


@settings(max_examples=60, deadline=None)
@given(
    dt_s=DT_S, n_frames=st.integers(100, 600), jitter=st.floats(0, 0.2), seed=st.integers(0, 999)
)
def test_jitter_gives_the_mean_step(dt_s, n_frames, jitter, seed):
    noise = np.random.default_rng(seed).normal(0, jitter * dt_s, n_frames)
    found = measure_interval(np.arange(n_frames) * dt_s + noise)
    assert found.dt_s == pytest.approx(dt_s, rel=0.02)
    assert not found.n_dropped


@settings(max_examples=80, deadline=None)
@given(
    dt_s=DT_S,
    n_frames=st.integers(200, 600),
    share=st.floats(0.002, 0.3),
    longest=st.integers(1, 3),
    jitter=st.floats(0, 0.05),
    seed=st.integers(0, 999),
)
def test_dropped_frames_are_counted_and_change_nothing(
    dt_s, n_frames, share, longest, jitter, seed
):
    rng = np.random.default_rng(seed)
    lost = np.where(rng.random(n_frames) < share, rng.integers(1, longest + 1, n_frames), 0)
    frames = np.cumsum(1 + lost)
    found = measure_interval(frames * dt_s + rng.normal(0, jitter * dt_s, n_frames))
    n_lost = int(lost[1:].sum())
    if found.dt_s is None:  # the drops keep pace by chance: both readings are given
        assert found.readings_s[1] == pytest.approx(dt_s, rel=0.03)
        return
    assert found.dt_s == pytest.approx(dt_s, rel=0.02)
    assert found.n_dropped == n_lost
    assert found.dropped_after == tuple(np.flatnonzero(lost[1:]).tolist())


def test_every_tenth_frame_dropped():
    times_s = np.array([i for i in range(110) if i % 10 != 9]) * 0.05
    found = measure_interval(times_s)
    assert found.dt_s == pytest.approx(0.05)
    assert found.n_dropped == 10


@pytest.mark.parametrize(("nominal_s", "dt_s"), [(None, None), (0.05, 0.05), (0.075, 0.075)])
def test_two_readings_are_left_open_unless_the_nominal_interval_decides(nominal_s, dt_s):
    times_s = np.array([i for i in range(300) if i % 3]) * 0.05
    found = measure_interval(times_s, nominal_s=nominal_s)
    if dt_s is None:
        assert found.dt_s is None
        assert found.readings_s == (pytest.approx(0.075, rel=0.01), pytest.approx(0.05))
    else:
        assert found.dt_s == pytest.approx(dt_s, rel=0.01)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t.__setitem__(slice(100, None), t[100:] + 7),
        lambda t: t.__setitem__(slice(100, None), t[100:] - 7),
        lambda t: t.__setitem__(100, 0),
        lambda t: t.__setitem__(100, 1e9),
        lambda t: t.__setitem__(100, np.nan),
        lambda t: t.__setitem__(slice(50, 60), np.nan),
        lambda t: t.__setitem__(100, np.inf),
    ],
)
def test_one_fault_changes_nothing(spoil):
    times_s = np.arange(200) * 0.05
    spoil(times_s)
    assert measure_interval(times_s).dt_s == pytest.approx(0.05)


def test_known_holes_are_no_gaps():
    frames = np.array([i for i in range(60) if i != 12])
    found = measure_interval(frames * 0.05, frames)
    assert (found.dt_s, found.n_dropped) == (pytest.approx(0.05), 0)


FRAMES = frames_of(120, 4, 4)


def micromanager(path, times_ms, **summary):
    notes = [
        {"FrameIndex": i, "ElapsedTime-ms": time, "Summary": summary}
        for i, time in enumerate(times_ms)
    ]
    return write_noted(path, FRAMES[: len(notes)], notes)


def test_frames_that_arrive_in_pairs(tmp_path):
    times_ms = [40 * (i // 2) + i % 2 for i in range(120)]
    for interval_ms in (0, 20):
        movie = open_movie(micromanager(tmp_path / "m.tif", times_ms, Interval_ms=interval_ms))
        assert movie.dt_s == pytest.approx(0.02, rel=0.01)
        assert "their delays don't add up" in movie.notes[0]


def test_a_clock_of_15_ms(tmp_path):
    times_ms = np.floor(np.arange(120) * 12 / 15.625) * 15.625
    movie = open_movie(micromanager(tmp_path / "m.tif", times_ms.tolist()))
    assert movie.dt_s == pytest.approx(0.012, rel=0.01)


def test_dropped_frames_are_noted(tmp_path):
    times_ms = [50 * i for i in range(111) if i % 10 != 9]
    movie = open_movie(micromanager(tmp_path / "m.tif", times_ms))
    assert movie.dt_s == pytest.approx(0.05)
    assert movie.notes == (
        "By the time stamps, 11 frames are missing in 11 gaps (after frame 8, 17, 26, 35, 44 and 6 "
        "more, counted from 0); the power spectra assume that none are.",
    )


def test_a_measured_interval_far_from_the_nominal_one_is_noted(tmp_path):
    times_ms = [50 * i for i in range(120)]
    note = open_movie(micromanager(tmp_path / "m.tif", times_ms, Interval_ms=10)).notes[0]
    assert "0.05 s (Micro-Manager ElapsedTime-ms) is 5 times the nominal 0.01 s" in note
    assert not open_movie(micromanager(tmp_path / "m.tif", times_ms, Interval_ms=40)).notes


def test_a_given_interval_far_from_the_metadata_is_noted(tmp_path):
    path = micromanager(tmp_path / "m.tif", [50 * i for i in range(120)])
    assert not open_movie(path, dt_s=0.06).notes
    assert (
        "given frame interval of 50 s is 1e+03 times that of the metadata, 0.05 s"
        in (open_movie(path, dt_s=50).notes[0])
    )
    assert "1/5 of that of the metadata" in open_movie(path, dt_s=0.01).notes[0]


def test_two_readings_are_asked_about(tmp_path):
    path = micromanager(tmp_path / "m.tif", [50 * i for i in range(180) if i % 3])
    movie = open_movie(path)
    assert movie.dt_s is None
    with pytest.raises(MovieError, match=r"every 0\.075 s .* or every 0\.05 s .*--dt-s"):
        movie.known_dt_s()
    assert open_movie(path, dt_s=0.05).known_dt_s() == 0.05


UNITS = {
    1.0: ["s", "S", "sec", "secs", "sec.", "second", "Seconds", "[s]", " s "],
    1e-3: ["ms", "msec", "MSEC", "millisecond", "milliseconds", "Milliseconds", "(ms)"],
    1e-6: ["us", "µs", "μs", "usec", "µsec", "\\u00b5s", "\\u00b5sec", "microseconds", "\ufffds"],
    1e-9: ["ns", "nanoseconds"],
    60.0: ["min", "mins", "minute", "Minutes"],
    3600.0: ["h", "hr", "hrs", "hour", "hours"],
    86400.0: ["d", "day", "days"],
}


@pytest.mark.parametrize(
    ("unit", "seconds"), [(unit, seconds) for seconds, units in UNITS.items() for unit in units]
)
def test_units_of_time(unit, seconds):
    assert seconds_of(unit) == seconds


@pytest.mark.parametrize("unit", ["weeks", "frame", "", "px", "micron", "Hz"])
def test_what_is_no_unit_of_time(unit):
    assert seconds_of(unit) is None


@pytest.mark.parametrize("unit", ["µm", "μm", "um", "micron", "microns", "\\u00B5m", "micrometers"])
def test_units_of_length(unit):
    assert micrometres_of(unit) == 1


def imagej(path, **lines):
    text = "ImageJ=1.54f\nimages=12\nframes=12\n" + "".join(f"{k}={v}\n" for k, v in lines.items())
    return write_texts(path, FRAMES[:12], [text] + [None] * 11)


@pytest.mark.parametrize(("unit", "seconds"), [("seconds", 1), ("milliseconds", 1e-3), ("min", 60)])
@pytest.mark.parametrize("fps", [{}, {"fps": 7}])
def test_imagejs_interval_in_any_unit(tmp_path, unit, seconds, fps):
    movie = open_movie(imagej(tmp_path / "m.tif", finterval=5, tunit=unit, **fps))
    assert movie.dt_s == pytest.approx(5 * seconds)


def test_imagejs_speed_of_playback_is_a_hint_only(tmp_path):
    movie = open_movie(imagej(tmp_path / "m.tif", fps=7))
    assert movie.dt_s is None
    with pytest.raises(
        MovieError, match=r"fps=7 may be .* 0\.142857 s, or only .* playback.*--dt-s"
    ):
        movie.known_dt_s()


def test_an_unknown_unit_is_named(tmp_path):
    for fps in ({}, {"fps": 7}):
        movie = open_movie(imagej(tmp_path / "m.tif", finterval=3, tunit="weeks", **fps))
        with pytest.raises(MovieError, match="finterval=3 in 'weeks' is not understood"):
            movie.known_dt_s()


@pytest.mark.parametrize(("cycle_s", "dt_s"), [(0.0503, 0.0503), (0.0, None), (-1.0, None)])
def test_andors_kinetic_cycle_time(tmp_path, cycle_s, dt_s):
    movie = open_movie(
        write_plain(tmp_path / "m.tif", FRAMES, t4876=(12, [0.05]), t4878=(12, [cycle_s]))
    )
    assert movie.dt_s == dt_s
    if dt_s:
        assert movie.dt_origin == "nominal (Andor KineticCycleTime)"


def test_one_tick_more_of_a_coarse_clock_is_no_missing_frame():
    times_s = np.floor(np.arange(60) * 0.031658465226251466 / 0.0156 + 0.25) * 0.0156
    assert measure_interval(times_s).n_dropped == 0
    steps_s = np.where(np.arange(99) == 40, 4, 2) * 0.0156  # a whole frame of two ticks is missing
    found = measure_interval(np.append(0, np.cumsum(steps_s)))
    assert (found.n_dropped, found.dropped_after) == (1, (40,))
