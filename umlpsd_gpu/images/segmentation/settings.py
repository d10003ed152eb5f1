"""Settings of the segmentation of particles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.settings import Section


class SegmentationSettings(Section):
    """How particles are found in an image."""

    section: ClassVar[str] = "segmentation"

    method: Literal["contours", "paper"] = Field(
        "contours",
        description="contours: local thresholds, and groups split where two outlines explain the "
        "pixels better than one; paper: the published steps, whose constants are in pixels.",
    )
    polarity: Literal["auto", "dark", "bright"] = Field(
        "auto", description="Whether particles are darker or brighter than the background."
    )
    size_px: float | None = Field(
        None,
        ge=4,
        description="Typical diameter of particles, in pixels. Default: estimated from the image.",
    )
    keep_annotations: bool = Field(
        False, description="Don't look for letters and scale bars, which are left out otherwise."
    )
