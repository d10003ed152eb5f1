"""The figures of a study of particles, in the order of its report."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.particles.figures import (
    gallery,
    overlay,
    shape_parameters,
    size_histograms,
)
from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.plotting.figures import FigurePlan


def figures_of(study: ParticleStudy) -> Iterator[FigurePlan]:
    """Yield the figures of a study.

    Parameters
    ----------
    study : ParticleStudy

    Yields
    ------
    FigurePlan
    """
    yield FigurePlan(
        "particles", overlay.TITLE, overlay.caption(study), overlay.draw_overlay, is_slow=True
    )
    yield FigurePlan(
        "sizes",
        size_histograms.TITLE,
        size_histograms.CAPTION,
        size_histograms.draw_size_histograms,
    )
    if study.classes.k > 1:
        yield FigurePlan("classes", gallery.TITLE, gallery.CAPTION, gallery.draw_gallery)
    if shape_parameters.shown_rows(study).size:
        yield FigurePlan(
            "shapes",
            shape_parameters.TITLE,
            shape_parameters.CAPTION,
            shape_parameters.draw_shape_parameters,
        )
