"""How a movie is read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

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
    time_axis: Literal["time", "z", "channel"] = Field(
        "time",
        description="Axis that is read as time; some programs store the frames of a movie as "
        "z slices or channels.",
    )
    memory_mb: float = Field(
        256, gt=0, description="Largest block of frames that is read into memory at once, in MB."
    )
    allow_damaged: bool = Field(
        False, description="Analyse the intact frames at the start of a damaged movie."
    )
