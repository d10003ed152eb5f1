"""All settings of an analysis of particles: its own section and the shared ones."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from umlpsd_gpu.images.segmentation.settings import SegmentationSettings
from umlpsd_gpu.settings import AnalysisSettings, Section, SweepSettings


class ParticleSettings(Section):
    """How particles are measured and put into classes."""

    section: ClassVar[str] = "particle"

    nm_per_px: float | None = Field(
        None,
        gt=0,
        description="Side of a pixel, in nanometres, if the files don't say it. Without both, the "
        "analysis stops.",
    )
    bar_nm: float | None = Field(
        None,
        gt=0,
        description="Length that is written at the scale bar in the images, in nanometres; the bar "
        "is found and measured.",
    )
    title: str | None = Field(
        None,
        min_length=1,
        description="Title of the image to read, if a file of a microscope holds several.",
    )
    luminance: bool = Field(
        False, description="Analyse the brightness of a colour image instead of refusing it."
    )
    labels: Path | None = Field(
        None,
        description="Particles corrected by hand: a label TIFF or an ImageJ ROI set, or a folder "
        "of them with the names of the images. They replace what is found.",
    )
    shapes: Literal["pixels", "published", "classifier"] = Field(
        "pixels",
        description="How p, d and L are measured: fitted to the pixels, or by the published neural "
        "network, or by one that classifies d.",
    )
    psf_px: float | None = Field(
        None,
        gt=0,
        le=10,
        description="Standard deviation of the blur, in pixels. Default: measured in each image.",
    )
    features: Literal["shape", "published"] = Field(
        "shape",
        description="What classes are made of: shape, whatever the size; or the published "
        "thirteen features, most of which are sizes.",
    )
    classifier: Path | None = Field(
        None, description="Classifier of an earlier study that gives the classes."
    )
    n_size_resamples: int = Field(
        1000, ge=100, le=100_000, description="Resamples for the intervals of sizes."
    )


class ParticlesSettings(AnalysisSettings):
    """All settings of an analysis of particles, with the sections of its TOML file.

    Attributes
    ----------
    segmentation : SegmentationSettings
    particle : ParticleSettings

    Examples
    --------
    >>> from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
    >>> ParticlesSettings().with_values({"particle.nm_per_px": 0.2}).particle.nm_per_px
    0.2
    """

    analysis: ClassVar[str] = "particles"

    sweep: SweepSettings = SweepSettings(k_max=8)
    segmentation: SegmentationSettings = SegmentationSettings()
    particle: ParticleSettings = ParticleSettings()
