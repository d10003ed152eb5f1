"""How a movie is read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.settings import Section


class MovieSettings(Section):
    """Settings of opening a movie."""

    section: ClassVar[str] = "movie"

    dt_s: float | None = Field(
        None, gt=0, description="Frame interval in seconds; overrides the metadata."
    )
    pixel_size_um: float | None = Field(
        None, gt=0, description="Object-plane pixel size in µm; overrides the metadata."
    )
    channel: int | None = Field(None, ge=0, description="Channel to read, from 0.")
    position: int | None = Field(None, ge=0, description="Stage position to read, from 0.")
    z: int | None = Field(None, ge=0, description="Focal plane to read, from 0.")
    time_axis: Literal["time", "z", "channel"] = Field(
        "time",
        description="Axis to read as time: some programs label the frames of a movie as slices "
        "or channels.",
    )
    memory_mb: float = Field(
        256, gt=0, description="Upper bound of one chunk of frames held in memory, in MB."
    )
    allow_damaged: bool = Field(
        False, description="Analyse the intact frames of a truncated or mixed movie."
    )
