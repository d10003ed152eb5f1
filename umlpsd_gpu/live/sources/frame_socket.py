"""Frames that another program on this computer sends over a socket; a spool file keeps them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

from umlpsd_gpu.errors import OutputError, SettingsError, UmlpsdError
from umlpsd_gpu.live.source import Arrival
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.live.sources.messages import (
    LENGTH,
    parse_address,
    read_into,
    read_text,
    send_answer,
)
from umlpsd_gpu.live.sources.spool import Spool, find_spools
from umlpsd_gpu.live.sources.stream_header import StreamHeader, parse_header
from umlpsd_gpu.movie.settings import MovieSettings

HEADER_LIMIT_S = 10.0
RECONNECT_LIMIT_S = 1.0
# How long the rest of a refused sender's bytes is read, so that it can read why
_DRAIN_S = 0.5


class FrameSocket:
    """Listens for one sender at a time, and spools its frames.

    A sender that is too fast is held up by the connection; no frame is left out.

    Attributes
    ----------
    port : int

    Parameters
    ----------
    address : str
        ``tcp://127.0.0.1:PORT``; port 0 takes a free one.
    settings : MovieSettings
    folder : Path
        Of the spool file; it is made if it doesn't exist. A spool in it is continued.

    Raises
    ------
    SettingsError
        If the address is not of this computer, or the port is in use.
    OutputError
        If the spool in the folder can't be written.
    """

    def __init__(self, address: str, settings: MovieSettings, folder: Path) -> None:
        host, port = parse_address(address)
        self._settings, self._folder = settings, folder
        self._lock, self._sender = threading.Lock(), threading.Lock()
        self._spool: Spool | None = None
        self._movie: GrowingTiff | None = None
        self._words = self._fault = ""
        self._has_ended = self._is_closed = False
        self._connections = set[socket.socket]()
        folder.mkdir(parents=True, exist_ok=True)
        spools = find_spools(folder)
        if len(spools) == 1:
            self._follow(Spool(spools[0], None))
        self._listener = _listen(host, port, address)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="frame socket", daemon=True)
        self._thread.start()

    def poll(self) -> Arrival:
        """Return at once what has been recorded so far.

        Returns
        -------
        Arrival

        Raises
        ------
        MovieError
            If the spool can't be read as a movie.
        """
        with self._lock:
            spool, source, words, fault = self._spool, self._movie, self._words, self._fault
            has_ended, n_frames = self._has_ended, self._spool.n_frames if self._spool else 0
        if spool is None or source is None or n_frames == 0:
            listening = f"listening on tcp://127.0.0.1:{self.port}; no frame has been sent yet"
            state = "lost" if fault else "finished" if has_ended else "waiting"
            return Arrival(None, state, fault or words or listening)  # type: ignore[arg-type]
        arrival = source.poll()
        if arrival.state == "lost":
            return arrival
        n_read = arrival.movie.n_frames if arrival.movie else 0
        if fault:
            return replace(arrival, state="lost", reason=fault)
        if has_ended and (n_read == n_frames or n_frames < 2):
            return replace(arrival, state="finished", reason=words)
        return replace(arrival, state="recording", reason=words or arrival.reason)

    def inputs(self) -> list[str]:
        """Return the spool file; nothing before the first header."""
        with self._lock:
            return [str(self._spool.path)] if self._spool else []

    def close(self) -> None:
        """Stop listening; the spool file stays."""
        self._is_closed = True
        with self._lock:
            connections = [self._listener, *self._connections]
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()
        # A sender's thread ends when its connection does.
        with self._sender, self._lock:
            if self._spool is not None:
                self._spool.close()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """Talk to one sender until it ends, disconnects, or is refused."""
        try:
            with connection:
                try:
                    self._receive(connection)
                except UmlpsdError as error:
                    self._say(f"a sender was refused: {error}")
                    _refuse(connection, str(error))
        except OSError as error:
            self._say(f"the connection to the sender broke ({error}); it may connect again")
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _receive(self, connection: socket.socket) -> None:
        connection.settimeout(HEADER_LIMIT_S)
        try:
            header = parse_header(read_text(connection), self._settings.max_pixels)
        except TimeoutError as error:
            raise SettingsError(f"no header came for {HEADER_LIMIT_S:g} s") from error
        # One that broke may be connecting again before its end was noticed.
        if not self._sender.acquire(timeout=RECONNECT_LIMIT_S):
            raise SettingsError("another program is sending frames; only one can at a time")
        try:
            connection.settimeout(None)
            spool = self._open(header)
            self._say("")
            send_answer(connection, n_frames=spool.n_frames)
            self._spool_frames(connection, spool)
        finally:
            self._sender.release()

    def _open(self, header: StreamHeader) -> Spool:
        """Return the spool for the frames of a header."""
        if self._fault or self._has_ended or self._is_closed:
            raise SettingsError("the recording has ended; start umlpsd live anew for another one")
        if header.dt_s is None and self._settings.dt_s is None:
            raise SettingsError(
                "the header has no frame interval; send dt_s in seconds, or start umlpsd live with "
                "--dt-s"
            )
        if self._spool is None:
            spool = Spool(self._folder / f"{header.file_stem}.tif", header)
            with self._lock:
                self._follow(spool)
        elif self._spool.header != header:
            known = self._spool.header
            raise SettingsError(
                f"the recording is of {known.describe()}, dt_s {known.dt_s}, pixel_size_um "
                f"{known.pixel_size_um}; the header says {header.describe()}, dt_s {header.dt_s}, "
                f"pixel_size_um {header.pixel_size_um}: send the same header again"
            )
        assert self._spool is not None
        return self._spool

    def _follow(self, spool: Spool) -> None:
        self._spool = spool
        self._movie = GrowingTiff(spool.path, self._settings, settle_s=0.0)

    def _spool_frames(self, connection: socket.socket, spool: Spool) -> None:
        frame = bytearray(spool.header.frame_bytes)
        head = bytearray(LENGTH.size)
        while True:
            n_read = read_into(connection, memoryview(head))
            (length,) = LENGTH.unpack(head)
            if n_read < len(head):
                self._say_disconnected(spool, bool(n_read))
                return
            if length == 0:
                break
            if length != len(frame):
                raise SettingsError(
                    f"a message of {length} bytes was announced after frame {spool.n_frames}; a "
                    f"frame has {len(frame)} bytes, and 0 ends the recording"
                )
            if read_into(connection, memoryview(frame)) < length:
                self._say_disconnected(spool, True)
                return
            try:
                spool.append(frame)
            except OutputError as error:
                self._fault = str(error)
                raise
        with self._lock:
            self._has_ended = True
        send_answer(connection, n_frames=spool.n_frames)

    def _say_disconnected(self, spool: Spool, is_inside: bool) -> None:
        where = "inside" if is_inside else "before"
        self._say(
            f"the sender disconnected {where} frame {spool.n_frames}, counted from 0; it may "
            "connect again and go on there"
        )

    def _say(self, words: str) -> None:
        with self._lock:
            self._words = words


def _listen(host: str, port: int, address: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A port whose last connections are just ending may be used again at once.
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{address}: the port can't be used ({error.strerror}); give another one"
        ) from error
    return listener


def _refuse(connection: socket.socket, sentence: str) -> None:
    """Tell a sender why it is refused, and read on for a moment so that it learns it."""
    with contextlib.suppress(OSError):
        send_answer(connection, error=sentence)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_DRAIN_S)
        space, end_s = bytearray(1 << 20), time.monotonic() + _DRAIN_S
        while connection.recv_into(space) and time.monotonic() < end_s:
            pass
