"""The spool of a stream is whole after every frame, wherever the program ends."""

import contextlib
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.support.growing_files import read_all
from tests.support.tiff_files import frames_of
from umlpsd_gpu.errors import MovieError, OutputError, SettingsError
from umlpsd_gpu.live.sources.spool import Spool, find_spools
from umlpsd_gpu.live.sources.stream_header import DTYPES, StreamHeader
from umlpsd_gpu.movie.open import open_movie

HEADER = StreamHeader("a", 5, 7, "uint16", 0.03, 0.107)


def spooled(path, frames, header=HEADER):
    spool = Spool(path, header)
    for frame in frames:
        spool.append(frame.tobytes())
    spool.close()
    return path.read_bytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_run_reads_frames_interval_and_pixel_size(tmp_path, dtype):
    frames = frames_of(9, 5, 7, dtype=dtype)
    spooled(tmp_path / "a.tif", frames, StreamHeader("a", 5, 7, dtype, 0.03, 0.107))
    movie = open_movie(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_all(movie), frames)
    assert (movie.verdict.status, movie.dtype) == ("whole", frames.dtype)
    assert (movie.dt_s, movie.pixel_size_um) == (0.03, pytest.approx(0.107, rel=1e-12))


def test_without_metadata_the_interval_is_asked_for(tmp_path):
    spooled(tmp_path / "a.tif", frames_of(9, 5, 7), StreamHeader("a", 5, 7, "uint16", None, None))
    movie = open_movie(tmp_path / "a.tif")
    assert (movie.dt_s, movie.pixel_size_um) == (None, None)


def test_a_file_cut_at_any_byte_keeps_its_whole_frames_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # slow, and no matter here
    frames, path = frames_of(4, 5, 7), tmp_path / "a.tif"
    blob = spooled(tmp_path / "whole.tif", frames)
    n_before = 0
    for n_bytes in range(len(blob) + 1):
        path.write_bytes(blob[:n_bytes])
        readable = None
        if n_bytes % 13 == 0 or n_bytes > len(blob) - 3:
            with contextlib.suppress(MovieError):
                readable = open_movie(path, allow_damaged=True)
        if readable is not None:
            np.testing.assert_array_equal(read_all(readable), frames[: readable.n_frames])
        spool = Spool(path, HEADER)
        assert spool.n_frames >= max(n_before, readable.n_frames - 1 if readable else 0)
        n_before = spool.n_frames
        for frame in frames[spool.n_frames :]:
            spool.append(frame.tobytes())
        spool.close()
        assert path.read_bytes() == blob
    assert n_before == 4


def test_a_file_without_its_last_link_goes_on(tmp_path):
    """Killed between a frame and its link."""
    frames, path = frames_of(4, 5, 7), tmp_path / "a.tif"
    three = spooled(tmp_path / "three.tif", frames[:3])
    blob = spooled(tmp_path / "whole.tif", frames)
    for n_bytes in range(len(three), len(blob), 17):
        path.write_bytes(three + blob[len(three) : n_bytes])
        movie = open_movie(path)
        np.testing.assert_array_equal(read_all(movie), frames[:3])
        spool = Spool(path, None)
        assert spool.n_frames == 3
        spool.append(frames[3].tobytes())
        spool.close()
        assert path.read_bytes() == blob


def test_other_frames_or_another_file_are_refused(tmp_path):
    spooled(tmp_path / "a.tif", frames_of(3, 5, 7))
    with pytest.raises(SettingsError, match=r"holds the frames of 'a', 5 × 7 uint16"):
        Spool(tmp_path / "a.tif", StreamHeader("a", 5, 7, "uint8", 0.03, 0.107))
    (tmp_path / "b.tif").write_bytes(b"II*\0" + bytes(100))
    before = (tmp_path / "b.tif").read_bytes()
    with pytest.raises(SettingsError, match="exists and holds no frames"):
        Spool(tmp_path / "b.tif", HEADER)
    assert (tmp_path / "b.tif").read_bytes() == before
    assert find_spools(tmp_path) == [tmp_path / "a.tif"]
    with pytest.raises(OutputError, match="can't be written"):
        Spool(tmp_path / "missing" / "a.tif", HEADER)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.live.sources.spool import Spool
from umlpsd_gpu.live.sources.stream_header import StreamHeader
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
spool = Spool(Path(sys.argv[1]), StreamHeader("a", 32, 32, "uint16", 0.03, None))
for number in range(100):
    try:
        spool.append(bytes([number]) * 2048)
    except OutputError as error:
        print(spool.n_frames, error)
        break
"""


def test_a_full_disk_loses_no_frame_that_was_written(tmp_path):
    path = tmp_path / "a.tif"
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    n_frames, words = done.stdout.split(" ", 1)
    assert "free space" in words
    movie = open_movie(path)
    assert movie.n_frames == int(n_frames) == 8
    np.testing.assert_array_equal(read_all(movie)[:, 0, 0], np.arange(8) * 257)


ENDLESS = """
import sys
from pathlib import Path
from umlpsd_gpu.live.sources.spool import Spool
from umlpsd_gpu.live.sources.stream_header import StreamHeader
spool = Spool(Path(sys.argv[1]), StreamHeader("a", 32, 32, "uint16", 0.03, None))
print("ready", flush=True)
while True:
    spool.append((spool.n_frames % 60_000).to_bytes(2, "little") * 1024)
"""


def test_a_killed_program_leaves_whole_frames_and_goes_on(tmp_path):
    path, n_frames = tmp_path / "a.tif", 0
    rng = np.random.default_rng(0)
    for _ in range(3):
        command = [sys.executable, "-c", ENDLESS, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(rng.uniform(0.01, 0.08))
        process.kill()
        process.wait()
        process.stdout.close()
        movie = open_movie(path)
        values = movie.read_frames(0, movie.n_frames)
        assert movie.n_frames > n_frames
        np.testing.assert_array_equal(values[:, 3, 5], np.arange(movie.n_frames) % 60_000)
        assert (values == values[:, :1, :1]).all()
        n_frames = movie.n_frames
        os.truncate(path, os.path.getsize(path) - 500)
        n_frames -= 1
