"""A truncated, mixed or incomplete movie is named as such; its sound frames are the true ones."""

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

N_FRAMES = 40
FRAMES = np.random.default_rng(5).integers(0, 4000, (N_FRAMES, 32, 32)).astype("u2")
ALLOW = MovieSettings(allow_damaged=True)
TIME = {"axes": "TYX"}

WRITE_OPTIONS = {
    "plain": {},
    "BigTIFF": {"bigtiff": True},
    "ImageJ": {"imagej": True, "metadata": TIME},
    "OME": {"ome": True, "metadata": TIME},
    "deflate": {"compression": "zlib"},
    "OME, deflate": {"ome": True, "metadata": TIME, "compression": "zlib"},
    "one page describes all": {"truncate": True},
    "no description": {"metadata": None},
}
# These tell how many frames there were, if only by the room left for them; their pixels
# precede all descriptions but the first.
# tifffile writes OME-XML last, so a cut loses it.
RECOVERABLE = ("plain", "BigTIFF", "ImageJ", "no description", "one page describes all")


def write_page_by_page(path: Path, **options) -> None:
    with tifffile.TiffWriter(path) as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=None, **options)


def cut(path: Path, fraction: float) -> None:
    blob = path.read_bytes()
    path.write_bytes(blob[: int(fraction * len(blob))])


def n_sound_frames_said(error: MovieError) -> int:
    if "without it nothing can be recovered" in error.reason:
        return 0
    if all_there := re.search(r"the pixels of all (\d+) frames are complete, but", error.reason):
        return int(all_there.group(1))
    return int(re.search(r"it contains (\d+) complete frames? of \d+", error.reason).group(1))


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", WRITE_OPTIONS)
def test_a_cut_movie_is_truncated(tmp_path: Path, name: str, fraction: float) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES, **WRITE_OPTIONS[name])
    cut(path, fraction)
    with pytest.raises(MovieError, match="the movie is truncated") as caught:
        open_movie(path)
    n_sound = n_sound_frames_said(caught.value)
    if name in RECOVERABLE:
        assert n_sound >= int(fraction * N_FRAMES) - 2
    assert_sound_frames_are_true(path, n_sound)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_cut_movie_of_one_page_a_frame(
    tmp_path: Path, compression: str | None, fraction: float
) -> None:
    path = tmp_path / "movie.tif"
    write_page_by_page(path, compression=compression)
    cut(path, fraction)
    with pytest.raises(MovieError, match=r"truncated.*--allow-damaged") as caught:
        open_movie(path)
    n_sound = n_sound_frames_said(caught.value)
    assert abs(n_sound - fraction * N_FRAMES) <= 2
    assert_sound_frames_are_true(path, n_sound)


def assert_sound_frames_are_true(path: Path, n_sound: int) -> None:
    if n_sound < 2:
        with pytest.raises(MovieError, match=r"truncated.* nothing can be recovered"):
            open_movie(path, ALLOW)
        return
    movie = open_movie(path, ALLOW)
    assert movie.verdict.status == "truncated"
    assert movie.verdict.n_declared >= movie.n_frames == movie.verdict.n_sound == n_sound
    assert movie.verdict.reason
    np.testing.assert_array_equal(movie.read_frames(0, n_sound), FRAMES[:n_sound])


@pytest.mark.parametrize(
    "written",
    [
        {"imagej": True, "metadata": {"axes": "TYX"}},
        {"photometric": "minisblack"},
        {"photometric": "minisblack", "metadata": None},
    ],
)
def test_whole_frames_of_a_cut_stack_are_counted(tmp_path: Path, written: dict) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES, **written)
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0]
    path.write_bytes(path.read_bytes()[: start + 18 * FRAMES[0].nbytes + 5])
    says = r"it contains 18 complete frames of 40: movie\.tif ends before frame 18 is complete"
    with pytest.raises(MovieError, match=f"the movie is truncated: {says}"):
        open_movie(path)
    assert re.search(says, open_movie(path, ALLOW).verdict.reason)


def test_frames_that_nobody_counts_may_be_more(tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    write_page_by_page(path)
    cut(path, 0.5)
    with pytest.raises(MovieError, match=r"it contains \d+ complete frames of \d+ or more: "):
        open_movie(path)


def test_every_length_of_a_cut_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "whole.tif", FRAMES[:5, :4, :5], photometric="minisblack")
    blob = (tmp_path / "whole.tif").read_bytes()
    path = tmp_path / "movie.tif"
    n_sound = []
    for length in range(0, len(blob), 3):
        path.write_bytes(blob[:length])
        try:
            movie = open_movie(path, ALLOW)
        except MovieError:
            n_sound.append(0)
            continue
        n_sound.append(movie.n_frames)
        expected = FRAMES[: movie.n_frames, :4, :5]
        np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), expected)
    assert n_sound == sorted(n_sound)
    assert n_sound[-1] >= 4


@pytest.mark.parametrize("odd", [FRAMES[0].astype("f4"), FRAMES[0, :16], FRAMES[0].astype("i2")])
def test_an_odd_page_makes_a_movie_mixed(tmp_path: Path, odd: np.ndarray) -> None:
    path = tmp_path / "movie.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in (*FRAMES[:7], odd, *FRAMES[8:]):
            writer.write(frame, contiguous=False, metadata=None)
    with pytest.raises(MovieError, match=r"the movie is mixed: 7 of 40 frames are sound.*frame 7"):
        open_movie(path)
    movie = open_movie(path, ALLOW)
    assert (movie.verdict.status, movie.n_frames) == ("mixed", 7)
    np.testing.assert_array_equal(movie.read_frames(0, 7), FRAMES[:7])


def test_an_imagej_file_with_more_pages_than_announced_is_mixed(tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    description = "ImageJ=1.54f\nimages=30\nframes=30\n"
    tifffile.imwrite(path, FRAMES, description=description, metadata=None)
    with pytest.raises(MovieError, match=r"mixed: ImageJ announces 30 frames, but .* 10 more"):
        open_movie(path)
    assert open_movie(path, ALLOW).n_frames == 30


def write_ome_set(folder: Path, n_files: int = 4) -> list[Path]:
    """A multi-file OME set in which every file holds its share of the frames and the whole XML."""
    shares = np.array_split(FRAMES, n_files)
    names = [f"part_{number}.ome.tif" for number in range(n_files)]
    starts = np.cumsum([0, *map(len, shares)])
    data = "".join(
        f'<TiffData FirstT="{start}" FirstC="0" FirstZ="0" IFD="0" PlaneCount="{len(share)}">'
        f'<UUID FileName="{name}">urn:uuid:{name}</UUID></TiffData>'
        for name, share, start in zip(names, shares, starts[:-1], strict=True)
    )
    for name, share in zip(names, shares, strict=True):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{name}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYCZT" Type="uint16" SizeX="32" SizeY="32" SizeC="1" SizeZ="1" '
            f'SizeT="{N_FRAMES}"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}'
            "</Pixels></Image></OME>"
        )
        tifffile.imwrite(folder / name, share, description=xml, metadata=None)
    return [folder / name for name in names]


@pytest.mark.parametrize("n_files", [4, N_FRAMES])
def test_a_whole_ome_set_is_one_movie(tmp_path: Path, n_files: int) -> None:
    files = write_ome_set(tmp_path, n_files)
    for source in (files[0], tmp_path, files):
        movie = open_movie(source)
        assert movie.verdict.status == "whole"
        np.testing.assert_array_equal(movie.read_frames(0, N_FRAMES), FRAMES)


def test_a_missing_file_of_an_ome_set_truncates_the_movie(tmp_path: Path) -> None:
    files = write_ome_set(tmp_path)
    files[2].unlink()
    with pytest.raises(
        MovieError,
        match=r"contains 20 complete frames of 40: .*part_2.ome.tif of the OME set",
    ):
        open_movie(files[0])
    movie = open_movie(files[0], ALLOW)
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), FRAMES[:20])


def test_a_cut_file_of_an_ome_set_truncates_the_movie(tmp_path: Path) -> None:
    files = write_ome_set(tmp_path)
    cut(files[1], 0.5)
    with pytest.raises(MovieError, match="the movie is truncated"):
        open_movie(files[0])


def write_numbered_files(folder: Path) -> list[Path]:
    files = [folder / f"frame_{number}.tif" for number in range(N_FRAMES)]
    for file, frame in zip(files, FRAMES, strict=True):
        tifffile.imwrite(file, frame)
    return files


def test_a_gap_in_the_file_numbers_truncates_the_movie(tmp_path: Path) -> None:
    write_numbered_files(tmp_path)[12].unlink()
    with pytest.raises(MovieError, match=r"contains 12 complete frames of 40: .*number is missing"):
        open_movie(tmp_path)
    np.testing.assert_array_equal(open_movie(tmp_path, ALLOW).read_frames(0, 12), FRAMES[:12])


def test_a_broken_file_among_frames_truncates_the_movie(tmp_path: Path) -> None:
    files = write_numbered_files(tmp_path)
    files[9].write_bytes(b"")
    with pytest.raises(MovieError, match=r"contains 9 complete frames of 40: .*frame_9\.tif"):
        open_movie(tmp_path)


def test_a_cut_file_among_frames_truncates_the_movie(tmp_path: Path) -> None:
    files = write_numbered_files(tmp_path)
    cut(files[9], 0.7)
    with pytest.raises(
        MovieError,
        match=r"contains 9 complete frames of 40: .*frame_9\.tif ends inside frame 9",
    ):
        open_movie(tmp_path)


def test_an_odd_file_among_frames_makes_the_movie_mixed(tmp_path: Path) -> None:
    files = write_numbered_files(tmp_path)
    tifffile.imwrite(files[9], FRAMES[9].astype("f4"))
    with pytest.raises(MovieError, match=r"mixed: 9 of 40 .*frame 9 is 32 × 32 float32"):
        open_movie(tmp_path)


def test_a_file_that_shrinks_after_opening_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES)
    movie = open_movie(path)
    cut(path, 0.5)
    with pytest.raises(MovieError, match="became shorter"):
        movie.read_frames(0, N_FRAMES)


def test_a_broken_compressed_page_names_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset, n_bytes = tif.pages[3].dataoffsets[0], tif.pages[3].databytecounts[0]
    blob = bytearray(path.read_bytes())
    blob[offset : offset + n_bytes] = b"\xff" * n_bytes
    path.write_bytes(blob)
    movie = open_movie(path)
    with pytest.raises(MovieError, match="frame 3") as caught:
        movie.read_frames(0, N_FRAMES)
    assert caught.value.frame == 3
