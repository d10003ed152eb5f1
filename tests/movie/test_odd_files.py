"""Thumbnails, strips without lengths, mixed packing, other formats, unfinished files, limits."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiff_files import (
    LONG,
    SHORT,
    frames_of,
    tags_of,
    write_pages,
    write_plain,
)
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

FRAMES = frames_of(12)
SMALL = frames_of(1, 4, 4, dtype="u1")[0]


def assert_frames(movie, expected=FRAMES):
    assert movie.verdict.status == "whole"
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), expected)


def pages_with(extra, places, tag):
    """Return the frames with an extra page before each of the given places."""
    pages = []
    for number, frame in enumerate(FRAMES):
        if number in places:
            pages.append((tags_of(extra) | tag, extra.tobytes()))
        pages.append((tags_of(frame), frame.tobytes()))
    return pages


@settings(max_examples=30, deadline=None)
@given(
    places=st.sets(st.integers(0, 11), min_size=1),
    tag=st.sampled_from([{254: (LONG, [1])}, {255: (SHORT, [2])}, {254: (LONG, [4])}]),
    extra=st.sampled_from([SMALL, FRAMES[0][:3], FRAMES[0]]),
)
def test_thumbnails_and_masks_are_skipped(tmp_path_factory, places, tag, extra):
    path = tmp_path_factory.mktemp("thumbnails") / "m.tif"
    assert_frames(open_movie(write_pages(path, pages_with(extra, places, tag))))


@pytest.mark.parametrize("first", [None, {254: (LONG, [0])}])
def test_pages_that_all_say_so_are_no_thumbnails(tmp_path, first):
    path = write_plain(tmp_path / "m.tif", FRAMES, first_page=first, t254=(LONG, [1]))
    assert_frames(open_movie(path))


def test_pages_of_a_multi_page_file_are_frames(tmp_path):
    assert_frames(open_movie(write_plain(tmp_path / "m.tif", FRAMES, t254=(LONG, [2]))))


def test_an_unmarked_preview_is_named(tmp_path):
    path = write_pages(tmp_path / "m.tif", pages_with(SMALL, {0}, {}))
    with pytest.raises(MovieError, match=r"frame 1 is 9 × 8 uint16 .* 4 × 4 uint8.*preview"):
        open_movie(path)


@pytest.mark.parametrize("rows_per_strip", [1, 2, 4, 9, 2**32 - 1])
def test_strips_without_lengths(tmp_path, rows_per_strip):
    pages = []
    for number, frame in enumerate(FRAMES):
        n_strips = -(-9 // min(rows_per_strip, 9))
        start = 8 + number * 10_000  # filled in below
        offsets = [start + strip * rows_per_strip * 16 for strip in range(n_strips)]
        tags = {278: (LONG, [rows_per_strip]), 273: (LONG, offsets), 279: (LONG, [0] * n_strips)}
        pages.append((tags_of(frame) | tags, frame.tobytes()))
    # the place of the pixels is known after a first writing
    path = write_pages(tmp_path / "m.tif", pages)
    blob = path.read_bytes()
    for tags, data in pages:
        base = blob.index(data)
        tags[273] = (LONG, [base + offset - tags[273][1][0] for offset in tags[273][1]])
    assert_frames(open_movie(write_pages(path, pages)))


def test_pages_of_different_packing_are_alike(tmp_path):
    with tifffile.TiffWriter(tmp_path / "m.tif") as writer:
        for number, frame in enumerate(FRAMES):
            compression = (None, "zlib", "lzw")[number % 3]
            writer.write(frame, contiguous=False, metadata=None, compression=compression)
    assert_frames(open_movie(tmp_path / "m.tif"))


def test_files_of_different_byte_order_are_alike(tmp_path):
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"{number}.tif", frame, byteorder="<>"[number % 2])
    assert_frames(open_movie(tmp_path))


@pytest.mark.parametrize("head", [b"II*\0" + bytes(4), b"MM\0*" + bytes(4)])
@pytest.mark.parametrize("rest", [b"", bytes(5000)])
def test_a_file_that_is_still_being_written(tmp_path, head, rest):
    (tmp_path / "m.tif").write_bytes(head + rest)
    with pytest.raises(MovieError, match="still being written, or its program stopped"):
        open_movie(tmp_path / "m.tif")


def test_a_big_tiff_that_is_still_being_written(tmp_path):
    (tmp_path / "m.tif").write_bytes(b"II+\0\x08\0\0\0" + bytes(5000))
    with pytest.raises(MovieError, match="still being written"):
        open_movie(tmp_path / "m.tif")


def test_axes_of_zeiss_and_olympus(tmp_path, monkeypatch):
    """tifffile finds their axes in binary headers, which it can't write."""
    path = write_plain(tmp_path / "m.lsm", FRAMES)

    class Series:
        shape, axes = (4, 3, 9, 8), "TZYX"
        keyframe = property(lambda self: tifffile.TiffFile(path).pages[0])

    monkeypatch.setattr(tifffile.TiffFile, "is_lsm", True, raising=False)
    monkeypatch.setattr(tifffile.TiffFile, "series", [Series()], raising=False)
    with pytest.raises(MovieError, match=r"z \(length 3"):
        open_movie(path)
    assert_frames(open_movie(path, z=1), FRAMES[1::3])
    Series.shape = (5, 3, 9, 8)  # not the number of pages
    assert_frames(open_movie(path))


FORMATS = {
    "an Andor SIF": ("m.sif", b"Andor Technology Multi-Channel File\n65538 1\n"),
    "a Nikon ND2": ("m.nd2", b"\xda\xce\xbe\x0a\xf0\0\0\0"),
    "a Zeiss CZI": ("m.czi", b"ZISRAWFILE\0\0\0"),
    "an AVI film": ("m.avi", b"RIFF\x10\0\0\0AVI LIST"),
    "a Hamamatsu DCIMG": ("m.dcimg", b"DCIMG\0\0\0"),
    "an Imaris IMS": ("m.ims", b"\x89HDF\r\n\x1a\n"),
    "a Leica LIF": ("m.lif", b"\x70\0\0\0\x20\0\0\0*"),
    "an Olympus OIF": ("m.oif", "[FileInformation]".encode("utf-16")),
    "an Olympus OIB": ("m.oib", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "an MP4 or MOV film": ("m.mp4", b"\0\0\0\x18ftypmp42"),
    "a Princeton Instruments SPE": ("m.spe", bytes(4100)),
    "a PNG image": ("m.png", b"\x89PNG\r\n\x1a\n"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_other_formats_are_named(tmp_path, name):
    file, content = FORMATS[name]
    (tmp_path / file).write_bytes(content + bytes(200))
    with pytest.raises(MovieError, match=f"this is {name}, not a TIFF file; export it as TIFF"):
        open_movie(tmp_path / file)
    with pytest.raises(MovieError, match=rf"there is no movie.*{file} is {name}"):
        open_movie(tmp_path)


@pytest.mark.parametrize("name", ["an Andor SIF", "a Nikon ND2", "an AVI film", "a PNG image"])
def test_other_formats_are_known_by_their_first_bytes(tmp_path, name):
    (tmp_path / "m.tif").write_bytes(FORMATS[name][1] + bytes(200))
    with pytest.raises(MovieError, match=f"this is {name}, not a TIFF file"):
        open_movie(tmp_path / "m.tif")


def test_a_tiff_file_may_have_any_name(tmp_path):
    for name in ("m.dat", "m.raw", "m.spe", "m"):
        tifffile.imwrite(tmp_path / name, FRAMES, photometric="minisblack")
        assert_frames(open_movie(tmp_path / name))


LIMITS = {
    "max_frames": (5, 12, "more than 5 pages"),
    "max_pixels": (71, 72, r"9 × 8 pixels; at most 71"),
    "max_page_mb": (1e-4, 2e-4, r"unpacks to 0.000144 MB; at most 0.0001 MB"),
    "max_metadata_mb": (1e-5, 1, r"movie\.max_metadata_mb"),
    "max_page_s": (1e-9, 30, r"movie\.max_page_s"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_settings(tmp_path, name):
    too_small, enough, reason = LIMITS[name]
    path = tmp_path / "m.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in FRAMES:
            tag = (51123, "s", 0, '{"ElapsedTime-ms": 5}', True)
            options = {"compression": "zlib", "metadata": None, "extratags": [tag]}
            writer.write(frame, contiguous=False, **options)
    with pytest.raises(MovieError, match=reason):
        open_movie(path, MovieSettings(**{name: too_small}))
    assert_frames(open_movie(path, MovieSettings(**{name: enough})))
