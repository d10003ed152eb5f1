"""A server on this machine only that shows a live run in the browser."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.live.page.board import Board
from umlpsd_gpu.live.page.handlers import Shared, make_application
from umlpsd_gpu.live.page.html import page_of
from umlpsd_gpu.live.snapshot import Snapshot

HOST = "127.0.0.1"
TOKEN_BYTES = 24
# requests have no body, and short headers
MOST_HEADER_BYTES = 16_384
IDLE_S = 120.0
# viewers get the last snapshot within this time when the server stops
LAST_ANSWERS_S, STEP_S, STOP_S = 2.0, 0.02, 10.0


class PageServer:
    """Shows the snapshots of a run in browsers on this machine.

    The server runs in a thread of its own. Only who knows the address with its token, new for each
    run, is answered.

    Parameters
    ----------
    port : int, optional
        1…65535. Default: a free one.

    Raises
    ------
    SettingsError
        If the port is not allowed.

    Examples
    --------
    >>> from umlpsd_gpu.live.page.server import PageServer
    >>> from umlpsd_gpu.live.snapshot import Snapshot
    >>> server = PageServer()
    >>> server.start().startswith("http://127.0.0.1:")
    True
    >>> server.publish(Snapshot(1, "waiting", "movie.tif", 0, 0, None, 0.0))
    >>> server.stop()
    """

    def __init__(self, port: int | None = None) -> None:
        if port is not None and not 1 <= port <= 65_535:
            raise SettingsError(
                f"the port of the page is a number from 1 to 65535, got {port}; leave it out for a "
                "free one"
            )
        self._port = port
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self._board = Board()
        self._newest: Snapshot | None = None
        self._is_showing = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._shared: Shared | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> str:
        """Start to answer; after a stop, at the same address as before.

        Returns
        -------
        str
            The address for a browser: ``http://127.0.0.1:PORT/?token=…``.

        Raises
        ------
        SettingsError
            If the port is in use or may not be used.
        """
        if self._thread is None:
            page, policy = page_of()
            self._shared = Shared(self._board, self._token.encode("ascii"), page, policy)
            sockets = _listen(self._port)
            self._port = sockets[0].getsockname()[1]
            self._loop, self._stopping = asyncio.new_event_loop(), asyncio.Event()
            self._is_showing = False
            self._thread = threading.Thread(
                target=self._run, args=(sockets,), name="umlpsd live page", daemon=True
            )
            self._thread.start()
            if self._newest is not None:
                self.publish(self._newest)
        return f"http://{HOST}:{self._port}/?token={self._token}"

    def publish(self, snapshot: Snapshot) -> None:
        """Show a snapshot; returns at once.

        It is serialised in the server's thread. Where snapshots come faster than that, only the
        newest is shown.

        Parameters
        ----------
        snapshot : Snapshot
        """
        with self._lock:
            self._newest = snapshot
            if self._loop is None or self._is_showing:
                return
            self._is_showing = True
            self._loop.call_soon_threadsafe(self._show_newest)

    def stop(self) -> None:
        """Give waiting viewers the last snapshot, then stop answering; may be called again."""
        with self._lock:
            thread, loop, stopping = self._thread, self._loop, self._stopping
            self._thread = self._loop = None
            if loop is not None and stopping is not None:
                # after a snapshot that was published just before
                loop.call_soon_threadsafe(stopping.set)
        if thread is not None:
            thread.join(STOP_S)

    def _show_newest(self) -> None:
        with self._lock:
            snapshot, self._is_showing = self._newest, False
        if snapshot is not None and self._shared is not None:
            self._board.show(snapshot)
            self._shared.wake_all()

    def _run(self, sockets: list[socket.socket]) -> None:
        loop = self._loop
        assert loop is not None
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(sockets))
        finally:
            loop.close()

    async def _serve(self, sockets: list[socket.socket]) -> None:
        assert self._shared is not None
        assert self._stopping is not None
        server = HTTPServer(
            make_application(self._shared),
            max_header_size=MOST_HEADER_BYTES,
            max_body_size=0,
            idle_connection_timeout=IDLE_S,
        )
        server.add_sockets(sockets)
        await self._stopping.wait()
        await _finish_answers(self._shared)
        server.stop()
        await server.close_all_connections()


async def _finish_answers(shared: Shared) -> None:
    """Let viewers get the last snapshot: who waits for the next one has it, and its emitter."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(STEP_S)
    while len(shared.waiting) < shared.n_woken and loop.time() < shared.woken_s + LAST_ANSWERS_S:
        await asyncio.sleep(STEP_S)


def _listen(port: int | None) -> list[socket.socket]:
    try:
        return bind_sockets(port or 0, HOST, family=socket.AF_INET)
    except OSError as error:
        raise SettingsError(
            f"the page can't use port {port} of {HOST} ({error.strerror}); choose another one, or "
            "leave it out for a free one"
        ) from error
