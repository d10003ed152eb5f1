"""Channel, position and z are chosen by option; the error lists what there is to choose."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.settings import MovieSettings


def hyperstack(*lengths: int) -> np.ndarray:
    n_values = int(np.prod(lengths)) * 6 * 5
    return np.arange(n_values, dtype="u2").reshape(*lengths, 6, 5)


FORMATS = {"ImageJ": {"imagej": True}, "OME": {"ome": True}, "tifffile": {}}


@pytest.fixture(params=FORMATS)
def tzcyx(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, np.ndarray]:
    stack = hyperstack(7, 3, 2)
    path = tmp_path / "stack.tif"
    options = {"photometric": "minisblack", "metadata": {"axes": "TZCYX"}}
    tifffile.imwrite(path, stack, **options, **FORMATS[request.param])
    return path, stack


@pytest.mark.parametrize(("z", "channel"), [(0, 0), (2, 1), (1, 0)])
def test_a_channel_and_a_plane_are_read(
    tzcyx: tuple[Path, np.ndarray], z: int, channel: int
) -> None:
    path, stack = tzcyx
    movie = open_movie(path, MovieSettings(z=z, channel=channel))
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), stack[:, z, channel])


def test_the_question_lists_every_axis_and_option(tzcyx: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(MovieError) as caught:
        open_movie(tzcyx[0])
    for words in ("channel (length 2)", "z (length 3)", "--channel 0", "--z 0"):
        assert words in caught.value.reason
    with pytest.raises(MovieError, match=r"has channel \(length 2\); choose one"):
        open_movie(tzcyx[0], MovieSettings(z=0))


def test_a_choice_out_of_range_names_the_range(tzcyx: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(MovieError, match=r"channel 2 was asked for, .* only channel 0…1"):
        open_movie(tzcyx[0], MovieSettings(z=0, channel=2))
    with pytest.raises(MovieError, match=r"position 1 was asked for, .* no position axis"):
        open_movie(tzcyx[0], MovieSettings(z=0, channel=0, position=1))
    movie = open_movie(tzcyx[0], MovieSettings(z=0, channel=0, position=0))
    assert movie.n_frames == 7


@pytest.mark.parametrize("order", ["czt", "ctz", "zct", "ztc", "tcz", "tzc"])
def test_every_imagej_order(tmp_path: Path, order: str) -> None:
    sizes = {"t": 5, "z": 3, "c": 2}
    stack = hyperstack(*(sizes[letter] for letter in reversed(order)))
    description = f"ImageJ=1.54f\nimages=30\nframes=5\nslices=3\nchannels=2\norder={order}\n"
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", description=description, metadata=None)
    movie = open_movie(path, MovieSettings(z=2, channel=1))
    expected = stack.transpose(*(order[::-1].index(letter) for letter in "tzc"), 3, 4)[:, 2, 1]
    np.testing.assert_array_equal(movie.read_frames(0, 5), expected)


@pytest.mark.parametrize(("letter", "axis"), [("Z", "z"), ("C", "channel")])
@pytest.mark.parametrize("name", ["ImageJ", "OME"])
def test_a_mislabelled_time_axis_is_asked_about(
    tmp_path: Path, name: str, letter: str, axis: str
) -> None:
    stack = hyperstack(9)
    path = tmp_path / "stack.tif"
    options = {"photometric": "minisblack", "metadata": {"axes": f"{letter}YX"}}
    tifffile.imwrite(path, stack, **options, **FORMATS[name])
    with pytest.raises(MovieError, match=rf"{axis} \(length 9\).*--time-axis {axis}"):
        open_movie(path)
    movie = open_movie(path, MovieSettings(time_axis=axis))
    np.testing.assert_array_equal(movie.read_frames(0, 9), stack)


def test_a_movie_with_time_has_no_other_time_axis(tzcyx: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(MovieError, match="has a time axis of 7 frames"):
        open_movie(tzcyx[0], MovieSettings(time_axis="z", channel=0))


def test_several_unnamed_axes_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, hyperstack(4, 7), photometric="minisblack")
    with pytest.raises(MovieError, match="4 × 7 with unnamed axes"):
        open_movie(path)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_of_a_page_are_channels(
    tmp_path: Path, planar: str, compression: str | None
) -> None:
    rng = np.random.default_rng(1)
    shape = (5, 9, 8, 3) if planar == "contig" else (5, 3, 9, 8)
    stack = rng.integers(0, 255, shape).astype("u1")
    path = tmp_path / "rgb.tif"
    options = {"photometric": "rgb", "planarconfig": planar, "compression": compression}
    tifffile.imwrite(path, stack, metadata=None, **options)
    with pytest.raises(MovieError, match=r"channel \(length 3\).*--channel 0") as caught:
        open_movie(path)
    assert "--time-axis" not in caught.value.reason
    movie = open_movie(path, MovieSettings(channel=2))
    expected = stack[..., 2] if planar == "contig" else stack[:, 2]
    np.testing.assert_array_equal(movie.read_frames(0, 5), expected)


def test_ome_images_are_positions(tmp_path: Path) -> None:
    stacks = hyperstack(3, 8)
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        for stack in stacks:
            writer.write(stack, photometric="minisblack", metadata={"axes": "TYX"})
    with pytest.raises(MovieError, match=r"position \(length 3\).*--position 0"):
        open_movie(path)
    with pytest.raises(MovieError, match="only position 0…2"):
        open_movie(path, MovieSettings(position=3))
    movie = open_movie(path, MovieSettings(position=2))
    np.testing.assert_array_equal(movie.read_frames(0, 8), stacks[2])


def test_one_frame_in_the_chosen_plane_is_no_movie(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, hyperstack(9), imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(MovieError, match="one frame"):
        open_movie(path, MovieSettings(z=3))
