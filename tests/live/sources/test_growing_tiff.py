"""A TIFF stack that is being written gives the right frames, or none yet."""

import os
import pickle

import numpy as np
import pytest
import tifffile

from tests.support.growing_files import (
    KINDS,
    Clock,
    MicroManagerWriter,
    append,
    finished_file,
    index_entry,
    note_of,
    read_all,
)
from tests.support.tiff_files import frames_of, ome_xml
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.movie import growing_pages, page_reader
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

DT = MovieSettings(dt_s=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_of_a_growing_file_gives_right_frames_or_none(tmp_path, kind):
    frames = frames_of(6, 5, 6)
    blob = finished_file(kind, tmp_path / "whole.tif", frames)
    path, clock = tmp_path / "movie.tif", Clock()
    source = GrowingTiff(path, DT, clock=clock)
    assert source.poll().state == "waiting"
    n_before = 0
    for end in range(len(blob)):
        append(path, blob[end : end + 1])
        if end % 7 == 0 or end > len(blob) - 8:
            clock.pass_(0.01)
            movie = source.poll().movie
            n_frames = movie.n_frames if movie else 0
            assert n_frames >= n_before
            n_before = n_frames
            if movie:
                np.testing.assert_array_equal(read_all(movie), frames[:n_frames])
    clock.pass_(1)
    arrival = source.poll()
    np.testing.assert_array_equal(read_all(arrival.movie), frames)
    assert arrival.state in ("recording", "finished")
    whole = open_movie(path, DT)
    assert arrival.movie.dtype == whole.dtype
    assert (arrival.movie.dt_s, arrival.movie.pixel_size_um) == (whole.dt_s, whole.pixel_size_um)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ImageJ",)])
def test_all_frames_but_the_last_are_given_without_waiting(tmp_path, kind):
    frames = frames_of(8, 5, 6)
    finished_file(kind, tmp_path / "movie.tif", frames)
    source = GrowingTiff(tmp_path / "movie.tif", DT, clock=Clock())
    assert source.poll().movie.n_frames >= len(frames) - 1


OPEN_WRITERS = {
    "classic": ({}, {"contiguous": False, "metadata": None}),
    "BigTIFF": ({"bigtiff": True}, {"contiguous": False}),
    "contiguous": ({}, {"contiguous": True}),
    "contiguous BigTIFF": ({"bigtiff": True}, {"contiguous": True}),
    "ImageJ": ({"imagej": True}, {"contiguous": True}),
    "OME": ({"ome": True}, {"contiguous": True}),
}


@pytest.mark.parametrize("kind", OPEN_WRITERS)
def test_a_file_that_a_program_holds_open(tmp_path, kind):
    frames = frames_of(40, 9, 8)
    options, each = OPEN_WRITERS[kind]
    path, clock = tmp_path / "movie.tif", Clock()
    source = GrowingTiff(path, DT, clock=clock)
    writer = tifffile.TiffWriter(path, **options)
    for number, frame in enumerate(frames):
        writer.write(frame, photometric="minisblack", **each)
        clock.pass_(0.01)
        movie = source.poll().movie
        assert number < 4 or movie.n_frames >= number - 1
        if movie:
            np.testing.assert_array_equal(read_all(movie), frames[: movie.n_frames])
    clock.pass_(1)
    movie = source.poll().movie
    np.testing.assert_array_equal(read_all(movie), frames)


def test_channels_that_are_announced_at_the_end_are_asked_for(tmp_path):
    clock = Clock()
    source = GrowingTiff(tmp_path / "movie.tif", DT, clock=clock)
    with tifffile.TiffWriter(tmp_path / "movie.tif", imagej=True) as writer:
        for frame in frames_of(20):
            writer.write(frame, contiguous=True)
            source.poll()
    assert source.poll().movie.n_frames >= 19
    clock.pass_(1)
    with pytest.raises(MovieError, match="--channel 0"):
        source.poll()


def test_micro_manager_reserves_space_and_writes_each_page_in_pieces(tmp_path):
    frames = frames_of(30, 9, 8)
    path, clock = tmp_path / "a_MMStack_Pos0.ome.tif", Clock()
    writer = MicroManagerWriter(path, {"Interval_ms": 0}, 40_000)
    source = GrowingTiff(path, MovieSettings(), clock=clock)
    for number, frame in enumerate(frames):
        for at, blob in writer.steps(frame, note_of(number)):
            for part in range(0, len(blob), 41):
                writer.write(at + part, blob[part : part + 41])
                clock.pass_(0.01)
                movie = source.poll().movie
                if movie:
                    assert movie.n_frames <= number + 1
                    np.testing.assert_array_equal(read_all(movie), frames[: movie.n_frames])
    assert movie.n_frames == len(frames) - 1
    assert movie.dt_s == pytest.approx(0.03)
    assert movie.dt_origin.startswith("measured")
    assert movie.pixel_size_um == 0.1
    clock.pass_(1)
    assert source.poll().movie.n_frames == len(frames)
    writer.close()
    clock.pass_(1)
    np.testing.assert_array_equal(read_all(source.poll().movie), frames)
    whole = open_movie(path)
    np.testing.assert_array_equal(read_all(whole), frames)
    assert whole.dt_s == source.poll().movie.dt_s


def test_micro_manager_goes_on_in_a_second_file(tmp_path):
    frames, clock = frames_of(12, 9, 8), Clock()
    paths = [tmp_path / f"a_MMStack_Pos0{part}.ome.tif" for part in ("", "_1", "_2")]
    source = GrowingTiff(paths[0], MovieSettings(), clock=clock)
    for number, frame in enumerate(frames):
        if number % 4 == 0:
            writer = MicroManagerWriter(paths[number // 4], {}, 9000)
        writer.put(frame, note_of(number))
        if number % 4 == 3:
            writer.close()
        clock.pass_(0.01)
        movie = source.poll().movie
        if movie:
            np.testing.assert_array_equal(read_all(movie), frames[: movie.n_frames])
    clock.pass_(1)
    np.testing.assert_array_equal(read_all(source.poll().movie), frames)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_ndtiff_grows_with_its_index_over_several_files(tmp_path, n_channels):
    frames, clock = frames_of(24, 9, 8), Clock()
    first = tmp_path / "NDTiffStack.tif"
    settings = MovieSettings(channel=1 if n_channels == 2 else None)
    source = GrowingTiff(first, settings, clock=clock)
    (tmp_path / "NDTiff.index").touch()
    own = frames[n_channels - 1 :: n_channels]
    writer = None
    for number, frame in enumerate(frames):
        part = number // 10
        if number % 10 == 0:
            if writer is not None:
                writer.close()
            name = f"NDTiffStack{f'_{part}' if part else ''}.tif"
            writer = MicroManagerWriter(tmp_path / name, {}, 9000)
        time, channel = divmod(number, n_channels)
        axes = {"time": time} | ({"channel": channel} if n_channels == 2 else {})
        steps = writer.steps(frame, {"ElapsedTime-ms": 30.0 * time, "Axes": axes, "n": number})
        for at, blob in steps:
            writer.write(at, blob)
        clock.pass_(0.01)
        before = source.poll().movie
        assert before is None or before.n_frames <= -(-number // n_channels)
        append(tmp_path / "NDTiff.index", index_entry(axes, name, steps[1][0], frame.shape))
        clock.pass_(0.01)
        movie = source.poll().movie
        if movie:
            np.testing.assert_array_equal(read_all(movie), own[: movie.n_frames])
    clock.pass_(1)
    arrival = source.poll()
    np.testing.assert_array_equal(read_all(arrival.movie), own)
    writer.close()
    assert arrival.movie.dt_s == pytest.approx(0.03)
    np.testing.assert_array_equal(read_all(open_movie(first, settings)), own)


def test_two_channels_must_be_chosen(tmp_path):
    path, clock = tmp_path / "a.tif", Clock()
    writer = MicroManagerWriter(path, {}, 60_000)
    source = GrowingTiff(path, DT, clock=clock)
    for number, frame in enumerate(frames_of(64, 9, 8)):
        writer.put(frame, note_of(number // 2, ChannelIndex=number % 2))
        assert source.poll().movie is None
    writer.put(frame, note_of(32, ChannelIndex=0))
    with pytest.raises(MovieError, match="--channel 0"):
        source.poll()


def test_an_unknown_interval_is_told_at_once(tmp_path):
    finished_file("classic", tmp_path / "a.tif", frames_of(6))
    with pytest.raises(MovieError, match="--dt-s"):
        GrowingTiff(tmp_path / "a.tif", MovieSettings(), clock=Clock()).poll()


def grown(tmp_path, n_frames=6, kind="classic"):
    """Return path, source and clock of a file that has been followed."""
    path, clock = tmp_path / "movie.tif", Clock()
    finished_file(kind, path, frames_of(n_frames))
    source = GrowingTiff(path, DT, clock=clock)
    clock.pass_(1)
    source.poll()
    clock.pass_(1)
    assert source.poll().movie.n_frames == n_frames
    return path, source, clock


def test_a_vanished_file_is_lost(tmp_path):
    path, source, _ = grown(tmp_path)
    path.unlink()
    arrival = source.poll()
    assert (arrival.state, arrival.movie.n_frames) == ("lost", 6)
    assert "vanished" in arrival.reason
    finished_file("classic", path, frames_of(9))
    assert source.poll() == arrival


def test_a_truncated_file_is_lost(tmp_path):
    path, source, _ = grown(tmp_path)
    os.truncate(path, 700)
    arrival = source.poll()
    assert arrival.state == "lost"
    assert "truncated" in arrival.reason


def test_a_replaced_file_is_lost(tmp_path):
    path, source, _ = grown(tmp_path)
    finished_file("classic", tmp_path / "new.tif", frames_of(20, seed=1))
    os.replace(tmp_path / "new.tif", path)
    arrival = source.poll()
    assert arrival.state == "lost"
    assert "replaced" in arrival.reason


@pytest.mark.parametrize("kind", ["classic", "deflate"])
def test_a_file_that_is_written_anew_in_place_is_lost(tmp_path, kind):
    path, source, _ = grown(tmp_path, kind=kind)
    finished_file(kind, tmp_path / "new.tif", frames_of(20, seed=1))
    path.write_bytes((tmp_path / "new.tif").read_bytes())
    arrival = source.poll()
    assert arrival.state == "lost"
    assert "started anew" in arrival.reason


def test_a_frame_of_another_size_ends_the_movie(tmp_path):
    path, source, _ = grown(tmp_path)
    for n_rows in (9, 9, 7, 9):
        tifffile.imwrite(path, frames_of(1, n_rows, seed=n_rows)[0], append=True, metadata=None)
    arrival = source.poll()
    assert (arrival.state, arrival.movie.n_frames) == ("lost", 8)
    assert "7 × 8" in arrival.reason
    lenient = MovieSettings(dt_s=0.03, allow_damaged=True)
    arrival = GrowingTiff(path, lenient, clock=Clock()).poll()
    assert (arrival.state, arrival.movie.n_frames) == ("finished", 8)
    assert open_movie(path, lenient).n_frames == 8


def test_a_stalled_writer_is_no_error(tmp_path):
    frames = frames_of(6)
    blob = finished_file("classic", tmp_path / "whole.tif", frames)
    path, clock = tmp_path / "movie.tif", Clock()
    source = GrowingTiff(path, DT, clock=clock)
    for end in range(0, len(blob), 11):
        path.write_bytes(blob[:end]) if not path.exists() else append(path, blob[end - 11 : end])
        for _ in range(3):
            clock.pass_(1)
            arrival = source.poll()
        assert arrival.state in ("waiting", "recording")
        if arrival.movie:
            np.testing.assert_array_equal(read_all(arrival.movie), frames[: arrival.movie.n_frames])


@pytest.mark.parametrize(
    "content", [b"BM" + bytes(60), b"\x89PNG\r\n\x1a\n" + bytes(50), b"hello world, no movie"]
)
def test_a_file_that_is_no_tiff_is_refused(tmp_path, content):
    (tmp_path / "movie.tif").write_bytes(content)
    with pytest.raises(MovieError, match="TIFF"):
        GrowingTiff(tmp_path / "movie.tif", DT).poll()


def test_a_missing_frame_stops_the_movie_unless_skipped(tmp_path):
    path = tmp_path / "a.tif"
    frames = frames_of(30)
    writer = MicroManagerWriter(path, {}, 60_000)
    clock = Clock()
    source = GrowingTiff(path, DT, clock=clock)
    skipping = GrowingTiff(path, MovieSettings(dt_s=0.03, missing_frames="skip"), clock=clock)
    for number, frame in enumerate(frames):
        if number != 12:
            writer.put(frame, note_of(number))
        refused, skipped = source.poll(), skipping.poll()
    clock.pass_(1)
    refused, skipped = source.poll(), skipping.poll()
    assert (refused.state, refused.movie.n_frames) == ("recording", 12)
    assert "frame 12 is missing" in refused.reason
    assert "--missing-frames skip" in refused.reason
    np.testing.assert_array_equal(read_all(skipped.movie), np.delete(frames, 12, 0))


def test_a_recording_is_finished_when_all_announced_frames_are_there(tmp_path):
    frames = frames_of(12)
    blob = finished_file("ImageJ", tmp_path / "whole.tif", frames)
    path, clock = tmp_path / "movie.tif", Clock()
    source = GrowingTiff(path, MovieSettings(), clock=clock)
    path.write_bytes(blob[:1500])
    arrival = source.poll()
    assert arrival.state == "recording"
    assert arrival.movie.dt_s == pytest.approx(0.03)
    append(path, blob[1500:])
    clock.pass_(0.1)
    source.poll()
    clock.pass_(1)
    arrival = source.poll()
    assert (arrival.state, arrival.movie.n_frames) == ("finished", 12)


def test_what_was_given_can_be_read_while_the_file_grows_on(tmp_path):
    frames = frames_of(300, 4, 4)
    path, clock = tmp_path / "movie.tif", Clock()
    source, given = GrowingTiff(path, DT, clock=clock), []
    blob = finished_file("classic", tmp_path / "whole.tif", frames)
    for start in range(0, len(blob), 3001):
        append(path, blob[start : start + 3001])
        movie = source.poll().movie
        if movie:
            given.append(pickle.loads(pickle.dumps(movie)))
    assert given[-1].n_frames > 280
    assert [movie.n_frames for movie in given] == sorted(movie.n_frames for movie in given)
    for movie in given:
        np.testing.assert_array_equal(read_all(movie), frames[: movie.n_frames])


@pytest.mark.parametrize("kind", ["classic", "one page describes all", "Micro-Manager"])
def test_a_long_file_that_is_there_already_is_read_in_parts(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(growing_pages, "MOST_AT_ONCE", 10)
    frames = frames_of(64, 4, 4)
    finished_file(kind, tmp_path / "movie.tif", frames)
    clock = Clock()
    source, numbers = GrowingTiff(tmp_path / "movie.tif", DT, clock=clock), []
    for _ in range(10):
        clock.pass_(0.2)
        movie = source.poll().movie
        numbers.append(movie.n_frames)
        np.testing.assert_array_equal(read_all(movie), frames[: movie.n_frames])
    assert numbers[:3] == sorted(set(numbers[:3]))
    assert numbers[-1] == 64


def test_the_cost_of_a_look_does_not_depend_on_the_pages_before(tmp_path, monkeypatch):
    """Pages read and bytes of descriptions parsed are counted: each page once, in its turn."""
    frames, read = frames_of(600, 2, 2), []
    blob = finished_file("classic", tmp_path / "whole.tif", frames)
    read_page = page_reader.PageReader.read

    def counted(reader, offset, index):
        read.append(index)
        return read_page(reader, offset, index)

    monkeypatch.setattr(page_reader.PageReader, "read", counted)
    source = GrowingTiff(tmp_path / "movie.tif", DT, clock=Clock())
    per_look = []
    for start in range(0, len(blob), 1000):
        append(tmp_path / "movie.tif", blob[start : start + 1000])
        read.clear()
        source.poll()
        per_look.append(len(read))
    assert max(per_look[50:]) <= max(per_look[1:10]) + 1
    assert sum(per_look) < 3 * len(frames)


def test_a_file_that_is_made_anew_before_its_first_frame(tmp_path):
    frames, path = frames_of(6), tmp_path / "movie.tif"
    blob = finished_file("classic", tmp_path / "little.tif", frames)
    clock = Clock()
    source = GrowingTiff(path, DT, clock=clock)
    path.write_bytes(blob[:150])
    assert source.poll().state == "waiting"
    path.unlink()
    assert source.poll().state == "waiting"
    finished_file("big-endian", path, frames)
    for _ in range(2):
        clock.pass_(1)
        arrival = source.poll()
    assert arrival.state == "recording"
    np.testing.assert_array_equal(read_all(arrival.movie), frames)


def test_xml_that_is_added_when_the_file_is_closed_changes_no_frame(tmp_path):
    """Micro-Manager reserves space for the OME-XML in the first page; this one is nonsense."""
    frames, path, clock = frames_of(12), tmp_path / "movie.ome.tif", Clock()
    source = GrowingTiff(path, DT, clock=clock)
    with tifffile.TiffWriter(path) as writer:
        for number, frame in enumerate(frames[:9]):
            text = " " * 3000 if number == 0 else None
            writer.write(frame, contiguous=False, metadata=None, description=text)
    clock.pass_(1)
    source.poll()
    assert source.poll().movie.n_frames >= 8
    for frame in frames[9:]:
        tifffile.imwrite(path, frame, append=True, metadata=None)
    xml = ome_xml(3, n_channels=4).encode()
    blob = path.read_bytes()
    path.write_bytes(blob.replace(b" " * len(xml), xml, 1))
    for _ in range(2):
        clock.pass_(1)
        arrival = source.poll()
    assert arrival.state == "recording"
    np.testing.assert_array_equal(read_all(arrival.movie), frames)
