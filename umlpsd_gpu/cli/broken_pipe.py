"""A reader that goes away, as in ``umlpsd info | head -1``, ends a command quietly."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

EXIT_UNREAD = 141  # 128 + SIGPIPE: what a shell tells of any other tool


class UnreadError(OSError):
    """Nobody reads what is printed.

    No BrokenPipeError: rich and typer would make "some movies failed" (1) of that.
    """


class _Watched:
    """A text stream that tells the loss of its reader from other errors."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError as error:
            raise UnreadError("nobody reads what is printed") from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError as error:
            raise UnreadError("nobody reads what is printed") from error


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """End with 141 and no words where standard output has lost its reader; failures keep theirs."""
    stream = sys.stdout
    if stream is None:
        yield
        return
    sys.stdout = cast(TextIO, _Watched(stream))
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
            # what is still held back would be told as an error when Python ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_read(stream: TextIO) -> bool:
    try:
        stream.flush()
    except OSError as error:
        return not isinstance(error, BrokenPipeError)
    return True
