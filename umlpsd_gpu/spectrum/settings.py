"""How power spectra are estimated and fitted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.settings import Section


class SpectrumSettings(Section):
    """Settings of spectra and fits."""

    section: ClassVar[str] = "spectrum"

    method: Literal["periodogram", "welch", "log_welch"] = Field(
        "log_welch", description="Estimator of the power spectral density S(f)."
    )
    f_min_hz: float | None = Field(
        None,
        ge=0,
        description="Lowest frequency of the fit, in Hz; 0: the lowest of the spectrum. Default: "
        "three periods in a window.",
    )
    f_max_hz: float | None = Field(
        None,
        gt=0,
        description="Highest frequency of the fit, in Hz. Default: 0.4 times the frame rate.",
    )
    model: Literal["power_law", "power_law_floor", "power_law_knee", "auto"] = Field(
        "power_law",
        description="Model of S(f): power law A f^-β; power law and white noise floor; the same "
        "with a knee, below which S(f) is constant; auto: the model that fits each trace best.",
    )
    fitting: Literal["least_squares", "whittle"] | None = Field(
        None,
        description="Fit by least squares of ln S on ln f (power_law only) or by Whittle's maximum "
        "likelihood. Default: least_squares for power_law, whittle for the other models.",
    )
