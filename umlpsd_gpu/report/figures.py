"""The figures of a study, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matplotlib.figure import Figure

from umlpsd_gpu.report import images, maps, pearson, profiles, spectra, trajectories
from umlpsd_gpu.report.style import DrawnFigure, house_style, render
from umlpsd_gpu.study.result import Study

Draw = Callable[[Study], Figure]


def draw_figures(
    study: Study, progress: Callable[[str, int, int], None] | None = None
) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a study as PNG and SVG; the same study gives the same bytes.

    Parameters
    ----------
    study : Study
        Without movies (imported traces) there is no image to draw, and that figure is left out.
    progress : callable, optional
        Told ``("figures", n_done, n_figures)`` before the first and after each figure.
    """
    plans = list(_plans(study))
    tell = progress or (lambda step, n_done, n_total: None)
    tell("figures", 0, len(plans))
    drawn = []
    with house_style():
        for name, title, caption, draw in plans:
            drawn.append(DrawnFigure(name, title, caption, *render(draw(study))))
            tell("figures", len(drawn), len(plans))
    return tuple(drawn)


def _plans(study: Study) -> Iterator[tuple[str, str, str, Draw]]:
    yield "metric_profiles", profiles.TITLE, profiles.CAPTION, profiles.draw_profiles
    yield "trajectories", trajectories.TITLE, trajectories.CAPTION, trajectories.draw_trajectories
    yield "power_spectra", spectra.PSD_TITLE, spectra.PSD_CAPTION, spectra.draw_psd
    yield "exponents", spectra.BETA_TITLE, spectra.BETA_CAPTION, spectra.draw_betas
    if study.movies:
        yield "images", images.TITLE, images.caption(study), images.draw_images
    if study.maps:
        yield "maps", maps.TITLE, maps.caption(study.maps), maps.draw_maps
        yield "pearson", pearson.TITLE, pearson.caption(study.maps), pearson.draw_pearson
