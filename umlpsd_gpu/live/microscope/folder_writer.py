"""A folder of one-frame files, as many cameras write them."""

from __future__ import annotations

import struct
from pathlib import Path

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.live.microscope.stack_writers import imagej_tags
from umlpsd_gpu.live.microscope.tiff_pages import describe_page, list_tags, native_little
from umlpsd_gpu.live.sources.stream_header import StreamHeader


class FrameFiles:
    """Writes ``frame_000000.tif`` and so on.

    Parameters
    ----------
    folder : Path
        It is made if it doesn't exist.
    header : StreamHeader
    """

    def __init__(self, folder: Path, header: StreamHeader) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._n_frames = folder, 0
        self._more = imagej_tags(header, "")

    def put(self, frame: Array) -> None:
        """Record one frame.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)
        """
        frame = native_little(frame)
        description = describe_page(list_tags(frame, 0, self._more), 8, 0)
        data = 8 + len(description)
        blob = b"II*\0" + struct.pack("<I", 8)
        blob += describe_page(list_tags(frame, data, self._more), 8, 0) + frame.tobytes()
        path = self._folder / f"frame_{self._n_frames:06d}.tif"
        path.write_bytes(blob)
        self._n_frames += 1

    def close(self) -> None:
        """End the recording; nothing is left to write."""
