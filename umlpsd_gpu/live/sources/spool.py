"""A file that keeps frames as they arrive: a BigTIFF that is whole after every frame.

The pixels and the description of a frame are written at the end of the file; then eight bytes in
the description before link them. A program that is killed in between loses that frame alone.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.live.sources.stream_header import StreamHeader, parse_header

_MAGIC = b"umlpsd_gpu spool"
_START = struct.Struct("<2sHHHQ16sQ")
_ENTRY = struct.Struct("<HHQ")
_LINK_OF_FILE = 8
_SHORT, _LONG, _ASCII, _RATIONAL, _LONG8 = 3, 4, 2, 5, 16
_N_BYTES = {_SHORT: 2, _LONG: 4, _LONG8: 8}
_SAMPLE_FORMAT = {"u": 1, "i": 2, "f": 3}
_LONGEST_HEADER = 65_536


class Spool:
    """Frames on disk, in the order of their arrival.

    Attributes
    ----------
    path : Path
    header : StreamHeader
    n_frames : int
        Whole frames in the file.

    Parameters
    ----------
    path : Path
        A new file, or a spool, which is repaired and continued.
    header : StreamHeader or None
        Of the frames; None: as in the file.

    Raises
    ------
    SettingsError
        If the file is no spool, or one of other frames.
    OutputError
        If the file can't be written.
    """

    def __init__(self, path: Path, header: StreamHeader | None) -> None:
        self.path, self.n_frames = path, 0
        is_new = not path.exists()
        if is_new and header is None:
            raise SettingsError(f"{path}: there is no spool of frames")
        try:
            self._file = open(path, "x+b" if is_new else "r+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _explain(path, error) from error
        try:
            known = None if is_new else self._read_start()
            if known is not None and header is not None and known != header:
                raise SettingsError(
                    f"{path} holds the frames of {known.describe()}; new ones are "
                    f"{header.describe()}: give them another name, or use another output folder"
                )
            self.header = known or self._begin(header)
            self._link, self._end = self._find_end()
        except BaseException:
            self._file.close()
            raise

    def append(self, frame: bytes | bytearray | memoryview) -> None:
        """Write one frame; after this it survives the end of the program.

        Parameters
        ----------
        frame : bytes-like, ``header.frame_bytes`` bytes
            Little-endian pixels, row by row.

        Raises
        ------
        OutputError
            If it can't be written; the frames before stay whole.
        """
        start = self._end
        ifd = start + len(frame) + len(frame) % 2
        block = self._describe(start, ifd)
        try:
            self._write(frame, start)
            self._write(bytes(len(frame) % 2) + block, start + len(frame))
            self._write(struct.pack("<Q", ifd), self._link)
        except OSError as error:
            self._drop_rest()
            raise _explain(self.path, error) from error
        self._link, self._end = ifd + self._link_in_block(), ifd + len(block)
        self.n_frames += 1

    def close(self) -> None:
        """Write everything to the disk and close the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def _write(self, data: bytes | bytearray | memoryview, at: int) -> None:
        rest = memoryview(data)
        self._file.seek(at)
        while len(rest):
            rest = rest[self._file.write(rest) :]

    def _read(self, n_bytes: int, at: int) -> bytes:
        self._file.seek(at)
        return self._file.read(n_bytes)

    def _drop_rest(self) -> None:
        """Give the bytes of a frame that is not whole back."""
        try:
            self._file.truncate(self._end)
        except OSError:
            # The bytes stay without a link, and the next frame is written over them.
            return

    def _begin(self, header: StreamHeader | None) -> StreamHeader:
        assert header is not None
        text = header.to_json()
        start = _START.pack(b"II", 43, 8, 0, 0, _MAGIC, len(text)) + text
        try:
            self._file.truncate(0)
            self._write(start + bytes(-len(start) % 16), 0)
        except OSError as error:
            raise _explain(self.path, error) from error
        return header

    def _read_start(self) -> StreamHeader | None:
        """Return the header in the file; None where the program ended before it was whole."""
        start = self._read(_START.size, 0)
        expected = _START.pack(b"II", 43, 8, 0, 0, _MAGIC, 0)
        if len(start) < _START.size:
            if expected.startswith(start[:_LINK_OF_FILE]):
                return None
            raise self._refuse()
        *_, magic, n_bytes = _START.unpack(start)
        if start[:_LINK_OF_FILE] != expected[:_LINK_OF_FILE] or magic != _MAGIC:
            raise self._refuse()
        if n_bytes > _LONGEST_HEADER:
            raise self._refuse()
        text = self._read(n_bytes, _START.size)
        return parse_header(text, 2**62) if len(text) == n_bytes else None

    def _refuse(self) -> SettingsError:
        return SettingsError(
            f"{self.path} exists and holds no frames of a recording; give the recording another "
            "name, or use another output folder"
        )

    def _find_end(self) -> tuple[int, int]:
        """Count the whole frames, and end the file after them; return its link and its end."""
        size = os.fstat(self._file.fileno()).st_size
        start = _START.size + len(self.header.to_json())
        link, end = _LINK_OF_FILE, start + -start % 16
        while True:
            expected = end + self.header.frame_bytes + self.header.frame_bytes % 2
            block = self._describe(end, expected)
            (ifd,) = struct.unpack("<Q", self._read(8, link).ljust(8, b"\0"))
            if ifd != expected or ifd + len(block) > size:
                break
            at = self._link_in_block()
            found = self._read(len(block), ifd)
            if found[:at] + found[at + 8 :] != block[:at] + block[at + 8 :]:
                break
            link, end = ifd + at, ifd + len(block)
            self.n_frames += 1
        try:
            self._write(bytes(8), link)
            self._file.truncate(end)
        except OSError as error:
            raise _explain(self.path, error) from error
        return link, end

    def _link_in_block(self) -> int:
        return 8 + 20 * len(self._tags(0))

    def _describe(self, start: int, ifd: int) -> bytes:
        """Return the description of the next frame, its link still empty."""
        tags = self._tags(start)
        block, values = struct.pack("<Q", len(tags)), b""
        after = ifd + 8 + 20 * len(tags) + 8
        for code, kind, value in tags:
            if isinstance(value, bytes):
                count = len(value) // 8 if kind == _RATIONAL else len(value)
                if len(value) <= 8:
                    raw = value.ljust(8, b"\0")
                else:
                    raw = struct.pack("<Q", after + len(values))
                    values += value + bytes(len(value) % 2)
            else:
                count, raw = 1, value.to_bytes(8, "little")
            block += _ENTRY.pack(code, kind, count) + raw
        return block + bytes(8) + values

    def _tags(self, start: int) -> list[tuple[int, int, int | bytes]]:
        header = self.header
        dtype = np.dtype(header.dtype)
        tags: list[tuple[int, int, int | bytes]] = [
            (256, _LONG, header.n_cols),
            (257, _LONG, header.n_rows),
            (258, _SHORT, 8 * dtype.itemsize),
            (259, _SHORT, 1),
            (262, _SHORT, 1),
            (273, _LONG8, start),
            (277, _SHORT, 1),
            (278, _LONG, header.n_rows),
            (279, _LONG8, header.frame_bytes),
            (339, _SHORT, _SAMPLE_FORMAT[dtype.kind]),
        ]
        if self.n_frames == 0:
            tags += self._list_metadata()
        return sorted(tags, key=lambda tag: tag[0])

    def _list_metadata(self) -> list[tuple[int, int, int | bytes]]:
        """Return the tags of the first page by which ``umlpsd run`` finds times and lengths."""
        header, lines = self.header, ["ImageJ=1.11a"]
        if header.dt_s is not None:
            lines.append(f"finterval={header.dt_s!r}")
        ratio = header.pixel_ratio()
        if ratio is None:
            return [(270, _ASCII, "\n".join([*lines, ""]).encode() + b"\0")]
        lines.append("unit=micron")
        return [
            (270, _ASCII, "\n".join([*lines, ""]).encode() + b"\0"),
            (282, _RATIONAL, struct.pack("<II", *ratio)),
            (283, _RATIONAL, struct.pack("<II", *ratio)),
            (296, _SHORT, 1),
        ]


def find_spools(folder: Path) -> list[Path]:
    """Return the spools in a folder.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    found = []
    for path in sorted(folder.glob("*.tif")):
        with open(path, "rb") as file:
            start = file.read(_START.size)
        if len(start) == _START.size and _START.unpack(start)[5] == _MAGIC:
            found.append(path)
    return found


def _explain(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: the frames can't be written ({error.strerror}); free space on the disk or choose "
        "another output folder, then send them again"
    )
