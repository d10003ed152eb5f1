"""All errors of tifffile and its codecs as one MovieError."""

from __future__ import annotations

import logging
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from umlpsd_gpu.errors import MovieError

COPY_AGAIN = "copy the file again from the microscope or give another"
# Their messages are about the library's code; those of others may help (a missing codec)
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
# Lengths of strips are guessed where they are missing
_HARMLESS = ("missing data ByteCounts tag",)
# Warnings of tifffile and roifile about contents that are lost
_OF_HARM = ("zeroed", "ImagejRoi")


def add_advice(reason: str) -> str:
    """Add what to do about a damaged file, unless it is there already.

    Parameters
    ----------
    reason : str
    """
    return reason if COPY_AGAIN in reason else f"{reason}; {COPY_AGAIN}"


def explain_error(error: Exception) -> str:
    """Explain an exception of tifffile or a codec, with its class in brackets.

    Parameters
    ----------
    error : Exception
    """
    name = type(error).__name__
    words = _strip_objects(str(error))
    if isinstance(error, _OF_DAMAGE) or not words:
        return f"its metadata or pixels are damaged ({name})"
    return f"{words} ({name})"


def _strip_objects(words: str) -> str:
    """Return tifffile's message on one line, without the <object> at its beginning."""
    return " ".join(re.sub(r"^<[^>]*>", "", words).split())[:200]


class _Complaints(logging.Handler):
    """Collects what a library logs: errors, data that it replaced by zeros, wrong regions."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The logger is shared by all threads, which may read other movies.
        if record.thread != self._thread:
            return
        message = record.getMessage()
        if any(words in message for words in _HARMLESS):
            return
        if record.levelno >= logging.ERROR or any(words in message for words in _OF_HARM):
            self.messages.append(message)


@contextmanager
def collect_complaints(library: str) -> Iterator[list[str]]:
    """Collect what a library logs instead of raising; nothing of it is printed.

    Parameters
    ----------
    library : str
        Name of its logger.

    Yields
    ------
    list of str
        Grows inside the block.
    """
    logger, complaints = logging.getLogger(library), _Complaints()
    logger.addHandler(complaints)
    try:
        yield complaints.messages
    finally:
        logger.removeHandler(complaints)


@contextmanager
def raise_movie_error(path: Path, frame: int | None = None) -> Iterator[None]:
    """Turn whatever tifffile raises or logs as an error inside into a MovieError.

    Parameters
    ----------
    path : Path
    frame : int, optional
        First frame concerned.

    Raises
    ------
    MovieError
        With the path, the frame if given, what is wrong, and what to change.
    """
    try:
        # tifffile divides by the zeros of broken metadata
        quiet = np.errstate(divide="ignore", invalid="ignore")
        with collect_complaints("tifffile") as complaints, quiet:
            yield
    except MovieError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        reason = f"the file can't be opened: {error.strerror}; check its name and permissions"
        raise MovieError(path, reason, frame) from error
    # A hostile file can make tifffile and its codecs raise nearly any exception.
    except Exception as error:
        reason = f"it can't be read as TIFF: {explain_error(error)}"
        raise MovieError(path, add_advice(reason), frame) from error
    if complaints:
        reason = f"it can't be read as TIFF: {_strip_objects(complaints[0])}"
        raise MovieError(path, add_advice(reason), frame)
