"""On which scales traces are smoothed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from umlpsd_gpu.scale import Scale
from umlpsd_gpu.settings import Section

PAPER_WINDOWS = (10, 20, 25, 40, 50, 80, 100, 125, 200, 250, 400, 500)
PAPER_LEVELS = (3, 4, 5, 6, 7)
PAPER_SCALES = (
    "raw",
    *(f"W{window}" for window in PAPER_WINDOWS),
    *(f"WL{level}" for level in PAPER_LEVELS),
)


class PreprocessSettings(Section):
    """On which scales traces are smoothed."""

    section: ClassVar[str] = "preprocess"

    scales: tuple[str, ...] = Field(
        PAPER_SCALES,
        min_length=1,
        description="Smoothing scales to compare: 'raw', 'W80' (mean of 80 frames) or 'WL6' "
        "(wavelet approximation of level 6).",
    )
    wavelet: str = Field(
        "db4", description="Wavelet, by its name in PyWavelets; the paper names none."
    )
    wavelet_mode: str = Field(
        "symmetric",
        description="How a trace is extended beyond its ends: name of the mode in PyWavelets.",
    )
    min_bins: int = Field(
        20,
        ge=2,
        description="Smallest number of independent samples of a smoothed trace; coarser scales "
        "are skipped.",
    )

    @field_validator("scales")
    @classmethod
    def _each_scale_parses(cls, scales: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(Scale.parse(scale).name for scale in scales))

    @field_validator("wavelet")
    @classmethod
    def _wavelet_is_discrete(cls, wavelet: str) -> str:
        import pywt

        if wavelet not in pywt.wavelist(kind="discrete"):
            raise ValueError(f"'{wavelet}' is not a discrete wavelet of PyWavelets; try 'db4'")
        return wavelet

    @field_validator("wavelet_mode")
    @classmethod
    def _mode_is_known(cls, mode: str) -> str:
        import pywt

        if mode not in pywt.Modes.modes:
            raise ValueError(f"'{mode}' is no mode of PyWavelets: {', '.join(pywt.Modes.modes)}")
        return mode
