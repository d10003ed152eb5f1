"""One-frame files that land in a folder give the right frames in the right order."""

import numpy as np
import pytest
import tifffile

from tests.support.growing_files import Clock, MicroManagerWriter, append, note_of, read_all
from tests.support.tiff_files import frames_of, write_noted
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.sources.frame_folder import FrameFolder
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

DT = MovieSettings(dt_s=0.03)
SKIP = MovieSettings(dt_s=0.03, missing_frames="skip")


class Recording:
    """A folder, its source and its clock."""

    def __init__(self, folder, settings=DT, place=None):
        self.folder, self.clock = folder, Clock()
        folder.mkdir(exist_ok=True)
        self.source = FrameFolder(place or folder, settings, clock=self.clock)

    def put(self, number, frame, name="frame_{}.tif"):
        tifffile.imwrite(self.folder / name.format(number), frame, photometric="minisblack")

    def poll(self, seconds=0.0):
        self.source.poll()
        self.clock.pass_(seconds)
        return self.source.poll()


@pytest.mark.parametrize("name", ["frame_{}.tif", "img{:04d}_x.TIFF", "t{:.2f}s.tif"])
def test_files_arrive_in_natural_order(tmp_path, name):
    frames = frames_of(25)
    recording = Recording(tmp_path / "movie")
    assert recording.poll().state == "waiting"
    for number, frame in enumerate(frames):
        recording.put(number, frame, name)
        movie = recording.poll(0.6).movie
        assert (movie.n_frames if movie else 0) == (number + 1 if number else 0)
    np.testing.assert_array_equal(read_all(movie), frames)
    whole = open_movie(tmp_path / "movie", DT)
    np.testing.assert_array_equal(read_all(whole), frames)
    assert recording.source.inputs() == [str(tmp_path / "movie")]


def test_a_pattern_leaves_other_files_out(tmp_path):
    frames = frames_of(4)
    recording = Recording(tmp_path, place=tmp_path / "a_*.tif")
    for number, frame in enumerate(frames):
        recording.put(number, frame, "a_{}.tif")
        recording.put(number, frame + 1, "b_{}.tif")
    np.testing.assert_array_equal(read_all(recording.poll(0.6).movie), frames)


def test_a_file_counts_when_all_its_bytes_are_there(tmp_path):
    frames = frames_of(3)
    recording = Recording(tmp_path / "movie")
    for number in (0, 1):
        recording.put(number, frames[number])
    tifffile.imwrite(tmp_path / "whole.tif", frames[2], compression="zlib")
    blob = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "movie" / "frame_2.tif").touch()
    for byte in range(len(blob)):
        append(tmp_path / "movie" / "frame_2.tif", blob[byte : byte + 1])
        arrival = recording.poll(0.6 if byte % 9 == 0 else 0.01)
        if arrival.movie and arrival.movie.n_frames == 3:
            assert byte > len(blob) - 9
    np.testing.assert_array_equal(read_all(recording.poll(0.6).movie), frames)


def test_a_missing_number_is_waited_for_and_then_told(tmp_path):
    frames = frames_of(8)
    recording = Recording(tmp_path / "movie")
    for number in (0, 1, 2, 4, 5):
        recording.put(number, frames[number])
    arrival = recording.poll(0.6)
    assert (arrival.movie.n_frames, arrival.reason) == (3, "")
    recording.put(3, frames[3])
    arrival = recording.poll(0.6)
    assert (arrival.movie.n_frames, arrival.reason) == (6, "")
    recording.put(7, frames[7])
    recording.poll(0.6)
    arrival = recording.poll(2.1)
    assert (arrival.state, arrival.movie.n_frames) == ("recording", 6)
    assert "between frame_5.tif and frame_7.tif a file is missing" in arrival.reason
    assert "--missing-frames skip" in arrival.reason
    recording.put(6, frames[6])
    np.testing.assert_array_equal(read_all(recording.poll(0.6).movie), frames)


def test_late_files_are_left_out_and_told(tmp_path):
    frames = frames_of(6)
    recording = Recording(tmp_path / "movie", SKIP)
    for number in (0, 1, 3, 4):
        recording.put(number, frames[number])
    recording.poll(0.6)
    arrival = recording.poll(2.1)
    arrival = recording.poll(0.0)
    np.testing.assert_array_equal(read_all(arrival.movie), frames[[0, 1, 3, 4]])
    recording.put(2, frames[2])
    recording.put(5, frames[5])
    arrival = recording.poll(0.6)
    np.testing.assert_array_equal(read_all(arrival.movie), frames[[0, 1, 3, 4, 5]])
    assert arrival.reason.startswith("frame_2.tif came after later frames")


@pytest.mark.parametrize("numbers", [range(0, 60, 10), [100, 130, 161, 190, 222, 250]])
def test_numbers_that_do_not_count_by_one(tmp_path, numbers):
    frames = frames_of(6)
    recording = Recording(tmp_path / "movie")
    for number, frame in zip(numbers, frames, strict=True):
        recording.put(number, frame)
        recording.poll(0.6)
    recording.poll(2.1)
    np.testing.assert_array_equal(read_all(recording.poll(0.6).movie), frames)


def test_a_vanished_file_is_lost(tmp_path):
    recording = Recording(tmp_path / "movie")
    for number, frame in enumerate(frames_of(4)):
        recording.put(number, frame)
    recording.poll(0.6)
    (tmp_path / "movie" / "frame_1.tif").unlink()
    arrival = recording.poll()
    assert arrival.state == "lost"
    assert "frame_1.tif vanished" in arrival.reason


def test_a_frame_of_another_size_ends_the_movie(tmp_path):
    recording = Recording(tmp_path / "movie")
    for number, frame in enumerate(frames_of(4)):
        recording.put(number, frame if number < 3 else frame[:5])
    arrival = recording.poll(0.6)
    assert (arrival.state, arrival.movie.n_frames) == ("lost", 3)
    assert "5 × 8" in arrival.reason


def test_two_series_are_told_apart(tmp_path):
    recording = Recording(tmp_path / "movie")
    for number, frame in enumerate(frames_of(4)):
        recording.put(number, frame, "red_{}.tif")
        recording.put(number, frame, "blue_{}.tif")
    with pytest.raises(MovieError, match="2 kinds"):
        recording.poll(0.6)


def test_one_growing_stack_in_a_folder_is_followed(tmp_path):
    frames = frames_of(10)
    recording = Recording(tmp_path / "movie", MovieSettings())
    writer = MicroManagerWriter(tmp_path / "movie" / "a_MMStack.ome.tif", {}, 9000)
    for number, frame in enumerate(frames):
        writer.put(frame, note_of(number))
        arrival = recording.poll(0.01)
    assert arrival.movie.n_frames == 9
    np.testing.assert_array_equal(read_all(recording.poll(1).movie), frames)


def test_single_files_of_micro_manager_have_their_time_stamps(tmp_path):
    frames = frames_of(30)
    recording = Recording(tmp_path / "movie", MovieSettings())
    for number, frame in enumerate(frames):
        path = tmp_path / "movie" / f"img_{number:09d}_Default_000.tif"
        write_noted(path, [frame], [note_of(number)])
        arrival = recording.poll(0.6)
    np.testing.assert_array_equal(read_all(arrival.movie), frames)
    whole = open_movie(tmp_path / "movie")
    assert (arrival.movie.dt_s, arrival.movie.pixel_size_um) == (pytest.approx(0.03), 0.1)
    assert whole.dt_s == pytest.approx(0.03)


def test_a_missing_folder_is_waited_for(tmp_path):
    source = FrameFolder(tmp_path / "later" / "movie", DT)
    assert source.poll().state == "waiting"
