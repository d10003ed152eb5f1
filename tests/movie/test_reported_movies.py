"""The movies of public reports (../shared/cases/movies): right values, or the question."""

import json

import numpy as np
import pytest

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie

# What must be said where a movie is refused or asked about
REFUSALS = {
    "ome_announces_one_plane": "OME-XML announces 1 frame, but the file contains 40 pages",
    "mm_two_channels_one_duplicate": "frame 12, channel 1 is there twice",
    "mm_hole_in_frame_index": "frame 12 is missing between others",
    "still_being_written": "still being written",
    "two_cameras_in_one_folder": r"'left_\*\.tif' \(20 files\), 'right_\*\.tif' \(20 files\)",
    "metamorph_wavelength_names": r"'dots_w1GFP_t\*\.TIF' \(20 files\)",
    "average_beside_the_frames": r"'img_\*\.tif' \(20 files\), 'AVG_img\.tif' \(1 file\)",
    "split_movie": "--join",
    "imagej_announces_more": "contains 40 complete frames of 100",
}
# How the user goes on
ANSWERS = {
    "ome_announces_one_plane": {"time_axis": "page"},
    "split_movie": {"join": True},
    "imagej_announces_more": {"allow_damaged": True},
}


@pytest.fixture
def truth(shared_cases):
    return json.loads((shared_cases / "movies" / "truth.json").read_text(encoding="utf-8"))


def test_every_reported_movie(shared_cases, truth):
    """Assert every value in one test: whole list at once, each failure with its name."""
    wrong = {}
    for name, right in truth.items():
        path = shared_cases / "movies" / right["file"]
        chosen = {axis: right[axis] for axis in ("channel", "time_axis") if axis in right}
        if name in REFUSALS:
            with pytest.raises(MovieError, match=REFUSALS[name]):
                open_movie(path)
            if name not in ANSWERS:
                continue
        movie = open_movie(path, **chosen | ANSWERS.get(name, {}))
        first = float(movie.read_frames(0, 1).sum(dtype=float))
        total = sum(float(chunk.sum(dtype=float)) for _, chunk in movie.chunks())
        found = [movie.n_frames, movie.dt_s, first, total]
        expected = [right[k] for k in ("n_frames", "dt_s", "sum_of_first_frame", "sum_of_all")]
        same = [
            a == b or (a is not None and b is not None and np.isclose(a, b, 0.01, equal_nan=True))
            for a, b in zip(found, expected, strict=True)
        ]
        if not all(same):
            wrong[name] = (found, expected)
    assert not wrong


@pytest.mark.parametrize(
    ("file", "channel", "n_frames", "dt_s"),
    [("12bit_pycromanager_mda", 1, 4, 0.0253), ("v3.0_test", 0, 5, None)],
)
def test_real_files_of_ndtiff(shared_cases, file, channel, n_frames, dt_s):
    path = shared_cases / "movies" / f"real_NDTiffStorage_{file}.tif"
    with pytest.raises(MovieError, match=r"channel \(length 2"):
        open_movie(path)
    movie = open_movie(path, channel=channel)
    assert movie.n_frames == n_frames
    assert dt_s is None or movie.dt_s == pytest.approx(dt_s, rel=0.01)


def test_the_hole_and_the_average_can_be_gone_round(shared_cases):
    folder = shared_cases / "movies"
    assert open_movie(folder / "mm_hole_in_frame_index.tif", missing_frames="skip").n_frames == 39
    assert open_movie(folder / "average_beside_the_frames" / "img_*.tif").n_frames == 20
    companion = folder / "ome_companion" / "movie.companion.ome"
    assert (open_movie(companion).n_frames, open_movie(companion).dt_s) == (40, 0.05)
