"""What the server of the live page answers, and to whom."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.live.page.board import Answer, Board
from umlpsd_gpu.live.page.plain import to_json

# a viewer then hears that there is nothing new
LONGEST_WAIT_S = 20.0
# names of this machine; a page of a foreign name that points here (DNS rebinding) has another Host
OUR_HOST = re.compile(rb"^(127\.0\.0\.1|localhost)(:\d{1,5})?$")
# a browser holds one connection for each page that waits
MOST_WAITING = 200
LARGEST_NUMBER = 2**53
HEADERS = {
    "Server": "umlpsd",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass
class Shared:
    """What all requests of one server share.

    Attributes
    ----------
    board : Board
    token : bytes
        Who doesn't give it is refused.
    page : Answer
        The HTML page.
    page_policy : str
        Its Content-Security-Policy.
    waiting : set of asyncio.Future
        One for each viewer that waits for a new snapshot.
    n_woken : int
        Viewers that got the latest snapshot at once.
    woken_s : float
        When, on the clock of the event loop.
    """

    board: Board
    token: bytes
    page: Answer
    page_policy: str
    waiting: set[asyncio.Future[None]] = field(default_factory=set)
    n_woken: int = 0
    woken_s: float = 0.0

    def wake_all(self) -> None:
        """Let all waiting viewers look at the board again; called in the event loop."""
        self.n_woken = len(self.waiting)
        self.woken_s = asyncio.get_running_loop().time()
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


def make_application(shared: Shared) -> Application:
    """Return the application of a server.

    Parameters
    ----------
    shared : Shared

    Returns
    -------
    tornado.web.Application
    """
    given = {"shared": shared}
    return Application(
        [
            (r"/", PageHandler, given),
            (r"/state", StateHandler, given),
            (r"/trace", TraceHandler, given),
        ],
        default_handler_class=GuardedHandler,
        default_handler_args=given,
        # nothing about requests on the terminal, which shows the run
        log_function=lambda handler: None,
    )


class GuardedHandler(RequestHandler):
    """Refuses foreign hosts and requests without the token; answers that no path exists."""

    def initialize(self, shared: Shared) -> None:
        """Take what all requests share; called by Tornado.

        Parameters
        ----------
        shared : Shared
        """
        self.shared = shared

    def set_default_headers(self) -> None:
        """Set the headers of all answers, errors included."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Let a request through or refuse it.

        Raises
        ------
        HTTPError
            403 for a foreign host or a wrong token.
        """
        host = self.request.headers.get("Host", "").encode("utf-8", "replace")
        if not OUR_HOST.match(host):
            raise HTTPError(403, "this page is served for 127.0.0.1 and localhost only")
        given = (self.request.query_arguments.get("token") or [b""])[-1]
        if not secrets.compare_digest(given, self.shared.token):
            raise HTTPError(
                403, "this address has not the token of the run; open the address it has printed"
            )

    def get(self) -> Any:
        """Answer paths that don't exist.

        Raises
        ------
        HTTPError
            404.
        """
        raise HTTPError(404, "there is no such page; the paths are /, /state and /trace")

    def write_error(self, status_code: int, **options: Any) -> None:
        """Write an error as JSON with one sentence.

        Parameters
        ----------
        status_code : int
        **options
            Of Tornado: ``exc_info``.
        """
        error = options.get("exc_info", (None, None, None))[1]
        sentence = f"{self._reason} ({status_code})"
        if isinstance(error, HTTPError) and error.log_message:
            sentence = error.log_message % error.args
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(to_json({"error": sentence}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log only what is no refusal.

        Parameters
        ----------
        typ, value, tb
            As `sys.exc_info` gives them.
        """
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)

    def send(self, answer: Answer, content_type: str = "application/json") -> None:
        """Write an answer, compressed for those who can read that.

        Parameters
        ----------
        answer : Answer
        content_type : str
        """
        self.set_header("Content-Type", f"{content_type}; charset=UTF-8")
        self.set_header("Vary", "Accept-Encoding")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.write(answer.zipped)
        else:
            self.write(answer.plain)

    def number(self, name: str, default: str, convert: Callable[[str], Any]) -> Any:
        """Return a number of the query.

        Parameters
        ----------
        name, default : str
        convert : callable
            `int` or `float`.

        Returns
        -------
        int or float

        Raises
        ------
        HTTPError
            400 if it is no number, negative, or too large.
        """
        text = self.get_query_argument(name, default)
        try:
            value = convert(text)
        except ValueError:
            value = -1
        if not 0 <= value <= LARGEST_NUMBER:
            kind = "a whole number" if convert is int else "a number"
            raise HTTPError(400, f"{name} is {kind} from 0 to {LARGEST_NUMBER}, got {text[:40]!r}")
        return value


class PageHandler(GuardedHandler):
    """The page itself."""

    def get(self) -> None:
        """Send the page with its scripts."""
        self.set_header("Content-Security-Policy", self.shared.page_policy)
        self.send(self.shared.page, "text/html")


class StateHandler(GuardedHandler):
    """The latest snapshot, as soon as it is another than the viewer has."""

    async def get(self) -> None:
        """Wait for a snapshot that the viewer doesn't have, and send it.

        Raises
        ------
        HTTPError
            400 for bad numbers; 503 if too many viewers wait.
        """
        since = self.number("since", "0", int)
        study, picture = self.number("study", "0", int), self.number("picture", "0", int)
        board = self.shared.board
        # another number, not a larger one: after a restart a run counts from 1 again
        if board.number == since:
            await self._wait()
        if self._is_gone:
            return
        is_new = board.number != since
        self.send(board.state(study, picture) if is_new else NOTHING_NEW)

    _is_gone = False
    _future: asyncio.Future[None] | None = None

    async def _wait(self) -> None:
        waiting = self.shared.waiting
        if len(waiting) >= MOST_WAITING:
            raise HTTPError(503, f"{MOST_WAITING} pages of this run are open; close some")
        self._future = asyncio.get_running_loop().create_future()
        waiting.add(self._future)
        try:
            await asyncio.wait([self._future], timeout=LONGEST_WAIT_S)
        finally:
            waiting.discard(self._future)

    def on_connection_close(self) -> None:
        """Stop waiting for a viewer that has left."""
        self._is_gone = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)
        super().on_connection_close()


class TraceHandler(GuardedHandler):
    """One emitter of the latest snapshot."""

    def get(self) -> None:
        """Send an emitter's trace, spectrum and values.

        Raises
        ------
        HTTPError
            400 for bad numbers, 404 for an emitter that doesn't exist.
        """
        n_columns = self.number("columns", "600", int)
        last_s = self.number("seconds", "0", float) or None
        try:
            self.send(self.shared.board.trace(self.get_query_argument("id", ""), n_columns, last_s))
        except SettingsError as error:
            raise HTTPError(400, str(error)) from error
        except TracesError as error:
            raise HTTPError(404, str(error)) from error


NOTHING_NEW = Answer.of(to_json({"nothing_new": True}))
