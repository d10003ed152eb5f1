"""The error for maps of curves that can't be read."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.errors import UmlpsdError


class CurvesError(UmlpsdError, ValueError):
    """A map of curves can't be read, or not with these settings.

    Attributes
    ----------
    path : Path
        The file or folder.
    reason : str
        What is wrong and what to change.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: {reason}")
