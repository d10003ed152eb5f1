"""Every layout of the TIFF family gives the frames that were written."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import Movie, open_movie
from umlpsd_gpu.movie.settings import MovieSettings


def random_frames(n_frames: int = 7, dtype: str = "u2", n_rows: int = 13, n_cols: int = 11):
    rng = np.random.default_rng(n_frames)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=(n_frames, n_rows, n_cols)).astype(dtype)
    limits = np.iinfo(dtype)
    shape = (n_frames, n_rows, n_cols)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def all_frames(movie: Movie, memory_mb: float | None = None) -> np.ndarray:
    firsts, chunks = zip(*movie.chunks(memory_mb), strict=True)
    assert firsts == tuple(np.cumsum([0, *map(len, chunks[:-1])]))
    return np.concatenate(chunks)


def assert_same_frames(movie: Movie, expected: np.ndarray) -> None:
    assert (movie.n_frames, movie.n_rows, movie.n_cols) == expected.shape
    assert movie.dtype == expected.dtype
    assert movie.dtype.isnative
    assert movie.verdict.status == "whole"
    frame_mb = expected[0].nbytes / 1e6
    for memory_mb in (1e-9, 2.5 * frame_mb, 256):
        frames = all_frames(movie, memory_mb)
        assert frames.dtype == movie.dtype
        np.testing.assert_array_equal(frames, expected)


WRITE_OPTIONS = {
    "plain": {},
    "no description": {"metadata": None},
    "ImageJ": {"imagej": True, "metadata": {"axes": "TYX"}},
    "BigTIFF": {"bigtiff": True},
    "OME": {"ome": True, "metadata": {"axes": "TYX"}},
    "big-endian": {"byteorder": ">"},
    "BigTIFF, big-endian": {"bigtiff": True, "byteorder": ">"},
    "deflate": {"compression": "zlib"},
    "deflate, predictor": {"compression": "zlib", "predictor": True},
    "deflate, big-endian": {"compression": "zlib", "byteorder": ">"},
    "LZW": {"compression": "lzw"},
    "zstd": {"compression": "zstd"},
    "OME, zstd": {"compression": "zstd", "ome": True, "metadata": {"axes": "TYX"}},
    "tiles": {"tile": (16, 16)},
    "tiles, deflate": {"tile": (16, 16), "compression": "zlib"},
    "strips of 4 rows": {"rowsperstrip": 4},
    "strips of 4 rows, deflate": {"rowsperstrip": 4, "compression": "zlib"},
    "one page describes all": {"truncate": True},
}


@pytest.mark.parametrize("options", WRITE_OPTIONS.values(), ids=WRITE_OPTIONS.keys())
def test_every_way_of_writing_gives_the_same_frames(tmp_path: Path, options: dict) -> None:
    frames = random_frames()
    tifffile.imwrite(tmp_path / "movie.tif", frames, **options)
    assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_every_pixel_type(tmp_path: Path, dtype: str, compression: str, byteorder: str) -> None:
    frames = random_frames(3, dtype)
    path = tmp_path / "movie.tif"
    options = {"compression": compression, "byteorder": byteorder}
    tifffile.imwrite(path, frames, photometric="minisblack", **options)
    assert_same_frames(open_movie(path), frames)


@pytest.mark.parametrize("shape", [(2, 1, 1), (5, 1, 7), (3, 7, 1), (13, 2, 3)])
def test_odd_shapes(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    frames = random_frames(*shape[:1], "u2", *shape[1:])
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack", metadata=None)
    assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


@pytest.mark.parametrize("ones", [(1,), (1, 1)])
@pytest.mark.parametrize("options", [{}, {"truncate": True, "photometric": "minisblack"}])
def test_last_axes_of_length_one_are_no_axes(tmp_path: Path, options: dict, ones: tuple) -> None:
    frames = random_frames()
    tifffile.imwrite(tmp_path / "movie.tif", frames.reshape(*frames.shape, *ones), **options)
    assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


@pytest.mark.parametrize("metadata", [{}, {"axes": "TYX"}])
@pytest.mark.parametrize("shape", [(20, 32, 1), (20, 3, 1), (20, 1, 1)])
def test_one_page_of_an_array_that_ends_in_one_is_one_whole_frame(
    tmp_path: Path, shape: tuple, metadata: dict
) -> None:
    image = random_frames(*shape[:1], "u2", *shape[1:])
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, image, metadata=metadata, photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        assert [page.shape for page in tif.pages] == [shape[:2]]
    size = f"{shape[0]} × {shape[1]} pixels"
    with pytest.raises(MovieError, match=f"contains one frame, of {size}; a movie"):
        open_movie(path)


def test_frames_of_one_row_or_column_are_frames(tmp_path: Path) -> None:
    for shape, options in (((20, 1, 32), {}), ((20, 32, 1), {"metadata": None})):
        frames = random_frames(*shape[:1], "u2", *shape[1:])
        tifffile.imwrite(tmp_path / "movie.tif", frames, **options)
        assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_one_page_a_frame_written_one_by_one(tmp_path: Path, compression: str | None) -> None:
    frames = random_frames(9)
    with tifffile.TiffWriter(tmp_path / "movie.tif") as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, compression=compression)
    assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


def test_arrays_appended_to_one_file_are_one_movie(tmp_path: Path) -> None:
    frames = random_frames(8)
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames[:5], photometric="minisblack")
    tifffile.imwrite(path, frames[5:], photometric="minisblack", append=True)
    assert_same_frames(open_movie(path), frames)


def packed_12_bit(frame: np.ndarray) -> bytes:
    """Two 12-bit values in three bytes, row by row, as cameras write them."""
    rows = []
    for row in frame:
        bits = "".join(f"{value:012b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return b"".join(rows)


def minimal_tiff(planes: list[bytes], n_rows: int, n_cols: int, bits: int) -> bytes:
    """A little-endian TIFF with one strip a page, written from the specification alone."""
    blob = bytearray(b"II*\0" + struct.pack("<I", 8))
    for number, plane in enumerate(planes):
        entries = [
            (256, 4, 1, n_cols),
            (257, 4, 1, n_rows),
            (258, 3, 1, bits),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, len(blob) + 2 + 9 * 12 + 4),
            (277, 3, 1, 1),
            (278, 4, 1, n_rows),
            (279, 4, 1, len(plane)),
        ]
        blob += struct.pack("<H", len(entries))
        for entry in entries:
            blob += struct.pack("<HHII", *entry)
        is_last = number == len(planes) - 1
        padding = len(plane) % 2
        blob += struct.pack("<I", 0 if is_last else len(blob) + 4 + len(plane) + padding)
        blob += plane + b"\0" * padding
    return bytes(blob)


def test_packed_12_bit_pixels(tmp_path: Path) -> None:
    frames = random_frames(4, "u2", 5, 6) >> 4
    blob = minimal_tiff([packed_12_bit(frame) for frame in frames], 5, 6, bits=12)
    (tmp_path / "movie.tif").write_bytes(blob)
    assert_same_frames(open_movie(tmp_path / "movie.tif"), frames)


def test_imagej_stack_over_4_gb_has_one_description_only(tmp_path: Path) -> None:
    n_frames, n_rows, n_cols = 2200, 1024, 1024
    path, frame_bytes = tmp_path / "big.tif", n_rows * n_cols * 2
    text = f"ImageJ=1.54f\nimages={n_frames}\nframes={n_frames}\n"
    first = np.zeros((n_rows, n_cols), "u2")
    tifffile.imwrite(path, first, description=text, metadata=None, byteorder=">")
    with tifffile.TiffFile(path) as tif:
        base = tif.pages.first.dataoffsets[0]
    with open(path, "r+b") as file:
        # The file is sparse: only the frames marked here take room on disk.
        file.truncate(base + n_frames * frame_bytes)
        for marked in (0, 2100, n_frames - 1):
            file.seek(base + marked * frame_bytes)
            file.write(np.full(3, marked + 1, ">u2").tobytes())
    assert path.stat().st_size > 2**32
    movie = open_movie(path)
    assert (movie.n_frames, movie.verdict.status) == (n_frames, "whole")
    for marked in (0, 2100, n_frames - 1):
        frame = movie.read_frames(marked, marked + 1)[0]
        np.testing.assert_array_equal(frame.ravel()[:4], [marked + 1] * 3 + [0])


def test_chunks_keep_their_memory_bound(tmp_path: Path) -> None:
    frames = random_frames(50, "u2", 32, 32)
    tifffile.imwrite(tmp_path / "movie.tif", frames)
    movie = open_movie(tmp_path / "movie.tif", MovieSettings(memory_mb=0.01))
    sizes = [chunk.nbytes for _, chunk in movie.chunks()]
    assert max(sizes) <= 0.01e6
    assert sum(sizes) == frames.nbytes


def test_chunks_are_independent_arrays(tmp_path: Path) -> None:
    frames = random_frames(6)
    tifffile.imwrite(tmp_path / "movie.tif", frames)
    kept = list(open_movie(tmp_path / "movie.tif").chunks(2 * frames[0].nbytes / 1e6))
    np.testing.assert_array_equal(np.concatenate([chunk for _, chunk in kept]), frames)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_movie_can_be_pickled(tmp_path: Path, compression: str | None) -> None:
    frames = random_frames()
    tifffile.imwrite(tmp_path / "movie.tif", frames, compression=compression)
    movie = pickle.loads(pickle.dumps(open_movie(tmp_path / "movie.tif")))
    np.testing.assert_array_equal(all_frames(movie), frames)


def test_the_real_tirf_movie(shared_data: Path) -> None:
    path = shared_data / "tirf_nucleosomes_1000x64x64_u16.tif"
    movie = open_movie(path)
    assert movie.verdict.status == "whole"
    np.testing.assert_array_equal(all_frames(movie), tifffile.imread(path))
