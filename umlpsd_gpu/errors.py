"""Errors for the user: one sentence each, and an exit code for the shell.

Every message says what was given, what is allowed and what to change. Exit codes: 1, some of
several movies failed, or the disk of their batch is full; 2, wrong arguments or input, which the
user can correct; 3, a problem of the machine: no disk space, no permission, no such device.
"""

from __future__ import annotations

from pathlib import Path


class UmlpsdError(Exception):
    """A problem that the user can solve; the command line prints it without a traceback."""

    exit_code = 2


class SettingsError(UmlpsdError, ValueError):
    """A setting or argument has a value that is not allowed."""


class MovieError(UmlpsdError):
    """A movie can't be read, or not with these settings.

    Attributes
    ----------
    path : Path
        The file or folder.
    reason : str
        What is wrong and what to change.
    frame : int or None
        First frame with the problem, counted from 0, if known.
    """

    def __init__(self, path: str | Path, reason: str, frame: int | None = None) -> None:
        self.path, self.reason, self.frame = Path(path), reason, frame
        where = f"{path}" if frame is None else f"{path}, frame {frame}"
        super().__init__(f"{where}: {reason}")


class TracesError(UmlpsdError, ValueError):
    """Traces can't be found, read, pooled or analysed."""


class OutputError(UmlpsdError, OSError):
    """Results can't be written to the output folder."""

    exit_code = 3


class OutputInUseError(OutputError):
    """The output folder holds other files, or results that may not be replaced."""

    exit_code = 2


class DeviceError(UmlpsdError):
    """The chosen device is missing, or its memory is too small."""

    exit_code = 3
