"""How a movie is read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.settings import Section


class MovieSettings(Section):
    """How a movie is read."""

    section: ClassVar[str] = "movie"

    dt_s: float | None = Field(
        None, gt=0, description="Frame interval in seconds; replaces the value in the metadata."
    )
    pixel_size_um: float | None = Field(
        None,
        gt=0,
        description="Pixel size in the object plane, in µm; replaces the value in the metadata.",
    )
    channel: int | None = Field(
        None, ge=0, description="Channel to read, counted from 0; needed if there are several."
    )
    position: int | None = Field(
        None,
        ge=0,
        description="Stage position to read, counted from 0; needed if there are several.",
    )
    z: int | None = Field(
        None, ge=0, description="Focal plane to read, counted from 0; needed if there are several."
    )
    time_axis: Literal["time", "z", "channel", "page"] = Field(
        "time",
        description="Axis that is read as time; some programs store the frames of a movie as "
        "z slices or channels. page: every page of the file is a frame, whatever the metadata say.",
    )
    join: bool = Field(
        False,
        description="Read several multi-page files, in the order of the numbers in their names, as "
        "the parts of one movie.",
    )
    memory_mb: float = Field(
        256, gt=0, description="Largest block of frames that is read into memory at once, in MB."
    )
    allow_damaged: bool = Field(
        False, description="Analyse the intact frames at the start of a damaged movie."
    )
    missing_frames: Literal["refuse", "skip"] = Field(
        "refuse",
        description="What to do if single frames are missing between others: refuse the movie, or "
        "skip them, as if none were missing.",
    )
    max_frames: int = Field(
        2_000_000, ge=2, description="Largest number of pages of a file; a limit against damage."
    )
    max_pixels: int = Field(400_000_000, ge=1, description="Largest number of pixels of a frame.")
    max_page_mb: float = Field(
        268.435456,
        gt=0,
        description="Largest size of a compressed page after unpacking, in MB.",
    )
    max_metadata_mb: float = Field(
        256.0, gt=0, description="Largest size of one text or table of metadata, in MB."
    )
    max_page_s: float = Field(
        30.0, gt=0, description="Longest time for reading or unpacking one page, in seconds."
    )

    @property
    def limits(self) -> Limits:
        """Return the limits of one file."""
        return Limits(
            self.max_frames,
            self.max_pixels,
            self.max_page_mb,
            self.max_metadata_mb,
            self.max_page_s,
        )
