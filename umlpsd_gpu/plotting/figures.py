"""Draw planned figures as PNG and SVG, in this process and in others."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from umlpsd_gpu.compute.context import report_nothing
from umlpsd_gpu.plotting.style import DrawnFigure, house_style, lay_out, render, render_pickled

Rendered = tuple[bytes, bytes]


@dataclass(frozen=True)
class FigurePlan:
    """A figure that is not drawn yet.

    Attributes
    ----------
    name : str
        File name without suffix.
    title, caption : str
    draw : callable
        Takes the result (or other values) to show; returns a matplotlib figure.
    is_slow : bool
        Slow figures are drawn first, so that the others are drawn at the same time.
    is_kept : bool
        The matplotlib figure is kept, for a report in another format.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Any], Figure]
    is_slow: bool = False
    is_kept: bool = False


def draw_figures(
    plans: Sequence[FigurePlan],
    shown: Any,
    progress: Callable[[str, int, int], None] | None = None,
    pool: Executor | None = None,
) -> tuple[DrawnFigure, ...]:
    """Draw figures as PNG and SVG; the same plans and values give the same bytes.

    Parameters
    ----------
    plans : sequence of FigurePlan
    shown : object
        Argument of ``draw`` of every plan.
    progress : callable, optional
        Called with ``("figures", n_done, n_figures)`` before the first and after each figure.
    pool : concurrent.futures.Executor, optional
        Processes that help to draw (matplotlib can't draw in threads). This process draws the
        figures that no other has started, or that are lost because another was killed.

    Returns
    -------
    tuple of DrawnFigure
        In the order of the plans.
    """
    report = progress or report_nothing
    report("figures", 0, len(plans))
    drawn: dict[str, DrawnFigure] = {}
    with house_style():
        for plan, figure, rendered in _render_all(plans, shown, pool):
            kept = figure if plan.is_kept else None
            drawn[plan.name] = DrawnFigure(plan.name, plan.title, plan.caption, *rendered, kept)
            report("figures", len(drawn), len(plans))
    return tuple(drawn[plan.name] for plan in plans)


def write_figures(figures: Sequence[DrawnFigure], folder: Path) -> None:
    """Write figures as PNG and SVG.

    Parameters
    ----------
    figures : sequence of DrawnFigure
    folder : Path
        They are written into its subfolder ``figures``, which must not exist.
    """
    (folder / "figures").mkdir()
    for figure in figures:
        (folder / f"figures/{figure.name}.png").write_bytes(figure.png)
        (folder / f"figures/{figure.name}.svg").write_bytes(figure.svg)


def _render_all(
    plans: Sequence[FigurePlan], shown: Any, pool: Executor | None
) -> Iterator[tuple[FigurePlan, Figure, Rendered]]:
    """Yield each figure and its files as soon as it is drawn."""
    if pool is None:
        for plan in plans:
            figure = plan.draw(shown)
            yield plan, figure, render(figure)
        return
    begun: list[tuple[FigurePlan, Figure, Future[Rendered]]] = []
    for plan in sorted(plans, key=lambda plan: not plan.is_slow):
        figure = plan.draw(shown)
        if plan.is_kept:
            lay_out(figure)
        begun.append((plan, figure, _submit(pool, figure)))
    for plan, figure, future in begun:
        if future.cancel():
            yield plan, figure, render(figure)
    for plan, figure, future in begun:
        if not future.cancelled():
            yield plan, figure, _result_or_render(future, figure)


def _submit(pool: Executor, figure: Figure) -> Future[Rendered]:
    try:
        return pool.submit(render_pickled, pickle.dumps(figure))
    except BrokenExecutor:
        return Future()  # not started, so this process draws the figure


def _result_or_render(future: Future[Rendered], figure: Figure) -> Rendered:
    try:
        return future.result()
    except BrokenExecutor:
        return render(figure)
