"""Files that grow as those of a recording do, byte by byte or frame by frame."""

import json
import struct
import time
from pathlib import Path

import numpy as np
import tifffile


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s

    def pass_(self, seconds):
        self.now_s += seconds


def read_all(movie):
    """Return all frames of a movie; an empty array where there is none."""
    return movie.read_frames(0, movie.n_frames) if movie is not None else np.empty(0)


def append(path, blob):
    with open(path, "ab") as file:
        file.write(blob)


def poll_until(source, is_done, limit_s=10.0):
    """Poll a source until a condition on the arrival holds; return that arrival."""
    end_s = time.monotonic() + limit_s
    while True:
        arrival = source.poll()
        if is_done(arrival):
            return arrival
        assert time.monotonic() < end_s, arrival
        time.sleep(0.002)


def note_of(frame, dt_ms=30.0, **more):
    """Return the metadata of one frame as Micro-Manager writes them."""
    note = {"FrameIndex": frame, "SliceIndex": 0, "ChannelIndex": 0, "PositionIndex": 0}
    return note | {"ElapsedTime-ms": dt_ms * frame, "PixelSizeUm": 0.1} | more


class MicroManagerWriter:
    """Writes a Micro-Manager stack: reserved space, a summary in the header, links in advance.

    ``put`` writes a frame; ``steps`` gives the pieces in which its bytes go to the disk.
    """

    def __init__(self, path, summary, reserved_bytes):
        self.path = Path(path)
        text = json.dumps(summary).encode()
        header = struct.pack("<2sHI", b"II", 42, 40 + len(text) + len(text) % 2)
        header += struct.pack("<IIIIIIII", 0, 0, 0, 0, 0, 0, 2355492, len(text))
        self.at = 40 + len(text) + len(text) % 2
        with open(self.path, "wb") as file:
            file.write(header + text)
            file.truncate(reserved_bytes)

    def steps(self, frame, note):
        """Return (place, bytes) of one frame, in the order of writing."""
        text = json.dumps(note).encode() + b"\0"
        n_tags = 11
        data = self.at + 2 + 12 * n_tags + 4
        tags = data + frame.nbytes
        end = tags + len(text)
        end += end % 2
        n_rows, n_cols = frame.shape
        entries = [
            (256, 4, 1, n_cols),
            (257, 4, 1, n_rows),
            (258, 3, 1, 8 * frame.itemsize),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, data),
            (277, 3, 1, 1),
            (278, 3, 1, n_rows),
            (279, 4, 1, frame.nbytes),
            (339, 3, 1, 1),
            (51123, 2, len(text), tags),
        ]
        ifd = struct.pack("<H", n_tags)
        ifd += b"".join(struct.pack("<HHII", *entry) for entry in entries)
        ifd += struct.pack("<I", end)
        steps = [(self.at, ifd), (data, frame.tobytes()), (tags, text)]
        self.last_link, self.at = self.at + 2 + 12 * n_tags, end
        return steps

    def put(self, frame, note):
        for at, blob in self.steps(frame, note):
            self.write(at, blob)

    def write(self, at, blob):
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(blob)

    def close(self):
        """End the chain and give the reserved space back."""
        self.write(self.last_link, bytes(4))
        with open(self.path, "r+b") as file:
            file.truncate(self.at)


def index_entry(axes, name, offset, shape):
    """Return the bytes of one image in NDTiff.index."""
    blob = b""
    for text in (json.dumps(axes), name):
        blob += struct.pack("<I", len(text.encode())) + text.encode()
    return blob + struct.pack("<IiiiiIii", offset, shape[1], shape[0], 1, 0, 0, 0, 0)


def finished_file(kind, path, frames):
    """Write a finished stack of one of the kinds that ``KINDS`` names; return its bytes."""
    if kind == "Micro-Manager":
        writer = MicroManagerWriter(path, {"Interval_ms": 0, "Frames": len(frames)}, 4096)
        for number, frame in enumerate(frames):
            writer.put(frame, note_of(number))
        writer.close()
    elif kind in PAGED:
        with tifffile.TiffWriter(path, **PAGED[kind][0]) as writer:
            for frame in frames:
                writer.write(frame, contiguous=False, photometric="minisblack", **PAGED[kind][1])
    else:
        tifffile.imwrite(path, frames, photometric="minisblack", **WHOLE[kind])
    return Path(path).read_bytes()


PAGED = {
    "classic": ({}, {"metadata": None}),
    "tifffile": ({}, {}),
    "BigTIFF": ({"bigtiff": True}, {"metadata": None}),
    "big-endian": ({"byteorder": ">"}, {"metadata": None}),
    "deflate": ({}, {"metadata": None, "compression": "zlib"}),
    "strips": ({}, {"metadata": None, "rowsperstrip": 2}),
    "packed strips": ({}, {"metadata": None, "rowsperstrip": 3, "compression": "zlib"}),
}
WHOLE = {
    "ImageJ": {"imagej": True, "metadata": {"axes": "TYX", "finterval": 0.03}},
    "OME": {"ome": True, "metadata": {"axes": "TYX", "TimeIncrement": 0.03}},
    "BigTIFF OME": {"ome": True, "bigtiff": True, "metadata": {"axes": "TYX"}},
    "one page describes all": {"truncate": True},
}
KINDS = [*PAGED, *WHOLE, "Micro-Manager"]
