"""How the maps of a crystal assembly are made."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from umlpsd_gpu.settings import Section


class MapsSettings(Section):
    """Settings of the maps of a crystal assembly."""

    section: ClassVar[str] = "maps"

    pearson_threshold: float = Field(
        0.8, gt=0, le=1, description="Least correlation of pixels in one Pearson domain."
    )
    detrend_frames: int | None = Field(
        None, ge=2, description="Frames that a trend is averaged over; default: a tenth."
    )
    memory_mb: float = Field(512, gt=0, description="Largest correlation matrix, in MB.")
    reference_pixel: tuple[int, int] | None = Field(
        None, description="Row, column from 0; default: typical of the cluster most like another."
    )
