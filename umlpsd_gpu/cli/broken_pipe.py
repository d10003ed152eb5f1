"""End a command quietly if the reader of its output is gone, as in ``umlpsd info | head -1``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

EXIT_UNREAD = 141  # 128 + SIGPIPE, as of any other tool in a shell


class UnreadError(OSError):
    """Standard output has lost its reader.

    This is no BrokenPipeError, since rich and typer would turn that into exit code 1, "some movies
    failed".
    """


class _PipeStream:
    """A text stream that raises `UnreadError` if its reader is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError as error:
            raise UnreadError("the reader of the output is gone") from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError as error:
            raise UnreadError("the reader of the output is gone") from error


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """End with exit code 141 and no message if standard output loses its reader.

    A command that fails keeps its own exit code.

    Raises
    ------
    SystemExit
        If the reader is gone.
    """
    stream = sys.stdout
    if stream is None:
        yield
        return
    sys.stdout = cast(TextIO, _PipeStream(stream))
    try:
        yield
    except UnreadError:
        raise SystemExit(EXIT_UNREAD) from None
    except SystemExit as end:
        if not _is_read(stream) and not end.code:
            raise SystemExit(EXIT_UNREAD) from None
        raise
    finally:
        sys.stdout = stream
        if not _is_read(stream):
            # Python would report text still in the buffer as an error when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_read(stream: TextIO) -> bool:
    try:
        stream.flush()
    except OSError as error:
        return not isinstance(error, BrokenPipeError)
    return True
