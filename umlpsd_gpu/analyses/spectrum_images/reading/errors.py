"""The error for spectrum images that can't be read."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.errors import UmlpsdError


class SpectrumImageError(UmlpsdError, ValueError):
    """A spectrum image can't be read, or not with these settings.

    Attributes
    ----------
    path : Path
        The file.
    reason : str
        What is wrong and what to change.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: {reason}")
