"""How emitters or pixels are found and their traces extracted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from umlpsd_gpu.settings import Section


class TracesSettings(Section):
    """Settings of extracting traces from movies, and of pooling them."""

    section: ClassVar[str] = "traces"

    mode: Literal["emitters", "pixels"] = Field(
        "emitters", description="One trace per diffraction-limited spot, or one per pixel."
    )
    psf_sigma_px: float = Field(
        1.3, gt=0.3, le=10, description="Standard deviation of a spot's image, in pixels."
    )
    detection_snr: float = Field(
        6.0, gt=0, description="A spot must exceed the image noise by this many deviations."
    )
    min_separation_px: float = Field(
        5.0, ge=1, description="Spots nearer to each other than this are both dropped."
    )
    max_size_ratio: float = Field(
        1.6, gt=1, description="Spots wider than this times psf_sigma_px are aggregates: dropped."
    )
    photometry: Literal["box", "gaussian"] = Field(
        "box", description="Sum of a square box, or Gaussian-weighted sum."
    )
    box_radius_px: int = Field(2, ge=0, description="Box of (2 r + 1)² pixels around the spot.")
    ring_inner_px: float = Field(4.0, gt=0, description="Inner radius of the background ring.")
    ring_outer_px: float = Field(7.0, gt=0, description="Outer radius of the background ring.")
    drift_correction: bool = Field(False, description="Register frames against the first ones.")
    threshold: float | None = Field(
        None,
        ge=0,
        description="Pixel mode: pixels whose time average exceeds this many counts are traces. "
        "Not given: Otsu's threshold, reported.",
    )
    roi: str | None = Field(
        None,
        min_length=1,
        description="Pixel mode: only pixels inside this region count; a file of ImageJ (.roi, or "
        ".zip of several) or a mask TIFF of the movie's size.",
    )
    memory_mb: float = Field(
        2048,
        gt=0,
        description="Pixel traces that take more than this, in MB, are kept in a temporary file "
        "(in TMPDIR).",
    )
    unequal_lengths: Literal["refuse", "crop"] = Field(
        "refuse", description="Pooling traces of unequal lengths: refuse, or crop to the shortest."
    )

    @model_validator(mode="after")
    def _ring_encloses_box(self) -> TracesSettings:
        if self.ring_outer_px <= self.ring_inner_px:
            raise ValueError(
                f"ring_outer_px ({self.ring_outer_px}) must be larger than "
                f"ring_inner_px ({self.ring_inner_px})"
            )
        return self
