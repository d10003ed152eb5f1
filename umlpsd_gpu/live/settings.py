"""How a movie is followed while it is recorded. None of it changes the final study."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from umlpsd_gpu.settings import Section


class LiveSettings(Section):
    """How a movie is followed while it is recorded; the final study depends on none of it."""

    section: ClassVar[str] = "live"

    update_s: float = Field(
        1.0, gt=0, le=60, description="Time between two updates of page and log, in seconds."
    )
    first_frames: int = Field(
        300, ge=2, description="Frames from which emitters are first detected."
    )
    scales: tuple[str, ...] = Field(
        ("W10", "W20", "W40", "W80", "W200"),
        min_length=1,
        description="Smoothing scales of the decisions during the recording.",
    )
    k_max: int = Field(10, ge=2, le=100, description="Largest K during the recording.")
    n_epochs: int = Field(20, ge=1, description="Epochs for each K during the recording.")
    n_resamples: int = Field(
        10, ge=2, multiple_of=2, description="Random halves of the traces during the recording."
    )
    max_samples: int = Field(
        16_384,
        ge=1024,
        description="Samples kept of each trace during the recording; neighbouring ones are "
        "averaged when there would be more.",
    )
    max_pixels: int = Field(
        2304, ge=3, description="Largest number of pixels that are followed with --traces pixels."
    )
    enough_s: float = Field(
        60.0,
        gt=0,
        description="The data are called enough if the decision on K has not changed for this "
        "time, in seconds.",
    )
    idle_s: float = Field(
        120.0,
        gt=0,
        description="The recording has ended if no frame came for this time, in seconds.",
    )
