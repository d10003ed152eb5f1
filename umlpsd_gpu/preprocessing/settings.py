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
    """Settings of smoothing traces before they are clustered."""

    section: ClassVar[str] = "preprocess"

    scales: tuple[str, ...] = Field(
        PAPER_SCALES,
        min_length=1,
        description="Smoothing scales to try: 'raw', 'W80' (80 frames per bin), 'WL6' (DWT level).",
    )
    wavelet: str = Field("db4", description="PyWavelets name of the wavelet.")
    wavelet_mode: str = Field("symmetric", description="PyWavelets signal extension mode.")
    min_bins: int = Field(
        20, ge=2, description="Scales that leave fewer independent samples are skipped."
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
            raise ValueError(
                f"'{mode}' is not a mode of PyWavelets; choose from {', '.join(pywt.Modes.modes)}"
            )
        return mode
