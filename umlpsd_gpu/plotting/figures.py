"""Plans of figures → PNG and SVG, drawn by the caller and by helper processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from umlpsd_gpu.plotting.style import DrawnFigure, house_style, render, render_pickled

Rendered = tuple[bytes, bytes]


@dataclass(frozen=True)
class FigurePlan:
    """A figure to draw.

    Attributes
    ----------
    name : str
        File name without extension.
    title, caption : str
    draw : callable
        Takes the object to show and returns a matplotlib figure.
    is_slow : bool
        Whether to draw it first, so that nobody waits for it alone at the end.
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
    """Draw every figure as PNG and SVG; the same plans and values give the same bytes.

    Parameters
    ----------
    plans : sequence of FigurePlan
    shown : object
        Passed to the ``draw`` of every plan.
    progress : callable, optional
        Called with ``("figures", n_done, n_figures)`` before the first and after each figure.
    pool : concurrent.futures.Executor, optional
        Helper processes (matplotlib can't draw in threads). The caller draws the figures that no
        process has started, and those of processes that were killed.

    Returns
    -------
    tuple of DrawnFigure
        In the order of the plans.
    """
    tell = progress or (lambda step, n_done, n_total: None)
    tell("figures", 0, len(plans))
    found: dict[str, Rendered] = {}
    with house_style():
        for name, rendered in _render_all(plans, shown, pool):
            found[name] = rendered
            tell("figures", len(found), len(plans))
    return tuple(DrawnFigure(p.name, p.title, p.caption, *found[p.name]) for p in plans)


def write_figures(figures: Sequence[DrawnFigure], folder: Path) -> None:
    """Write every figure as PNG and SVG into a new folder ``figures``.

    Parameters
    ----------
    figures : sequence of DrawnFigure
    folder : Path
        In which ``figures`` is created.

    Raises
    ------
    FileExistsError
        If ``figures`` exists.
    """
    (folder / "figures").mkdir()
    for figure in figures:
        (folder / f"figures/{figure.name}.png").write_bytes(figure.png)
        (folder / f"figures/{figure.name}.svg").write_bytes(figure.svg)


def _render_all(
    plans: Sequence[FigurePlan], shown: Any, pool: Executor | None
) -> Iterator[tuple[str, Rendered]]:
    """Yield the name and the files of each figure as soon as it is drawn."""
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
        return Future()  # never started


def _result_or_render(future: Future[Rendered], figure: Figure) -> Rendered:
    try:
        return future.result()
    except BrokenExecutor:
        return render(figure)
