"""How the maps of a crystal assembly are made."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from umlpsd_gpu.settings import Section


class MapsSettings(Section):
    """How the maps of a crystal assembly are computed."""

    section: ClassVar[str] = "maps"

    pearson_threshold: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Pearson correlation from which pixels are joined to one domain.",
    )
    detrend_frames: int | None = Field(
        None,
        ge=2,
        description="Frames of the moving average that is the trend. Default: a tenth "
        "of the movie.",
    )
    memory_mb: float = Field(512, gt=0, description="Largest correlation matrix, in MB.")
    reference_pixel: tuple[int, int] | None = Field(
        None,
        description="Row and column of the reference pixel, counted from 0. Default: a typical "
        "pixel of the cluster that is most similar to another.",
    )
