"""The figures of a study, in the order of the report."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import NamedTuple

from matplotlib.figure import Figure

from umlpsd_gpu.analyses.blinking.figures import (
    images,
    maps,
    pearson,
    profiles,
    spectra,
    trajectories,
)
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting.style import DrawnFigure, house_style, render, render_pickled

Rendered = tuple[bytes, bytes]

# of 400 pixels of 6,000 frames at 11 scales they take 1.6 and 0.9 s, each of the others up to 0.5 s
SLOWEST = "trajectories", "metric_profiles"


class _Plan(NamedTuple):
    name: str
    title: str
    caption: str
    draw: Callable[[Study], Figure]


def draw_figures(
    study: Study,
    progress: Callable[[str, int, int], None] | None = None,
    pool: Executor | None = None,
) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a study as PNG and SVG; the same study gives the same bytes.

    Parameters
    ----------
    study : Study
        Without movies (imported traces) there is no image to draw, and that figure is left out.
    progress : callable, optional
        Told ``("figures", n_done, n_figures)`` before the first and after each figure.
    pool : concurrent.futures.Executor, optional
        Processes (matplotlib bears no threads) that draw beside the caller. What none of them has
        begun with, or they can't draw because they were killed, the caller draws.
    """
    plans = list(_plans(study))
    tell = progress or (lambda step, n_done, n_total: None)
    tell("figures", 0, len(plans))
    found: dict[str, Rendered] = {}
    with house_style():
        for name, rendered in _rendered(study, plans, pool):
            found[name] = rendered
            tell("figures", len(found), len(plans))
    return tuple(DrawnFigure(p.name, p.title, p.caption, *found[p.name]) for p in plans)


def _plans(study: Study) -> Iterator[_Plan]:
    yield _Plan("metric_profiles", profiles.TITLE, profiles.CAPTION, profiles.draw_profiles)
    yield _Plan(
        "trajectories", trajectories.TITLE, trajectories.CAPTION, trajectories.draw_trajectories
    )
    yield _Plan("power_spectra", spectra.PSD_TITLE, spectra.PSD_CAPTION, spectra.draw_psd)
    yield _Plan("exponents", spectra.BETA_TITLE, spectra.BETA_CAPTION, spectra.draw_betas)
    if study.movies:
        yield _Plan("images", images.TITLE, images.caption(study), images.draw_images)
    if study.maps:
        yield _Plan("maps", maps.TITLE, maps.caption(study.maps), maps.draw_maps)
        yield _Plan("pearson", pearson.TITLE, pearson.caption(study.maps), pearson.draw_pearson)


def _rendered(
    study: Study, plans: Sequence[_Plan], pool: Executor | None
) -> Iterator[tuple[str, Rendered]]:
    """Yield each figure's name and files as soon as they are there."""
    if pool is None:
        for plan in plans:
            yield plan.name, render(plan.draw(study))
        return
    figures: dict[str, Figure] = {}
    futures: dict[str, Future[Rendered]] = {}
    for plan in sorted(plans, key=_rank):
        figures[plan.name] = plan.draw(study)
        futures[plan.name] = _submitted(pool, figures[plan.name])
    for name, future in futures.items():
        if future.cancel():
            yield name, render(figures[name])
    for name, future in futures.items():
        if not future.cancelled():
            yield name, _drawn_elsewhere(future, figures[name])


def _rank(plan: _Plan) -> int:
    """Return the place in line: one slow figure at the end would be waited for alone."""
    return SLOWEST.index(plan.name) if plan.name in SLOWEST else len(SLOWEST)


def _submitted(pool: Executor, figure: Figure) -> Future[Rendered]:
    try:
        return pool.submit(render_pickled, pickle.dumps(figure))
    except BrokenExecutor:
        return Future()  # that nobody has begun with


def _drawn_elsewhere(future: Future[Rendered], figure: Figure) -> Rendered:
    try:
        return future.result()
    except BrokenExecutor:
        return render(figure)
