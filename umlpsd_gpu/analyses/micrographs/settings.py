"""All settings of an analysis of micrographs: its own section and the shared ones."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from umlpsd_gpu.settings import OF_KMEANS, AnalysisSettings, Section, SweepSettings


class MicrographSettings(Section):
    """How a micrograph is read and cut into windows, and how their spectra are compared."""

    section: ClassVar[str] = "micrograph"

    pixel_size_m: float | None = Field(
        None,
        gt=0,
        description="Side of a pixel, in metres, if the file doesn't say it. Without it, spacings "
        "are in pixels.",
    )
    title: str | None = Field(
        None,
        min_length=1,
        description="Title of the image to read, if a file of a microscope holds several.",
    )
    luminance: bool = Field(
        False, description="Analyse the brightness of a colour image instead of refusing it."
    )
    keep_data_bar: bool = Field(
        False, description="Keep the rows of a data bar at the bottom, which is cut off otherwise."
    )
    window: int = Field(128, ge=16, le=1024, description="Side of a window, in pixels; even.")
    step: int | None = Field(
        None,
        ge=1,
        description="Distance of windows, in pixels. Default: half a window, as published.",
    )
    all_windows: bool = Field(
        False,
        description="Also try windows of half and of twice the size, and compare what is found.",
    )
    k: int | None = Field(
        None,
        ge=1,
        le=20,
        description="Number of local spectra. Default: decided by surrogates.",
    )
    n_phase_surrogates: int = Field(
        8,
        ge=3,
        le=100,
        description="Images with the same spectrum and random phases that the image is compared "
        "with.",
    )
    n_restarts: int = Field(20, ge=1, le=500, description="Starts of the factorisation.")

    @property
    def step_px(self) -> int:
        """Distance of windows, in pixels; int."""
        return self.step or self.window // 2

    @model_validator(mode="after")
    def _window_is_even(self) -> Self:
        if self.window % 2:
            raise ValueError(f"window must be even, got {self.window}")
        if self.step is not None and self.step > self.window:
            raise ValueError(
                f"step ({self.step}) must not be larger than window ({self.window}), or parts of "
                "the image are not seen"
            )
        return self


class MicrographsSettings(AnalysisSettings):
    """All settings of an analysis of micrographs, with the sections of its TOML file.

    Attributes
    ----------
    micrograph : MicrographSettings

    Examples
    --------
    >>> from umlpsd_gpu import MicrographsSettings
    >>> MicrographsSettings().with_values({"micrograph.window": 64}).micrograph.step_px
    32
    """

    analysis: ClassVar[str] = "micrographs"
    without_effect: ClassVar[tuple[str, ...]] = (*AnalysisSettings.without_effect, *OF_KMEANS)

    sweep: SweepSettings = SweepSettings(k_max=8)
    micrograph: MicrographSettings = MicrographSettings()
