"""Traces in a file: the same bits as in memory, through every step; little memory; no room told."""

import errno
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from tests.support.movies import array_movie, background_movie
from umlpsd_gpu import Settings, extract_pixels, power_spectrum, preprocess, run_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.simulate.assembly import simulate_assembly
from umlpsd_gpu.storage import blocks
from umlpsd_gpu.storage.blocks import give_back, is_spooled, row_blocks, spool, stacked, take_rows
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.settings import TracesSettings
from umlpsd_gpu.traces.traces import Traces


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of few rows, so that small arrays have many of them."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5_000)


def ugly_frames(dtype=np.float32):
    """Fractional counts, NaN at times and for ever, infinity, a constant pixel; odd sizes."""
    rng = np.random.default_rng(3)
    frames = rng.normal(300, 40, (409, 13, 17)).astype(dtype)
    frames[7, 2, 3] = np.nan
    frames[:, 4, 4] = np.nan
    frames[100:103, 5, 6] = np.inf
    frames[:, 6, 7] = 321.5
    return frames


def in_a_file(values):
    spooled = spool(*values.shape, values.dtype)
    spooled[:] = values
    return spooled


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32, np.float64])
@pytest.mark.parametrize("memory_mb", [256, 0.002, 1e-6])
def test_spooled_pixels_equal_those_in_memory(dtype, memory_mb):
    frames = ugly_frames() if np.dtype(dtype).kind == "f" else background_movie(409, 13, 17)
    movie = array_movie(frames.astype(dtype), memory_mb=memory_mb)
    whole = extract_pixels(movie, 50.0)
    assert not is_spooled(whole.values)
    for limit_mb in (1e-6, 0.05, 0.2):
        spooled = extract_pixels(movie, 50.0, memory_mb=limit_mb)
        assert is_spooled(spooled.values)
        assert spooled.values.dtype == np.float32
        assert np.array_equal(spooled.values, whole.values, equal_nan=True)
        assert np.array_equal(spooled.rows, whole.rows)
        assert spooled.history == whole.history


def test_the_memory_setting_is_the_size_of_the_traces():
    movie = array_movie(background_movie(100, 10, 10))
    exactly_mb = 100 * 100 * 4 / 1e6
    assert not is_spooled(extract_pixels(movie, 0.0, memory_mb=exactly_mb).values)
    assert is_spooled(extract_pixels(movie, 0.0, memory_mb=0.99 * exactly_mb).values)


def test_a_note_says_that_traces_went_to_a_file():
    movie = array_movie(background_movie(100, 10, 10))
    notes = [
        extract(movie, TracesSettings(mode="pixels", threshold=0.0, memory_mb=mb)).note
        for mb in (1, 0.001)
    ]
    assert "temporary file" not in notes[0]
    assert (
        "more than traces.memory_mb = 0.001: the CPU stored them in a temporary file." in notes[1]
    )


def test_every_step_gives_the_same_bits(small_blocks):
    movie = array_movie(ugly_frames())
    whole, spooled = (extract_pixels(movie, 50.0, memory_mb=mb) for mb in (256, 1e-3))
    assert np.array_equal(whole.usable(), spooled.usable())
    assert np.array_equal(whole.finite(), spooled.finite())
    assert (whole.usable().sum(), whole.finite().sum()) == (217, 218)
    for how in ({"frames_per_bin": 7}, {"frames_per_bin": 100}, {"wavelet_level": 3}, {}):
        expected = preprocess(whole, **how)
        found = preprocess(spooled, **how)
        assert np.array_equal(found.values, expected.values, equal_nan=True)
        assert found.history == expected.history
    for method in ("log_welch", "welch", "periodogram"):
        expected = power_spectrum(whole, method, n_threads=1)
        found = power_spectrum(spooled, method, n_threads=2)
        assert np.array_equal(found.psd, expected.psd, equal_nan=True)


def test_outputs_as_large_as_the_traces_are_spooled_too(small_blocks):
    spooled = extract_pixels(array_movie(ugly_frames()), 50.0, memory_mb=1e-3)
    assert is_spooled(preprocess(spooled).values)
    assert not is_spooled(preprocess(spooled, frames_per_bin=10).values)


def test_a_window_that_does_not_fit_is_refused_in_blocks_too(small_blocks):
    spooled = extract_pixels(array_movie(ugly_frames()), 50.0, memory_mb=1e-3)
    for window in (0, 2.5, 410):
        with pytest.raises(SettingsError, match="from 1 to the 409 frames"):
            preprocess(spooled, frames_per_bin=window)


def test_selecting_and_pooling_keep_the_bits_and_the_place(small_blocks):
    movie = array_movie(ugly_frames())
    whole, spooled = (extract_pixels(movie, 50.0, memory_mb=mb) for mb in (256, 1e-3))
    usable = whole.usable()
    for keep in (usable, np.flatnonzero(usable)[::-1], np.array([5, 5, 0]), np.array([], int)):
        expected, found = whole.select(keep), spooled.select(keep)
        assert np.array_equal(found.values, expected.values, equal_nan=True)
        assert found.ids == expected.ids
    assert is_spooled(spooled.select(usable).values)
    assert not is_spooled(spooled.select(np.array([3])).values)
    other = extract_pixels(array_movie(ugly_frames()[:300], name="b.tif"), 50.0)
    pooled = [pool_traces([one, other], "crop").values for one in (whole, spooled)]
    assert [is_spooled(values) for values in pooled] == [False, True]
    assert np.array_equal(*pooled, equal_nan=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (997, 3), (64, 1024)])
def test_row_blocks_hold_every_row_once_and_changes_survive(shape):
    values = spool(*shape, np.float32)
    for step in (1, 2):
        for rows in row_blocks(values, 4096):
            values[rows] += step * np.arange(shape[0], dtype=np.float32)[rows, None]
    expected = np.repeat(3 * np.arange(shape[0], dtype=np.float32)[:, None], shape[1], axis=1)
    assert np.array_equal(values, expected)
    covered = np.concatenate([np.arange(shape[0])[rows] for rows in row_blocks(values, 4096)])
    assert np.array_equal(covered, np.arange(shape[0]))


def test_no_change_is_lost_that_no_file_keeps(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((8, 4096), np.float32))
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private += 5
    give_back(private)
    assert (private == 5).all()
    in_memory = np.ones((3, 3))
    give_back(in_memory)
    assert (in_memory == 1).all()


def test_rows_below_one_another_and_taken():
    parts = [np.arange(12.0).reshape(4, 3), in_a_file(np.arange(6.0).reshape(2, 3))]
    whole = stacked(parts)
    assert is_spooled(whole)
    assert np.array_equal(whole, np.concatenate(parts))
    assert np.array_equal(take_rows(whole, np.array([5, 0])), whole[[5, 0]])


def test_a_full_disk_is_told_in_a_sentence(monkeypatch):
    def full(descriptor, offset, n_bytes):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    movie = array_movie(background_movie(100, 10, 10))
    with pytest.raises(
        OutputError, match=r"100 traces of 100 frames take 4e-05 GB .* TMPDIR"
    ) as told:
        extract_pixels(movie, 0.0, memory_mb=1e-3)
    assert tempfile.gettempdir() in str(told.value)
    assert told.value.exit_code == 3


def test_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    values = spool(100, 100, np.float32)
    assert not list(tmp_path.iterdir())
    assert values.nbytes == 40_000


SETTINGS = Settings().with_values(
    {
        "traces.mode": "pixels",
        "traces.threshold": 200.0,
        "preprocess.scales": ["raw", "W20", "W40", "WL4"],
        "sweep.k_max": 4,
        "sweep.n_epochs": 10,
        "decision.n_resamples": 0,
    }
)


@pytest.fixture(scope="module")
def assembly():
    frames, _ = simulate_assembly(n_frames=900, n_rows=10, n_cols=12)
    return array_movie(frames, dt_s=0.1, name="assembly.tif")


def test_a_study_of_spooled_traces_equals_one_in_memory(assembly, tmp_path, small_blocks):
    binned = SETTINGS.with_values({"preprocess.scales": ["W20", "W40"]})
    whole = run_study(assembly, binned)
    spooled = run_study(assembly, binned.with_values({"traces.memory_mb": 0.1}))
    assert is_spooled(spooled.traces.values)
    assert digest_of_result(spooled) == digest_of_result(whole)
    folders = [study.save(tmp_path / str(i)) for i, study in enumerate((whole, spooled))]
    assert folders[0].joinpath("study.h5").read_bytes() == (
        folders[1].joinpath("study.h5").read_bytes()
    )
    loaded = Study.load(folders[1])
    assert np.array_equal(loaded.traces.values, whole.traces.values)


def test_scales_that_do_not_fit_are_skipped_with_a_note(assembly):
    study = run_study(assembly, SETTINGS.with_values({"traces.memory_mb": 0.1}))
    assert [sweep.scale for sweep in study.sweeps] == ["W20", "W40"]
    assert any(note.startswith("Scales raw, WL4 were skipped: 120 traces") for note in study.notes)
    raw_only = {"preprocess.scales": ["raw"], "traces.memory_mb": 0.1}
    with pytest.raises(SettingsError, match=r"need 1 MB or more at every scale,.* --threshold"):
        run_study(assembly, SETTINGS.with_values(raw_only))


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_stays_below_that_of_the_traces():
    """In a process of its own: 80 MB of traces, of which the setting lets 8 MB be held."""
    script = """
import sys
from pathlib import Path
import numpy as np
from umlpsd_gpu import extract_pixels, power_spectrum, preprocess
from umlpsd_gpu.storage import blocks
from tests.support.movies import array_movie

def peak_mb():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l]
    return int(line.split()[1]) / 1000

blocks.BLOCK_BYTES = 4 << 20
frame = np.random.default_rng(0).integers(100, 300, (100, 100)).astype(np.uint16)
movie = array_movie(np.broadcast_to(frame, (2000, 100, 100)))
small = extract_pixels(array_movie(np.repeat(frame[None, :3, :9], 400, axis=0)), 0.0)
power_spectrum(preprocess(small, frames_per_bin=1))  # what imports and tables take
before = peak_mb()
traces = extract_pixels(movie, 0.0, memory_mb=float(sys.argv[1]))
assert not traces.usable().any()
preprocess(traces, frames_per_bin=100)
power_spectrum(traces, n_threads=1)
print(peak_mb() - before)
"""
    grown_mb = {}
    for memory_mb in ("8", "1000"):
        run = [sys.executable, "-c", script, memory_mb]
        grown_mb[memory_mb] = float(subprocess.check_output(run, text=True))
    assert grown_mb["1000"] > 80
    assert grown_mb["8"] < 45  # chunks of frames, 4 MB blocks in float64, spectra of 6 MB


def test_values_of_a_file_can_be_traces():
    traces = Traces.without_place(in_a_file(np.random.default_rng(0).normal(size=(9, 40))), 0.1)
    assert traces.usable().all()
