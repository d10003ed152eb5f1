"""The figures of a blinking study, in the order of its report."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.blinking.figures import (
    images,
    maps,
    pearson,
    profiles,
    spectra,
    trajectories,
)
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.figures import FigurePlan


def figure_plans(study: Study) -> Iterator[FigurePlan]:
    """Yield the figures of a study.

    Studies of movies have images; studies of the pixels of one movie also have maps.

    Parameters
    ----------
    study : Study

    Yields
    ------
    FigurePlan
    """
    # of 400 pixels of 6,000 frames at 11 scales the slow ones take 0.9 and 1.6 s, others up to 0.5
    yield FigurePlan(
        "metric_profiles", profiles.TITLE, profiles.CAPTION, profiles.draw_profiles, is_slow=True
    )
    yield FigurePlan(
        "trajectories",
        trajectories.TITLE,
        trajectories.CAPTION,
        trajectories.draw_trajectories,
        is_slow=True,
    )
    yield FigurePlan("power_spectra", spectra.PSD_TITLE, spectra.PSD_CAPTION, spectra.draw_psd)
    yield FigurePlan("exponents", spectra.BETA_TITLE, spectra.BETA_CAPTION, spectra.draw_betas)
    if study.movies:
        yield FigurePlan("images", images.TITLE, images.caption(study), images.draw_images)
    if study.maps:
        yield FigurePlan("maps", maps.TITLE, maps.caption(study.maps), maps.draw_maps)
        caption = pearson.caption(study.maps)
        yield FigurePlan("pearson", pearson.TITLE, caption, pearson.draw_pearson)
