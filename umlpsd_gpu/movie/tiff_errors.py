"""tifffile's many ways to complain, turned into one MovieError."""

from __future__ import annotations

import logging
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from umlpsd_gpu.errors import MovieError

COPY_AGAIN = "copy the file again from the microscope or give another"
# Their words name the inside of a library; those of all others may help (a codec that is missing)
_OF_DAMAGE = (
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    ArithmeticError,
    NameError,
    AssertionError,
    MemoryError,
    RecursionError,
    struct.error,
)


def with_advice(reason: str) -> str:
    """Add what to do about a damaged file, once."""
    return reason if COPY_AGAIN in reason else f"{reason}; {COPY_AGAIN}"


def in_plain_words(error: Exception) -> str:
    """Say what an exception of tifffile or a codec means, with its class in brackets."""
    name = type(error).__name__
    words = _without_objects(str(error))
    if isinstance(error, _OF_DAMAGE) or not words:
        return f"its metadata or pixels are damaged ({name})"
    return f"{words} ({name})"


def _without_objects(words: str) -> str:
    """Return tifffile's words on one line, without the <object> that they begin with."""
    return " ".join(re.sub(r"^<[^>]*>", "", words).split())[:200]


class _Complaints(logging.Handler):
    """Collects what tifffile only logs: errors, and data that it replaced by zeros."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The logger is shared by all threads: another movie's trouble is not ours.
        if record.thread != self._thread:
            return
        message = record.getMessage()
        if record.levelno >= logging.ERROR or "zeroed" in message:
            self.messages.append(message)


@contextmanager
def one_movie_error(path: Path, frame: int | None = None) -> Iterator[None]:
    """Run steps of tifffile; whatever they raise or log as an error becomes a MovieError.

    Raises
    ------
    MovieError
        With the path, the frame where given, what is wrong, and what to change.
    """
    logger = logging.getLogger("tifffile")
    complaints = _Complaints()
    logger.addHandler(complaints)
    try:
        yield
    except MovieError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        reason = f"the file can't be opened: {error.strerror}; check its name and permissions"
        raise MovieError(path, reason, frame) from error
    # A hostile file makes tifffile and its codecs raise nearly any exception there is.
    except Exception as error:
        reason = f"it can't be read as TIFF: {in_plain_words(error)}"
        raise MovieError(path, with_advice(reason), frame) from error
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        reason = f"it can't be read as TIFF: {_without_objects(complaints.messages[0])}"
        raise MovieError(path, with_advice(reason), frame)
