"""How power spectra are estimated and fitted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.settings import Section


class SpectrumSettings(Section):
    """Settings of spectra and fits."""

    section: ClassVar[str] = "spectrum"

    method: Literal["periodogram", "welch", "log_welch"] = Field(
        "log_welch", description="Estimator of the power spectral density."
    )
    f_min_hz: float | None = Field(
        None,
        ge=0,
        description="Low end of the fit; default: three periods in a window. 0: the lowest.",
    )
    f_max_hz: float | None = Field(
        None, gt=0, description="High end of the fit; default: 0.4 of the frame rate."
    )
    model: Literal["power_law", "power_law_floor", "power_law_knee", "auto"] = Field(
        "power_law",
        description="A f^-β; with a white (shot-noise) floor C; with a knee below which the "
        "spectrum is level, and a floor; or whichever of them suits a trace.",
    )
    fitting: Literal["least_squares", "whittle"] | None = Field(
        None,
        description="Least squares of ln S on ln f (of power_law only), or greatest likelihood. "
        "Not given: least squares for power_law, likelihood for the others.",
    )
