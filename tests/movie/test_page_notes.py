"""Notes of single pages: they place the pages, or the user is asked; never silently time."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiff_files import (
    frames_of,
    write_index,
    write_noted,
    write_stk,
    write_texts,
)
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie

FRAMES = frames_of(24)
NOISE = np.random.default_rng(3).integers(-71, -68, 24)
BY_PAGE = "--time-axis page"


def assert_frames(movie, expected):
    assert movie.verdict.status == "whole"
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), expected)


def ndtiff(path, axes_of, step_ms=50.0, frames=FRAMES):
    notes = [{"ElapsedTime-ms": step_ms * i, "Axes": axes_of(i)} for i in range(len(frames))]
    return write_noted(path, frames, notes)


CHANNELS = {
    "names": lambda i: {"time": i // 2, "channel": ("GFP", "mCherry")[i % 2]},
    "numbers": lambda i: {"channel": i % 2, "time": i // 2},
    "blocks": lambda i: {"time": i % 12, "channel": i // 12},
    "a user's own axis": lambda i: {"time": i // 2, "laser": ("561", "488")[i % 2]},
    "a camera": lambda i: {"time": i // 2 + 7, "camera": i % 2},
}


@pytest.mark.parametrize("axes_of", CHANNELS.values(), ids=CHANNELS.keys())
def test_axes_of_ndtiff_are_channels(tmp_path, axes_of):
    path = ndtiff(tmp_path / "movie.tif", axes_of)
    with pytest.raises(MovieError, match=rf"channel \(length 2.*--channel 0.*{BY_PAGE}"):
        open_movie(path)
    second = [i for i in range(24) if list(axes_of(i).values()) != list(axes_of(0).values())]
    second = [i for i in second if _other(axes_of(i)) != _other(axes_of(0))]
    assert_frames(open_movie(path, channel=1), FRAMES[second])
    assert_frames(open_movie(path, time_axis="page"), FRAMES)


def _other(axes):
    return {name: value for name, value in axes.items() if name != "time"}


def test_the_interval_of_one_channel_is_that_of_its_own_frames(tmp_path):
    path = ndtiff(tmp_path / "movie.tif", CHANNELS["names"])
    assert open_movie(path, channel=1).dt_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("axes_of", "asked"),
    [
        (lambda i: {"time": i // 4, "row": i // 2 % 2, "column": i % 2}, r"position \(length 4"),
        (lambda i: {"time": i // 3, "z": i % 3}, r"z \(length 3"),
        (lambda i: {"z": i}, "--time-axis z"),
        (lambda i: {"time": i // 2}, r"channel \(length 2"),
        (lambda i: {"time": i // 6, "z": i // 2 % 3, "channel": i % 2}, "--channel 0 --z 0"),
    ],
)
def test_other_axes_are_asked_for(tmp_path, axes_of, asked):
    with pytest.raises(MovieError, match=asked):
        open_movie(ndtiff(tmp_path / "movie.tif", axes_of))


def test_a_missing_or_doubled_index_is_named(tmp_path):
    path = ndtiff(tmp_path / "hole.tif", lambda i: {"time": i + (i > 5)})
    with pytest.raises(MovieError, match=r"frame 6 is missing.*--missing-frames skip"):
        open_movie(path)
    movie = open_movie(path, missing_frames="skip")
    assert_frames(movie, FRAMES)
    assert "Frame 6 is missing and skipped; the power spectra assume" in movie.notes[0]
    path = ndtiff(tmp_path / "double.tif", lambda i: {"time": i - (i > 5)})
    with pytest.raises(
        MovieError, match=rf"frame 5 is there twice \(page 6 and page 7\).*{BY_PAGE}"
    ):
        open_movie(path)
    notes = [{"Axes": {"time": i}} if i != 3 else {"Axes": None} for i in range(24)]
    with pytest.raises(MovieError, match=rf"page 4 of 24 pages has no axes.*{BY_PAGE}"):
        open_movie(write_noted(tmp_path / "lacking.tif", FRAMES, notes))


def micromanager(i, **more):
    return {"FrameIndex": i, "ChannelIndex": 0, "ElapsedTime-ms": 50 * i} | more


def test_a_doubled_image_of_micromanager_is_named(tmp_path):
    places = [(i // 2, i % 2) for i in range(23)]
    places.insert(9, places[8])
    notes = [micromanager(t, ChannelIndex=c) for t, c in places]
    path = write_noted(tmp_path / "movie.tif", FRAMES, notes)
    for options in ({}, {"channel": 1}):
        with pytest.raises(
            MovieError, match=r"frame 4, channel 0 is there twice \(page 9 and page 10\)"
        ):
            open_movie(path, **options)


def test_a_hole_in_micromanagers_index(tmp_path):
    notes = [micromanager(i + (i > 11), Summary={"Frames": 25}) for i in range(24)]
    path = write_noted(tmp_path / "movie.tif", FRAMES, notes)
    with pytest.raises(MovieError, match=r"contains 12 complete frames of 25: frame 12 is missing"):
        open_movie(path)
    assert open_movie(path, allow_damaged=True).n_frames == 12
    movie = open_movie(path, missing_frames="skip")
    assert_frames(movie, FRAMES)
    assert movie.dt_s == pytest.approx(0.05)


@pytest.mark.parametrize("broken", [None, "{", {"Comment": "none"}])
def test_a_page_without_the_notes_of_the_others_is_named(tmp_path, broken):
    notes = [micromanager(i) for i in range(24)]
    notes[7] = broken
    with pytest.raises(MovieError, match=rf"page 8 of 24 pages has no frame index.*{BY_PAGE}"):
        open_movie(write_noted(tmp_path / "movie.tif", FRAMES, notes))


@pytest.mark.parametrize("notes", [[micromanager(3)] * 24, [micromanager(3)] + [None] * 23])
def test_notes_that_another_program_copied_place_nothing(tmp_path, notes):
    movie = open_movie(write_noted(tmp_path / "movie.tif", FRAMES, notes))
    assert_frames(movie, FRAMES)
    assert movie.dt_s is None


@pytest.mark.parametrize("own", [{}, {"FrameIndex": 0, "ChannelIndex": 0}])
def test_channels_that_only_a_name_tells(tmp_path, own):
    notes = [own | {"Channel": ("GFP", "RFP")[i % 2], "ElapsedTime-ms": 50 * i} for i in range(24)]
    path = write_noted(tmp_path / "movie.tif", FRAMES, notes)
    with pytest.raises(MovieError, match=r"channel \(length 2: GFP, RFP\)"):
        open_movie(path)
    assert_frames(open_movie(path, channel=1), FRAMES[1::2])


def test_time_stamps_repeated_in_neighbouring_pages_are_asked_about(tmp_path):
    notes = [{"ElapsedTime-ms": i // 3 * 50} for i in range(24)]
    path = write_noted(tmp_path / "movie.tif", FRAMES, notes)
    with pytest.raises(
        MovieError, match=rf"each time stamp stands in 3 neighbouring pages.*--channel 0.*{BY_PAGE}"
    ):
        open_movie(path)
    assert_frames(open_movie(path, channel=2), FRAMES[2::3])


def test_a_part_of_a_recording_may_begin_late(tmp_path):
    path = write_noted(tmp_path / "m.tif", FRAMES, [micromanager(500 + i) for i in range(24)])
    assert_frames(open_movie(path), FRAMES)


def scanimage_text(number, time_s):
    return (
        f"frameNumbers = {number}\nacquisitionNumbers = 1\nframeNumberAcquisition = {number}\n"
        f"frameTimestamps_sec = {time_s:.6f}\nacqTriggerTimestamps_sec = -0.000035\n"
    )


def scanimage(path, n_channels, software, numbers=None):
    numbers = numbers or [i // n_channels + 1 for i in range(24)]
    return write_texts(path, FRAMES, [scanimage_text(n, n * 0.033) for n in numbers], software)


@pytest.mark.parametrize("software", ["SI.hChannels.channelSave = [1;2]", None, "SI.VERSION = 5"])
def test_channels_of_scanimage(tmp_path, software):
    path = scanimage(tmp_path / "movie.tif", 2, software)
    with pytest.raises(MovieError, match=r"channel \(length 2"):
        open_movie(path)
    movie = open_movie(path, channel=0)
    assert_frames(movie, FRAMES[::2])
    assert movie.dt_s == pytest.approx(0.033)


def test_one_channel_of_scanimage_is_a_movie(tmp_path):
    movie = open_movie(scanimage(tmp_path / "movie.tif", 1, "SI.hChannels.channelSave = 1"))
    assert_frames(movie, FRAMES)


def test_planes_of_scanimage(tmp_path):
    fast = "SI.hChannels.channelSave = 1\nSI.hFastZ.enable = true\nSI.hFastZ.numFramesPerVolume = 4"
    path = scanimage(tmp_path / "fast.tif", 1, fast)
    with pytest.raises(MovieError, match=r"z \(length 4"):
        open_movie(path)
    assert_frames(open_movie(path, z=1), FRAMES[1::4])
    slow = (
        "SI.hChannels.channelSave = 1\nSI.hStackManager.enable = true\n"
        "SI.hStackManager.numSlices = 3\nSI.hStackManager.framesPerSlice = 8"
    )
    assert_frames(open_movie(scanimage(tmp_path / "slow.tif", 1, slow), z=1), FRAMES[8:16])


@pytest.mark.parametrize(
    "text", ["state.acq.numberOfChannelsSave=2\r", "scanimage.SI4.channelsSave = [1;2]\n"]
)
def test_older_scanimage_gives_channels_once(tmp_path, text):
    with pytest.raises(MovieError, match=r"channel \(length 2"):
        open_movie(write_texts(tmp_path / "movie.tif", FRAMES, [text] * 24))


def test_frame_numbers_of_scanimage_that_repeat_or_skip_once(tmp_path):
    doubled = [i - (i > 9) + 1 for i in range(24)]
    with pytest.raises(MovieError, match=r"frame 9 is there twice \(page 10 and page 11\)"):
        open_movie(scanimage(tmp_path / "double.tif", 1, "SI.VERSION = 5", doubled))
    skipped = [i + (i > 9) + 1 for i in range(24)]
    with pytest.raises(MovieError, match="frame 10 is missing between others"):
        open_movie(scanimage(tmp_path / "skip.tif", 1, "SI.VERSION = 5", skipped))


@pytest.mark.parametrize("name", ["Frame", "Frame number", "FrameIndex", "frame_no", "Image no."])
def test_any_frame_number_that_is_repeated_is_asked_about(tmp_path, name):
    texts = [f"Exposure: 0.03\n{name} = {i // 2}\n" for i in range(24)]
    with pytest.raises(MovieError, match=rf"channel \(length 2.*{BY_PAGE}"):
        open_movie(write_texts(tmp_path / "movie.tif", FRAMES, texts))


def test_metamorph_stacks(tmp_path):
    times_ms = [50 * i for i in range(24)]
    movie = open_movie(write_stk(tmp_path / "a.stk", FRAMES, times_ms))
    assert_frames(movie, FRAMES)
    assert movie.dt_s == pytest.approx(0.05)
    assert_frames(open_movie(tmp_path), FRAMES)
    path = write_stk(tmp_path / "z.stk", FRAMES, times_ms, depths=[2] * 24)
    with pytest.raises(MovieError, match=r"z \(length 24.*--time-axis z"):
        open_movie(path)
    assert_frames(open_movie(path, time_axis="z"), FRAMES)
    path = write_stk(tmp_path / "w.stk", FRAMES, times_ms, wavelengths=[525, 600] * 12)
    with pytest.raises(MovieError, match=r"channel \(length 2: 525 nm, 600 nm\)"):
        open_movie(path)
    assert_frames(open_movie(path, channel=1), FRAMES[1::2])


def test_a_cut_metamorph_stack_is_no_movie(tmp_path):
    path = write_stk(tmp_path / "a.stk", FRAMES, [0] * 24)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MovieError, match=r"a\.stk"):
        open_movie(path)


class TestIndex:
    """NDTiff.index beside the files places the pages of all files."""

    def write(self, folder, n_files=2):
        entries = []
        for file, part in enumerate(np.array_split(FRAMES, n_files)):
            name = f"NDTiffStack{f'_{file}' if file else ''}.tif"
            write_noted(folder / name, part, [{"ElapsedTime-ms": 5 * i} for i in range(len(part))])
            with tifffile.TiffFile(folder / name) as tif:
                offsets = [page.dataoffsets[0] for page in tif.pages]
            for offset in offsets:
                i = len(entries)
                axes = {"time": i // 2, "channel": ("A", "B")[i % 2]}
                entries.append((axes, name, offset, FRAMES.shape[1:]))
        write_index(folder, entries)

    @pytest.mark.parametrize("name", ["", "NDTiffStack.tif", "NDTiffStack_1.tif"])
    def test_it_joins_the_files(self, tmp_path, name):
        self.write(tmp_path)
        with pytest.raises(MovieError, match=r"channel \(length 2: A, B\)"):
            open_movie(tmp_path / name)
        assert_frames(open_movie(tmp_path / name, channel=1), FRAMES[1::2])

    def test_a_missing_file_is_told(self, tmp_path):
        self.write(tmp_path)
        (tmp_path / "NDTiffStack_1.tif").unlink()
        with pytest.raises(MovieError, match=r"6 complete frames of 12: .*NDTiffStack_1\.tif"):
            open_movie(tmp_path / "NDTiffStack.tif", channel=0)

    def test_a_stranger_is_told(self, tmp_path):
        self.write(tmp_path)
        tifffile.imwrite(tmp_path / "other.tif", FRAMES[0])
        with pytest.raises(MovieError, match=r"other\.tif is not part of the NDTiff data set"):
            open_movie(tmp_path)

    @pytest.mark.parametrize("n_bytes", [0, 3, 50, 200])
    def test_a_cut_index_is_no_crash(self, tmp_path, n_bytes):
        self.write(tmp_path)
        index = tmp_path / "NDTiff.index"
        index.write_bytes(index.read_bytes()[:n_bytes])
        if n_bytes > 50:
            with pytest.raises(MovieError, match=BY_PAGE):
                open_movie(tmp_path / "NDTiffStack.tif")
        else:
            assert open_movie(tmp_path / "NDTiffStack.tif").n_frames == 12


@settings(max_examples=40, deadline=None)
@given(
    n_times=st.integers(3, 6),
    n_channels=st.integers(1, 3),
    n_z=st.integers(1, 2),
    names=st.sampled_from([("time", "channel", "z"), ("t", "c", "slice"), ("frame", "view", "z")]),
    seed=st.integers(0, 99),
)
def test_axes_in_any_order_place_every_page(
    tmp_path_factory, n_times, n_channels, n_z, names, seed
):
    rng = np.random.default_rng(seed)
    places = [(t, c, z) for t in range(n_times) for c in range(n_channels) for z in range(n_z)]
    frames = frames_of(len(places), seed=seed)
    order = rng.permutation(len(places))
    notes = [{"Axes": dict(zip(names, map(int, places[i]), strict=True))} for i in order]
    path = write_noted(tmp_path_factory.mktemp("axes") / "m.tif", frames[order], notes)
    wanted = [i for i, (_, c, z) in enumerate(places) if (c, z) == (n_channels - 1, n_z - 1)]
    movie = open_movie(path, channel=n_channels - 1, z=n_z - 1)
    assert_frames(movie, frames[wanted])
    if n_channels * n_z > 1:
        with pytest.raises(MovieError, match="choose one of each"):
            open_movie(path)


@settings(max_examples=40, deadline=None)
@given(
    n_frames=st.integers(4, 12),
    n_channels=st.integers(1, 3),
    fault=st.sampled_from(["none", "doubled", "lost"]),
    place=st.integers(0, 99),
)
def test_indices_with_one_fault_are_never_read_as_time(
    tmp_path_factory, n_frames, n_channels, fault, place
):
    places = [(t, c) for t in range(n_frames) for c in range(n_channels)]
    at = 1 + place % (len(places) - 2)
    if fault == "doubled":
        places.insert(at, places[at - 1])
    elif fault == "lost":
        del places[at]
    notes = [micromanager(t, ChannelIndex=c) for t, c in places]
    path = write_noted(tmp_path_factory.mktemp("i") / "m.tif", frames_of(len(places)), notes)
    if fault == "none" and n_channels == 1:
        assert open_movie(path).n_frames == n_frames
        return
    with pytest.raises(MovieError, match=r"choose one of each|twice|missing"):
        open_movie(path)
    if fault == "doubled":
        with pytest.raises(MovieError, match="twice"):
            open_movie(path, channel=0)


def test_a_frame_number_that_never_changes_tells_nothing(tmp_path):
    texts = [f"Frame number = 1\nSeconds = {0.03 * i * i:.4f}\n" for i in range(24)]
    assert_frames(open_movie(write_texts(tmp_path / "m.tif", FRAMES, texts)), FRAMES)


RHYTHMS = {
    "an alternating laser": lambda i: {"Laser": ("488", "561")[i % 2]},
    "a shutter": lambda i: {"Shutter-State": i % 2, "Time": f"12:00:{i:02d}"},
    "three filters": lambda i: {"Filter": "ABC"[i % 3], "CCDTemperature": -70 + i * i % 5},
    "frames that are counted": lambda i: {"FrameIndex": i, "Emission-Label": "AB"[i % 2]},
}


@pytest.mark.parametrize("note_of", RHYTHMS.values(), ids=RHYTHMS.keys())
@pytest.mark.parametrize("as_text", [False, True])
def test_a_rhythm_in_notes_that_are_not_understood_is_asked_about(tmp_path, note_of, as_text):
    notes = [{"ElapsedTime-ms": 50 * i} | note_of(i) for i in range(24)]
    texts = ["".join(f"{k} = {v}\n" for k, v in note.items()) for note in notes]
    path = tmp_path / "m.tif"
    write_texts(path, FRAMES, texts) if as_text else write_noted(path, FRAMES, notes)
    with pytest.raises(
        MovieError, match=rf"differ regularly in .*as if these were channels.*{BY_PAGE}"
    ):
        open_movie(path)
    assert_frames(open_movie(path, time_axis="page"), FRAMES)


@pytest.mark.parametrize(
    "note_of",
    [
        lambda i: {
            "Time": f"2026-01-01 12:00:{i // 3:02d}",
            "Temperature": int(NOISE[i]),
        },
        lambda i: {"FrameIndex": i, "ImageNumber": i, "UUID": f"{i * 7919:x}"},
        lambda i: {"ROI": "0-0-8-9", "Exposure-ms": 50, "Comment": ""},
    ],
)
def test_notes_without_a_rhythm_are_no_channels(tmp_path, note_of):
    assert_frames(
        open_movie(write_noted(tmp_path / "m.tif", FRAMES, map(note_of, range(24)))), FRAMES
    )
