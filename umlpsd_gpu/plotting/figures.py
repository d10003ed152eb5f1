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
from umlpsd_gpu.plotting.style import DrawnFigure, house_style, render, render_pickled

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
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Any], Figure]
    is_slow: bool = False


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
    drawn: dict[str, Rendered] = {}
    with house_style():
        for name, rendered in _render_all(plans, shown, pool):
            drawn[name] = rendered
            report("figures", len(drawn), len(plans))
    return tuple(DrawnFigure(p.name, p.title, p.caption, *drawn[p.name]) for p in plans)


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
) -> Iterator[tuple[str, Rendered]]:
    """Yield name and files of each figure as soon as it is drawn."""
    if pool is None:
        for plan in plans:
            yield plan.name, render(plan.draw(shown))
        return
    figures: dict[str, Figure] = {}
    futures: dict[str, Future[Rendered]] = {}
    for plan in sorted(plans, key=lambda plan: not plan.is_slow):
        figures[plan.name] = plan.draw(shown)
        futures[plan.name] = _submit(pool, figures[plan.name])
    for name, future in futures.items():
        if future.cancel():
            yield name, render(figures[name])
    for name, future in futures.items():
        if not future.cancelled():
            yield name, _result_or_render(future, figures[name])


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
