"""Sends frames to a live run on this computer."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.live.microscope.tiff_pages import native_little
from umlpsd_gpu.live.sources.messages import parse_address, read_text, send_message
from umlpsd_gpu.live.sources.stream_header import StreamHeader

_ANSWER_LIMIT_S = 30.0


class FrameSender:
    """One connection to a live run.

    Attributes
    ----------
    n_known : int
        Frames that the run has already; the first that is sent is the next one.

    Parameters
    ----------
    address : str
        ``tcp://127.0.0.1:PORT``.
    header : StreamHeader

    Raises
    ------
    SettingsError
        If the address is not of this computer.
    OutputError
        If no live run listens there, or it refuses the header.
    """

    def __init__(self, address: str, header: StreamHeader) -> None:
        self._address = address
        try:
            self._connection = socket.create_connection(parse_address(address), _ANSWER_LIMIT_S)
        except OSError as error:
            raise OutputError(
                f"{address}: no program takes frames there ({error.strerror or error}); start "
                f"umlpsd live {address} first"
            ) from error
        try:
            with self._explain():
                send_message(self._connection, header.to_json())
                self.n_known = int(self._read_answer().get("n_frames", 0))
        except BaseException:
            self._connection.close()
            raise
        # A run that is slower than the camera holds the sender up as long as it takes.
        self._connection.settimeout(None)

    def put(self, frame: Array) -> None:
        """Send one frame; this waits while the run is behind.

        Parameters
        ----------
        frame : ndarray, shape (n_rows, n_cols)

        Raises
        ------
        OutputError
            If the run refuses it, or the connection breaks.
        """
        with self._explain():
            send_message(self._connection, native_little(frame).data.cast("B"))

    def close(self) -> None:
        """Say that the recording has ended, and wait until all frames are kept.

        Raises
        ------
        OutputError
            If the connection breaks before that.
        """
        with self._connection, self._explain():
            send_message(self._connection, b"")
            self._read_answer()

    def _read_answer(self) -> Mapping[str, Any]:
        answer: dict[str, Any] = json.loads(read_text(self._connection))
        if "error" in answer:
            raise OutputError(f"{self._address}: {answer['error']}")
        return answer

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        """Say why the run broke the connection, if it said so."""
        try:
            yield
        except OutputError:
            raise
        except (OSError, SettingsError) as error:
            if isinstance(error, OSError):
                self._read_refusal()
            raise OutputError(
                f"{self._address}: the connection broke ({error}); start the live run and the "
                "sender again, they go on where they stopped"
            ) from error

    def _read_refusal(self) -> None:
        """Raise the sentence by which the run refused what was sent, if there is one."""
        try:
            self._connection.settimeout(1.0)
            self._read_answer()
        except OutputError:
            raise
        except (OSError, ValueError):
            return
