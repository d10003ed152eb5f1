"""Broken and hostile files: our own clear error or a valid movie, in bounded time and memory."""

import json
import logging
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import Movie, open_movie
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.movie.tiff_errors import add_advice, raise_movie_error

FRAMES = np.arange(6 * 16 * 16, dtype="u2").reshape(6, 16, 16)
# More rounds for a longer search: UMLPSD_FUZZ_ROUNDS=8000.
FUZZ_ROUNDS = int(os.environ.get("UMLPSD_FUZZ_ROUNDS", 250))
TIME = {"axes": "TYX"}

# Opens each file named on the command line, reads what opens, and prints one JSON line for it.
READ_ALL = """
import json, resource, sys, time
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

for path in sys.argv[1:]:
    for allow_damaged in (False, True):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        try:
            movie = open_movie(path, MovieSettings(allow_damaged=allow_damaged))
            outcome = [chunk.shape for _, chunk in movie.chunks()]
        except MovieError as error:
            outcome = str(error)
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        seconds = time.perf_counter() - start
        print(json.dumps({"outcome": outcome, "seconds": seconds, "grown_mb": grown_mb}))
"""


def outcomes(paths: list[Path]) -> list[dict]:
    command = [sys.executable, "-c", READ_ALL, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_every_hostile_file_opens_or_fails_cleanly(shared_data: Path) -> None:
    paths = sorted((shared_data / "hostile_tiff").iterdir())
    results = outcomes(paths)
    assert len(results) == 2 * len(paths) == 50
    assert max(result["seconds"] for result in results) < 2
    assert max(result["grown_mb"] for result in results) < 300
    opened = {
        path.name
        for path, result in zip(np.repeat(paths, 2), results, strict=True)
        if not isinstance(result["outcome"], str)
    }
    assert opened == {"pillow_total-pages-zero.tif", "pillow_multipage_multiple_frame_loop.tiff"}


def test_the_sound_file_among_the_hostile_ones_is_read_right(shared_data: Path) -> None:
    path = shared_data / "hostile_tiff" / "pillow_total-pages-zero.tif"
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.read_frames(0, 3), tifffile.imread(path))


def test_broken_files_are_named_in_plain_words(shared_data: Path) -> None:
    folder = shared_data / "hostile_tiff"
    with pytest.raises(MovieError, match=r"pixels are damaged \(TypeError\); copy the file again"):
        open_movie(folder / "fuzz_divide_by_zero_01.tif")
    with pytest.raises(MovieError, match="TIFF: incorrect StripByteCounts count"):
        open_movie(folder / "pillow_libtiff_segfault.tif")


def test_words_of_a_library_are_kept_only_where_they_help(tmp_path: Path) -> None:
    with (
        pytest.raises(MovieError, match=r"frame 3: .*: it needs a codec \(ValueError\); copy"),
        raise_movie_error(tmp_path, 3),
    ):
        raise ValueError("<TiffPage 0 @8>\nit needs a codec")
    with (
        pytest.raises(MovieError, match=r"damaged \(error\); copy the file again .* give another$"),
        raise_movie_error(tmp_path),
    ):
        struct.unpack("<H", b"")
    assert add_advice(add_advice("it is cut")).count("copy") == 1


def deflated_pages(n_rows: int, n_cols: int, data: bytes, n_pages: int = 2) -> bytes:
    """A little-endian TIFF whose pages all hold the same deflated strip."""
    blob = bytearray(b"II*\0" + struct.pack("<I", 8 + len(data)) + data)
    for number in range(n_pages):
        entries = [
            (256, 4, 1, n_cols),
            (257, 4, 1, n_rows),
            (258, 3, 1, 8),
            (259, 3, 1, 8),
            (262, 3, 1, 1),
            (273, 4, 1, 8),
            (277, 3, 1, 1),
            (278, 4, 1, n_rows),
            (279, 4, 1, len(data)),
        ]
        blob += struct.pack("<H", len(entries))
        for entry in entries:
            blob += struct.pack("<HHII", *entry)
        blob += struct.pack("<I", len(blob) + 4 if number < n_pages - 1 else 0)
    return bytes(blob)


def zeros_deflated(n_bytes: int) -> bytes:
    deflater, block = zlib.compressobj(9), bytes(1 << 20)
    blocks = [deflater.compress(block) for _ in range(n_bytes >> 20)]
    return b"".join([*blocks, deflater.flush()])


def test_bombs_stay_small(tmp_path: Path) -> None:
    bomb = zeros_deflated(400 << 20)
    (tmp_path / "huge_page.tif").write_bytes(deflated_pages(30_000, 30_000, bomb))
    (tmp_path / "small_page.tif").write_bytes(deflated_pages(20, 20, bomb))
    for result in outcomes([tmp_path / "huge_page.tif", tmp_path / "small_page.tif"]):
        assert result["seconds"] < 2
        assert result["grown_mb"] < 300


def test_a_huge_packed_page_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "huge.tif").write_bytes(deflated_pages(30_000, 30_000, b"x" * 100))
    with pytest.raises(MovieError, match="unpacks to 900 MB; at most 268 MB"):
        open_movie(tmp_path / "huge.tif")


def ome_with(path: Path, **sizes: int) -> Path:
    lengths = {"SizeC": 1, "SizeZ": 1, "SizeT": 6} | sizes
    attributes = " ".join(f'{name}="{value}"' for name, value in lengths.items())
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeX="16" SizeY="16" {attributes}><TiffData/></Pixels></Image></OME>'
    )
    tifffile.imwrite(path, FRAMES, description=xml, metadata=None)
    return path


def test_an_ome_file_of_a_hundred_million_frames(tmp_path: Path) -> None:
    path = ome_with(tmp_path / "movie.ome.tif", SizeT=10**8)
    refused, opened = outcomes([path])
    assert "truncated: it contains 6 complete frames of 100000000" in refused["outcome"]
    assert opened["outcome"] == [[6, 16, 16]]
    assert max(refused["seconds"], opened["seconds"]) < 1
    assert refused["grown_mb"] < 50


@pytest.mark.parametrize(
    "sizes", [{"SizeT": 10**30}, {"SizeZ": 10**9, "SizeC": 10**9, "SizeT": 10**9}]
)
def test_an_ome_file_of_incredible_sizes(tmp_path: Path, sizes: dict) -> None:
    with pytest.raises(MovieError, match="not credible"):
        open_movie(ome_with(tmp_path / "movie.ome.tif", **sizes))


def test_an_imagej_stack_of_incredible_size(tmp_path: Path) -> None:
    text = f"ImageJ=1.54f\nframes={10**15}\nslices={10**15}\n"
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, description=text, metadata=None)
    with pytest.raises(MovieError, match="not credible"):
        open_movie(tmp_path / "movie.tif", MovieSettings(z=0))


@pytest.mark.parametrize("sizes", [{"SizeT": 0}, {"SizeZ": -3}])
def test_an_ome_file_of_impossible_sizes(tmp_path: Path, sizes: dict) -> None:
    with pytest.raises(MovieError, match="OME-XML is broken"):
        open_movie(ome_with(tmp_path / "movie.ome.tif", **sizes))


def test_broken_ome_xml(tmp_path: Path) -> None:
    path = tmp_path / "movie.ome.tif"
    tifffile.imwrite(path, FRAMES, description="<OME><Image></OME>", metadata=None)
    with pytest.raises(MovieError, match="its OME-XML is broken"):
        open_movie(path)


def test_an_ome_part_points_to_its_whole(tmp_path: Path) -> None:
    xml = '<OME><BinaryOnly MetadataFile="first.ome.tif" UUID="urn:uuid:1"/></OME>'
    tifffile.imwrite(tmp_path / "part.ome.tif", FRAMES, description=xml, metadata=None)
    with pytest.raises(MovieError, match=r"open first\.ome\.tif instead"):
        open_movie(tmp_path / "part.ome.tif")


def test_an_ome_set_reaches_no_other_folder(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", FRAMES)
    data = '<TiffData FirstT="0" IFD="0" PlaneCount="3"/>' + (
        '<TiffData FirstT="3" IFD="0" PlaneCount="3">'
        '<UUID FileName="../secret.tif">urn:uuid:2</UUID></TiffData>'
    )
    path = ome_with(folder / "movie.ome.tif")
    with tifffile.TiffFile(path) as tif:
        xml = tif.pages.first.description.replace("<TiffData/>", data)
    tifffile.imwrite(path, FRAMES, description=xml, metadata=None)
    with pytest.raises(
        MovieError, match=r"3 complete frames of 6.*file secret\.tif of the OME set is missing"
    ):
        open_movie(path)


def test_a_chain_of_pages_that_loops(tmp_path: Path) -> None:
    path = tmp_path / "loop.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=None)
    with tifffile.TiffFile(path) as tif:
        assert len(tif.pages) == 6
        last_pointer, second = tif.pages.next_page_offset, tif.pages[1].offset
    with open(path, "r+b") as file:
        file.seek(last_pointer)
        file.write(struct.pack("<I", second))
    with pytest.raises(
        MovieError, match="it contains 6 complete frames of 7 or more: the chain of pages loops"
    ):
        open_movie(path)
    movie = open_movie(path, MovieSettings(allow_damaged=True))
    np.testing.assert_array_equal(movie.read_frames(0, 6), FRAMES)


def test_nothing_is_printed_or_logged_twice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*\0\x08\0\0\0\x01\0\x0f\x01\xff\xff" + b"\xff" * 20)
    with pytest.raises(MovieError):
        open_movie(tmp_path / "bad.tif")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("tifffile").handlers == []


WRITE_OPTIONS = {
    "plain": {},
    "ImageJ": {"imagej": True, "metadata": TIME},
    "OME": {"ome": True, "metadata": TIME},
    "BigTIFF": {"bigtiff": True, "byteorder": ">"},
    "deflate": {"compression": "zlib"},
    "LZW": {"compression": "lzw", "predictor": True},
    "tiles": {"tile": (16, 16), "compression": "zstd"},
    "Micro-Manager": {"extratags": [(51123, "s", 0, '{"FrameIndex": 0}', True)], "metadata": None},
}


def mutated(blob: bytes, rng: np.random.Generator) -> bytes:
    """Flip up to 6 bytes, most of them where the descriptions are, or cut the end off."""
    if rng.random() < 0.2:
        return blob[: rng.integers(0, len(blob))]
    changed = bytearray(blob)
    for _ in range(rng.integers(1, 7)):
        near_an_end = rng.random() < 0.7
        place = rng.integers(0, min(300, len(blob))) if near_an_end else rng.integers(len(blob))
        place = place if rng.random() < 0.7 else len(blob) - 1 - place
        changed[place] = rng.integers(0, 256)
    return bytes(changed)


def assert_valid(movie: Movie) -> None:
    assert movie.n_frames == movie.verdict.n_sound >= 2
    assert movie.dt_s is None or movie.dt_s > 0
    for first, chunk in movie.chunks(0.01):
        assert chunk.dtype == movie.dtype
        assert chunk.shape[1:] == (movie.n_rows, movie.n_cols)
        assert first + len(chunk) <= movie.n_frames


@pytest.mark.parametrize("name", WRITE_OPTIONS)
def test_mutated_files_give_our_error_or_a_valid_movie(tmp_path: Path, name: str) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES, **WRITE_OPTIONS[name])
    blob, rng = path.read_bytes(), np.random.default_rng(len(name))
    n_opened, n_refused, slowest_s = 0, 0, 0.0
    for _ in range(FUZZ_ROUNDS):
        path.write_bytes(mutated(blob, rng))
        start = time.perf_counter()
        try:
            assert_valid(open_movie(path, MovieSettings(allow_damaged=True)))
            n_opened += 1
        except MovieError:
            n_refused += 1
        slowest_s = max(slowest_s, time.perf_counter() - start)
    assert min(n_opened, n_refused) > 20
    assert slowest_s < 2
