"""What can go wrong, each with one sentence for the user and an exit code for the shell.

Every message says what came, what is allowed and what to change. Exit codes: 1, some movies of
several failed, or the disk of their batch is full; 2, what was asked for can't be done as asked,
and another argument or input mends it; 3, the machine lacks something: room for a study, a right to
write, a device.
"""

from __future__ import annotations

from pathlib import Path


class UmlpsdError(Exception):
    """A problem the user can mend; the command line prints it without a traceback."""

    exit_code = 2


class SettingsError(UmlpsdError, ValueError):
    """A setting or argument has a value that is not allowed."""


class MovieError(UmlpsdError):
    """A movie can't be read, or not in the way that was asked for.

    Attributes
    ----------
    path : Path
        The file or folder.
    reason : str
        What is wrong and what to change.
    frame : int or None
        First frame concerned, counted from 0, where that is known.
    """

    def __init__(self, path: str | Path, reason: str, frame: int | None = None) -> None:
        self.path, self.reason, self.frame = Path(path), reason, frame
        where = f"{path}" if frame is None else f"{path}, frame {frame}"
        super().__init__(f"{where}: {reason}")


class TracesError(UmlpsdError, ValueError):
    """Traces can't be found, read, pooled or used."""


class OutputError(UmlpsdError, OSError):
    """Results can't be written where they should go."""

    exit_code = 3


class OutputInUseError(OutputError):
    """Something is where results should go, and is not replaced unasked: name another place."""

    exit_code = 2


class DeviceError(UmlpsdError):
    """The device that was asked for is not there."""

    exit_code = 3
