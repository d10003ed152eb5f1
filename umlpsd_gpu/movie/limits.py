"""What a file may cost before its frames are read: limits against broken and hostile files."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Limits of one file.

    Attributes
    ----------
    max_frames : int
        Pages of a file.
    max_pixels : int
        Pixels of a frame.
    max_page_mb : float
        Size of a page after unpacking, in MB (1e6 bytes).
    max_metadata_mb : float
        Size of one text of metadata, in MB.
    max_page_s : float
        Seconds for reading or unpacking one page.
    """

    max_frames: int = 2_000_000
    max_pixels: int = 400_000_000
    max_page_mb: float = 268.435456
    max_metadata_mb: float = 256.0
    max_page_s: float = 30.0


DEFAULT_LIMITS = Limits()
