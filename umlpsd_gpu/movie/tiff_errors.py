"""tifffile's many ways to complain, turned into one MovieError."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from umlpsd_gpu.errors import MovieError


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
        With the path, the frame where given, and tifffile's own words.
    """
    logger = logging.getLogger("tifffile")
    complaints = _Complaints()
    logger.addHandler(complaints)
    try:
        yield
    except MovieError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise MovieError(path, f"the file can't be opened: {error.strerror}", frame) from error
    # A hostile file makes tifffile and its codecs raise nearly any exception there is.
    except Exception as error:
        words = str(error).strip()[:200] or "no further words"
        reason = f"it can't be read as TIFF ({type(error).__name__}: {words})"
        raise MovieError(path, reason, frame) from error
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise MovieError(path, f"it can't be read as TIFF ({complaints.messages[0][:200]})", frame)
