"""Movies cut at every structural place, with chains of pages that loop, and strips elsewhere."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import tifffile

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.seeds import FRAMES
from tests.support.tiff_files import LONG, SHORT, ome_xml, tags_of, write_pages

VALUE = (*FRAMES.shape, float(FRAMES.sum()))
CUT = r"truncated|ends at byte|ends inside|can't be read as TIFF|no first page|not a TIFF file"


def paged(**options: object) -> bytes:
    """Return a movie with one page for each frame, each before its pixels."""
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=None)
    return stream.getvalue()


def places_of(blob: bytes) -> list[tuple[int, int]]:
    """Return the offsets of each page's description and pixels."""
    with tifffile.TiffFile(io.BytesIO(blob)) as tif:
        return [(page.offset, page.dataoffsets[0]) for page in tif.pages]


def _cut(place: Callable[[list[tuple[int, int]], int], int], **options: object):
    blob = paged(**options)
    return from_bytes("movie.tif", blob[: place(places_of(blob), len(blob))])


CUTS: dict[str, tuple[Callable[[list[tuple[int, int]], int], int], str]] = {
    "empty": (lambda pages, size: 0, "the file is empty|can't be read as TIFF"),
    "cut in the magic number": (lambda pages, size: 3, "can't be read as TIFF"),
    "cut in the header": (lambda pages, size: 6, "can't be read as TIFF"),
    "cut after the header": (lambda pages, size: 8, "before its first page"),
    "cut in the number of tags": (lambda pages, size: pages[0][0] + 1, "can't be read as TIFF"),
    "cut in the tags": (lambda pages, size: pages[0][0] + 40, CUT),
    "cut before the next pointer": (lambda pages, size: pages[1][0] - FRAMES[0].nbytes - 60, CUT),
    "cut in the first pixels": (lambda pages, size: pages[0][1] + 100, "nothing can be recovered"),
    "cut between two pages": (lambda pages, size: pages[2][0], "2 complete frames of 3 or more"),
    "cut in the tags of page 3": (lambda pages, size: pages[2][0] + 30, "2 complete frames of 3"),
    "cut in the pixels of page 3": (
        lambda pages, size: pages[2][1] + 9,
        "2 complete frames of 4 or more|ends inside frame 2|2 complete frames of 3",
    ),
    "cut one byte before the end": (lambda pages, size: size - 1, "5 complete frames of 6"),
}


def _chained(links: dict[int, int]) -> bytes:
    """Return a movie in which the pages of some numbers are followed by others than the next."""
    blob = bytearray(paged())
    pages = [offset for offset, _ in places_of(bytes(blob))]
    for page, following in links.items():
        (n_tags,) = struct.unpack_from("<H", blob, pages[page])
        struct.pack_into("<I", blob, pages[page] + 2 + 12 * n_tags, pages[following])
    return bytes(blob)


def _with_tags(**tags: tuple[int, list[int]]) -> Callable[[Path], Path]:
    """Return a writer of two pages, the second with other tags."""
    changed = {int(code[1:]): value for code, value in tags.items()}

    def write(folder: Path) -> Path:
        first, second = (tags_of(frame) for frame in FRAMES[:2])
        pages = [(first, FRAMES[0].tobytes()), (second | changed, FRAMES[1].tobytes())]
        return write_pages(folder / "movie.tif", pages)

    return write


def _all_tags(**tags: tuple[int, list[int]]) -> Callable[[Path], Path]:
    """Return a writer of six pages, all with other tags."""
    changed = {int(code[1:]): value for code, value in tags.items()}
    pages = [(tags_of(frame) | changed, frame.tobytes()) for frame in FRAMES]
    return lambda folder: write_pages(folder / "movie.tif", pages)


def _tags_after_pixels(folder: Path) -> Path:
    """Write OME-XML after the pixels, and cut it off."""
    path = folder / "movie.ome.tif"
    tifffile.imwrite(path, FRAMES, description=ome_xml(6, shape=(16, 16)), metadata=None)
    blob = path.read_bytes()
    path.write_bytes(blob[: blob.index(b"<OME") + 60])
    return path


def _many_pages(folder: Path) -> Path:
    """Write 200,000 pages of one pixel."""
    n_pages, entry = 200_000, struct.Struct("<HHII")
    before = [(256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    after = [(277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 1, 1)]
    head = struct.pack("<H", 9) + b"".join(entry.pack(*tag) for tag in before)
    tail = b"".join(entry.pack(*tag) for tag in after)
    size, first = len(head) + 12 + len(tail) + 4, 8 + n_pages
    blob = bytearray(b"II*\0" + struct.pack("<I", first) + b"\7" * n_pages)
    for number in range(n_pages):
        following = first + size * (number + 1) if number < n_pages - 1 else 0
        blob += head + entry.pack(273, 4, 1, 8 + number) + tail + struct.pack("<I", following)
    return from_bytes("movie.tif", bytes(blob))(folder)


def _cases() -> list[HostileFile]:
    cases = [
        HostileFile(name, "TIFF", _cut(place), refused=words)
        for name, (place, words) in CUTS.items()
    ]
    cases += [
        HostileFile(f"BigTIFF {name}", "TIFF", _cut(place, bigtiff=True), refused=f"{words}|{CUT}")
        for name, (place, words) in CUTS.items()
        if name in ("cut in the header", "cut in the tags", "cut between two pages")
    ]
    far = (LONG, [4_000_000_000])
    whole = f"loop.tif|{CUT}"
    cases += [
        HostileFile("cut in OME-XML after the pixels", "TIFF", _tags_after_pixels, refused=whole),
        HostileFile(
            "page 6 followed by page 2",
            "TIFF",
            from_bytes("movie.tif", _chained({5: 1})),
            refused="the chain of pages loops after page 6",
        ),
        HostileFile(
            "page 1 followed by itself",
            "TIFF",
            from_bytes("movie.tif", _chained({0: 0})),
            refused="the chain of pages loops after page 1",
        ),
        HostileFile(
            "pages in another order",
            "TIFF",
            from_bytes("movie.tif", _chained({0: 3, 3: 1, 1: 2, 2: 4})),
            opens=VALUE,
        ),
        HostileFile(
            "chain of pages that skips two",
            "TIFF",
            from_bytes("movie.tif", _chained({1: 4})),
            opens=(4, 16, 16, float(FRAMES[[0, 1, 4, 5]].sum())),
        ),
        HostileFile("strip beyond the file", "TIFF", _with_tags(t273=far), refused=CUT),
        HostileFile(
            "strip inside the header",
            "TIFF",
            _all_tags(t273=(LONG, [2])),
            refused="inside the header",
        ),
        HostileFile(
            "two strips that overlap",
            "TIFF",
            _all_tags(t278=(LONG, [8]), t273=(LONG, [8, 9]), t279=(LONG, [256, 256])),
            refused="its strips overlap",
        ),
        HostileFile(
            "fewer lengths than strips",
            "TIFF",
            _with_tags(t278=(LONG, [8]), t273=(LONG, [8, 264]), t279=(LONG, [256])),
            refused="1 complete frame of 2 or more: .*incorrect StripByteCounts",
        ),
        HostileFile(
            "strip of zero bytes",
            "TIFF",
            _with_tags(t279=(LONG, [0])),
            opens=(2, 16, 16, float(FRAMES[:2].sum())),
        ),
        HostileFile(
            "all pages at one place", "TIFF", _all_tags(t273=(LONG, [8])), refused="another frame"
        ),
        HostileFile(
            "page that overlaps another",
            "TIFF",
            _with_tags(t273=(LONG, [100])),
            refused="another frame",
        ),
        HostileFile("page of no rows", "TIFF", _with_tags(t257=(LONG, [0])), refused="frame|page"),
        HostileFile("4 billion columns", "TIFF", _all_tags(t256=far), refused="pixels|unpacks"),
        HostileFile("page of another size", "TIFF", _with_tags(t257=(LONG, [8])), refused="mixed"),
        HostileFile(
            "page of another type", "TIFF", _with_tags(t258=(SHORT, [8])), refused="mixed|page 2"
        ),
        HostileFile(
            "pages of 3-bit pixels", "TIFF", _all_tags(t258=(SHORT, [3])), opens=(6, 16, 16, 2608.0)
        ),
        HostileFile(
            "unknown compression",
            "TIFF",
            _all_tags(t259=(SHORT, [54321])),
            refused="not a valid COMPRESSION",
        ),
        HostileFile("no samples", "TIFF", _all_tags(t277=(SHORT, [0])), opens=VALUE),
        HostileFile(
            "65,535 samples",
            "TIFF",
            _all_tags(t277=(SHORT, [65535])),
            refused="channel .length 65535.",
        ),
        HostileFile(
            "200,000 pages of one pixel", "TIFF", _many_pages, opens=(200_000, 1, 1, 1.4e6)
        ),
    ]
    return cases


CASES = _cases()
