"""How emitters or pixels are found and their traces extracted."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from umlpsd_gpu.settings import Section
from umlpsd_gpu.traces.encodings import require_encoding


class TracesSettings(Section):
    """Settings of extracting traces from movies, and of pooling them."""

    section: ClassVar[str] = "traces"

    mode: Literal["emitters", "pixels"] = Field(
        "emitters",
        description="What a trace is: the intensity of one diffraction-limited spot (emitters) or "
        "of one pixel (pixels).",
    )
    psf_sigma_px: float = Field(
        1.3, gt=0.3, le=10, description="Standard deviation of the image of one emitter, in pixels."
    )
    detection_snr: float = Field(
        6.0,
        gt=0,
        description="Smallest height of a spot, in standard deviations of the image noise.",
    )
    min_separation_px: float = Field(
        5.0, ge=1, description="Spots closer to each other than this, in pixels, are left out."
    )
    max_size_ratio: float = Field(
        1.6,
        gt=1,
        description="Spots wider than this factor times psf_sigma_px are aggregates and left out.",
    )
    photometry: Literal["box", "gaussian"] = Field(
        "box",
        description="Intensity of a spot: sum over a square box, or sum with Gaussian weights.",
    )
    box_radius_px: int = Field(
        2, ge=0, description="Radius r of the box in pixels; the box has (2 r + 1)² pixels."
    )
    ring_inner_px: float = Field(
        4.0, gt=0, description="Inner radius of the background ring, in pixels."
    )
    ring_outer_px: float = Field(
        7.0, gt=0, description="Outer radius of the background ring, in pixels."
    )
    drift_correction: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Measure the lateral drift against the first frames and correct it: always "
        "(on), if the sample moved by more than 2 pixels (auto), or never (off).",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        description="For pixels: smallest time average of a pixel that becomes a trace, in counts. "
        "Default: Otsu's threshold.",
    )
    roi: str | None = Field(
        None,
        min_length=1,
        description="For pixels: file with the region of interest, from ImageJ (.roi, or .zip with "
        "several), or a mask TIFF of the size of the movie. Default: the whole image.",
    )
    memory_mb: float = Field(
        2048,
        gt=0,
        description="Pixel traces larger than this, in MB, are kept in a temporary file (in the "
        "folder TMPDIR).",
    )
    unequal_lengths: Literal["refuse", "crop"] = Field(
        "refuse",
        description="If pooled traces have unequal lengths: stop with an error (refuse), or cut "
        "all to the shortest (crop). Columns of one table that end early are kept, but not "
        "clustered, unless they are cropped.",
    )
    array: str | None = Field(
        None,
        min_length=1,
        description="For tables: name of the array of traces in a NumPy, HDF5 or MATLAB file that "
        "has several.",
    )
    sheet: str | None = Field(
        None,
        min_length=1,
        description="For tables: name of the sheet of an Excel workbook in which several sheets "
        "have numbers.",
    )
    layout: Literal["auto", "rows", "columns"] = Field(
        "auto",
        description="For tables: what a trace is. auto: a column of text and Excel files, a row of "
        "arrays, unless the times show otherwise.",
    )
    decimal: Literal["auto", "point", "comma"] = Field(
        "auto",
        description="For tables: decimal mark of text files. auto: the one that the numbers show.",
    )

    encoding: str = Field(
        "auto",
        description="For tables: encoding of text files, such as latin-1, cp1252 or utf-16. auto: "
        "by the byte order mark, else UTF-8.",
    )

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, value: str) -> str:
        require_encoding(value)
        return value

    @field_validator("drift_correction", mode="before")
    @classmethod
    def _read_switch(cls, value: Any) -> Any:
        """Take true and false for on and off."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _ring_encloses_box(self) -> TracesSettings:
        if self.ring_outer_px <= self.ring_inner_px:
            raise ValueError(
                f"ring_outer_px ({self.ring_outer_px}) must be larger than "
                f"ring_inner_px ({self.ring_inner_px})"
            )
        return self
