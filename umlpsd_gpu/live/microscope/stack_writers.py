"""Stacks that grow as those of recording programs do; each frame is on the disk at once."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.live.microscope.tiff_pages import (
    ASCII,
    LARGEST_FILE,
    RATIONAL,
    SHORT,
    Tag,
    describe_page,
    description_bytes,
    list_tags,
    native_little,
)
from umlpsd_gpu.live.sources.spool import Spool
from umlpsd_gpu.live.sources.stream_header import StreamHeader

Format = Literal["classic", "bigtiff", "imagej", "micromanager"]
_MICROMANAGER = 51123
_SUMMARY, _N_HEADER = 2355492, 40


class Recorder(Protocol):
    """Takes the frames of a recording."""

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        ...

    def close(self) -> None:
        """End the recording."""
        ...


def open_stack(path: Path, header: StreamHeader, format_: Format, n_announced: int) -> Recorder:
    """Return a stack that grows.

    Parameters
    ----------
    path : Path
        A new file.
    header : StreamHeader
        Shape, type, frame interval and pixel size.
    format_ : {"classic", "bigtiff", "imagej", "micromanager"}
    n_announced : int
        Frames that are going to be recorded; Micro-Manager reserves space for them.

    Returns
    -------
    Recorder

    Raises
    ------
    SettingsError
        If the format is unknown.
    """
    if format_ == "bigtiff":
        return BigTiffStack(path, header)
    if format_ == "micromanager":
        return MicroManagerStack(path, header, n_announced)
    if format_ == "imagej":
        return ImageJStack(path, header)
    if format_ == "classic":
        return ClassicStack(path, header)
    raise SettingsError(
        f"'{format_}' is no format; choose classic, bigtiff, imagej or micromanager"
    )


class _File:
    """A file whose bytes are on the disk when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, 0
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115

    def write(self, data: bytes, at: int | None = None) -> None:
        start = self.size if at is None else at
        if start + len(data) > LARGEST_FILE:
            raise OutputError(
                f"{self.path}: a file of this format has at most 4 GB; choose --format bigtiff"
            )
        self._file.seek(start)
        rest = memoryview(data)
        while len(rest):
            rest = rest[self._file.write(rest) :]
        self.size = max(self.size, start + len(data))

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def close(self) -> None:
        self._file.close()


class BigTiffStack:
    """A BigTIFF file: page by page, as the spool of a stream.

    Parameters
    ----------
    path : Path
    header : StreamHeader
    """

    def __init__(self, path: Path, header: StreamHeader) -> None:
        self._spool = Spool(path, header)

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        self._spool.append(native_little(frame).tobytes())

    def close(self) -> None:
        """End the recording."""
        self._spool.close()


class ClassicStack:
    """A classic TIFF file: pixels, description, then the link of the page before.

    Parameters
    ----------
    path : Path
    header : StreamHeader
    """

    def __init__(self, path: Path, header: StreamHeader) -> None:
        self._file, self._link = _File(path), 4
        self._more = imagej_tags(header, "")
        self._file.write(b"II*\0" + bytes(4))

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        frame = native_little(frame)
        data = self._file.size
        at = data + frame.nbytes + frame.nbytes % 2
        tags = list_tags(frame, data, self._more)
        self._file.write(frame.tobytes() + bytes(frame.nbytes % 2))
        self._file.write(describe_page(tags, at, 0))
        self._file.write(struct.pack("<I", at), self._link)
        self._link, self._more = at + description_bytes(len(tags)) - 4, ()

    def close(self) -> None:
        """End the recording."""
        self._file.close()


class ImageJStack:
    """A stack as ImageJ's: one description, all frames after it, their number at the end.

    Parameters
    ----------
    path : Path
    header : StreamHeader
    """

    _N_DIGITS = 12

    def __init__(self, path: Path, header: StreamHeader) -> None:
        self._file, self._n_frames = _File(path), 0
        self._header = header

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        frame = native_little(frame)
        if self._n_frames == 0:
            self._begin(frame)
        self._file.write(frame.tobytes())
        self._n_frames += 1

    def close(self) -> None:
        """Write how many frames there are, and end the recording."""
        if self._n_frames:
            number = f"{self._n_frames:>{self._N_DIGITS}}".encode()
            for at in self._places:
                self._file.write(number, at)
        self._file.close()

    def _begin(self, frame: Array) -> None:
        one = f"{1:>{self._N_DIGITS}}"
        more = imagej_tags(self._header, f"images={one}\nframes={one}\n")
        length = len(describe_page(list_tags(frame, 0, more), 8, 0))
        data = 8 + length + (8 + length) % 2
        begin = b"II*\0" + struct.pack("<I", 8)
        begin += describe_page(list_tags(frame, data, more), 8, 0)
        self._file.write(begin + bytes(data - len(begin)))
        self._places = [begin.index(word) + len(word) for word in (b"images=", b"frames=")]


class MicroManagerStack:
    """A stack as Micro-Manager's: reserved space, a summary, and notes with each frame's time.

    Parameters
    ----------
    path : Path
    header : StreamHeader
    n_announced : int
        Frames for which space is reserved.
    """

    def __init__(self, path: Path, header: StreamHeader, n_announced: int) -> None:
        self._file, self._header, self._n_frames = _File(path), header, 0
        summary = {
            "Interval_ms": 0,
            "Width": header.n_cols,
            "Height": header.n_rows,
            "PixelSize_um": header.pixel_size_um,
            "Prefix": header.file_stem,
        }
        text = json.dumps(summary).encode()
        text += b" " * (len(text) % 2)
        self._at = _N_HEADER + len(text)
        begin = struct.pack("<2sHI", b"II", 42, self._at)
        begin += bytes(24) + struct.pack("<II", _SUMMARY, len(text))
        self._file.write(begin + text)
        self._reserve(n_announced)
        self._last_link = 4

    def _reserve(self, n_announced: int) -> None:
        reserved = self._at + n_announced * (self._header.frame_bytes + 1000) + 10_000
        self._file.truncate(min(reserved, LARGEST_FILE))

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        time_s = self._n_frames * (self._header.dt_s or 0.0)
        note = {
            "FrameIndex": self._n_frames,
            "SliceIndex": 0,
            "ChannelIndex": 0,
            "PositionIndex": 0,
            "ElapsedTime-ms": 1e3 * time_s,
            "PixelSizeUm": self._header.pixel_size_um or 0.0,
        }
        for at, data in self._prepare(frame, note):
            self._file.write(data, at)

    def _prepare(self, frame: Array, note: Mapping[str, object]) -> list[tuple[int, bytes]]:
        """Return the bytes of one frame and their places, in the order of writing."""
        frame = native_little(frame)
        text = json.dumps(note).encode() + b"\0"
        n_tags = len(list_tags(frame, 0)) + 1
        data = self._at + description_bytes(n_tags)
        notes = data + frame.nbytes
        end = notes + len(text) + (notes + len(text)) % 2
        tags = list_tags(frame, data, [Tag(_MICROMANAGER, ASCII, text)])
        description = describe_page(tags, self._at, end, values_at=notes)
        pieces = [(self._at, description), (data, frame.tobytes()), (notes, text)]
        self._last_link, self._at = data - 4, end
        self._n_frames += 1
        return pieces

    def close(self) -> None:
        """End the chain of pages and give the rest of the reserved space back."""
        self._file.write(bytes(4), self._last_link)
        self._file.truncate(self._at)
        self._file.close()


def imagej_tags(header: StreamHeader, lines: str) -> tuple[Tag, ...]:
    """Return the tags by which frame interval and pixel size are found.

    Parameters
    ----------
    header : StreamHeader
    lines : str
        More lines of the description.
    """
    text = f"ImageJ=1.11a\n{lines}"
    if header.dt_s is not None:
        text += f"finterval={header.dt_s!r}\n"
    ratio = header.pixel_ratio()
    if ratio is None:
        return (Tag(270, ASCII, text.encode() + b"\0"),)
    pixels = struct.pack("<II", *ratio)
    return (
        Tag(270, ASCII, f"{text}unit=micron\n".encode() + b"\0"),
        Tag(282, RATIONAL, pixels),
        Tag(283, RATIONAL, pixels),
        Tag(296, SHORT, 1),
    )
