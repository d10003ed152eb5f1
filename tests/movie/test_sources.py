"""Files, folders, patterns and lists; and a sentence for whatever is none of these."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie

FRAMES = np.arange(12 * 6 * 7, dtype="u2").reshape(12, 6, 7)


def write_frames(folder: Path, pattern: str = "frame_{}.tif", **options) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / pattern.format(number) for number in range(len(FRAMES))]
    for file, frame in zip(files, FRAMES, strict=True):
        tifffile.imwrite(file, frame, **options)
    return files


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_a_folder_is_read_in_natural_order(tmp_path: Path, options: dict) -> None:
    write_frames(tmp_path, **options)
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / "._frame_3.tif").write_bytes(b"left behind by macOS")
    movie = open_movie(tmp_path)
    assert movie.path == tmp_path
    for memory_mb in (1e-4, 256):
        frames = np.concatenate([chunk for _, chunk in movie.chunks(memory_mb)])
        np.testing.assert_array_equal(frames, FRAMES)


def test_a_pattern_and_its_text_are_read_in_natural_order(tmp_path: Path) -> None:
    write_frames(tmp_path, "a_{}.tif")
    write_frames(tmp_path, "b_{}.tiff")
    for pattern in (tmp_path / "a_*.tif", str(tmp_path / "a_*.tif")):
        np.testing.assert_array_equal(open_movie(pattern).read_frames(0, 12), FRAMES)


def test_a_list_keeps_its_order(tmp_path: Path) -> None:
    files = write_frames(tmp_path)
    movie = open_movie(files[::-1])
    np.testing.assert_array_equal(movie.read_frames(0, 12), FRAMES[::-1])


def test_names_that_count_in_steps(tmp_path: Path) -> None:
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"t{50 * number + 7}.tif", frame)
    np.testing.assert_array_equal(open_movie(tmp_path).read_frames(0, 12), FRAMES)


def test_names_that_tell_the_time_of_day(tmp_path: Path) -> None:
    clock = ["115957", "115958", "115959", "120000", "120002", "120007"]
    for name, frame in zip(clock, FRAMES, strict=False):
        tifffile.imwrite(tmp_path / f"at_{name}.tif", frame)
    np.testing.assert_array_equal(open_movie(tmp_path).read_frames(0, 6), FRAMES[:6])


def test_names_that_count_twice_are_asked_about(tmp_path: Path) -> None:
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"t{number // 2}_c{number % 2}.tif", frame)
    with pytest.raises(MovieError, match="count in 2 places"):
        open_movie(tmp_path)
    movie = open_movie(tmp_path / "t*_c1.tif")
    np.testing.assert_array_equal(movie.read_frames(0, 6), FRAMES[1::2])


def test_a_folder_with_one_movie_is_that_movie(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES)
    movie = open_movie(tmp_path)
    assert movie.path == tmp_path / "movie.tif"
    np.testing.assert_array_equal(movie.read_frames(0, 12), FRAMES)


@pytest.mark.parametrize("other", [FRAMES, FRAMES[0]])
def test_a_folder_with_several_movies_asks_for_one(tmp_path: Path, other: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", other)
    tifffile.imwrite(tmp_path / "b.tif", FRAMES)
    with pytest.raises(MovieError, match=r"there are 2 TIFF files.*alone contains 12 frames"):
        open_movie(tmp_path)


def test_a_folder_with_stacks_that_one_page_describes(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, FRAMES, truncate=True)
    with pytest.raises(MovieError, match="alone contains 12 frames; name one"):
        open_movie(tmp_path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MovieError, match="No such file"):
        open_movie(tmp_path / "absent.tif")
    with pytest.raises(MovieError, match="there is no movie"):
        open_movie(tmp_path)
    with pytest.raises(MovieError, match="there is no movie"):
        open_movie(tmp_path / "*.tif")
    with pytest.raises(MovieError, match="empty list"):
        open_movie([])
    with pytest.raises(MovieError, match="No such file"):
        open_movie([tmp_path / "absent.tif"])


def test_a_symlink_loop(tmp_path: Path) -> None:
    (tmp_path / "loop.tif").symlink_to(tmp_path / "loop.tif")
    for source in (tmp_path / "loop.tif", tmp_path):
        with pytest.raises(MovieError, match="symbolic links"):
            open_movie(source)


def test_something_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    for source in (tmp_path / "pipe.tif", tmp_path):
        with pytest.raises(MovieError, match="not a file"):
            open_movie(source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES)
    (tmp_path / "movie.tif").chmod(0)
    with pytest.raises(MovieError, match="Permission denied"):
        open_movie(tmp_path / "movie.tif")


@pytest.mark.parametrize("content", [b"", b"time,counts\n0,1\n", b"II*\0"])
def test_a_file_that_is_no_tiff(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "movie.tif"
    path.write_bytes(content)
    with pytest.raises(MovieError, match=r"can't be read as TIFF: .*; copy the file again"):
        open_movie(path)


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"ome": True}])
def test_one_frame_is_no_movie(tmp_path: Path, options: dict) -> None:
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES[0], **options)
    with pytest.raises(MovieError, match=r"one frame, of .* at least 2: give the folder"):
        open_movie(tmp_path / "movie.tif")
