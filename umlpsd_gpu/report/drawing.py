"""Figures and documents of a result, drawn by other processes while this one does something else.

The processes receive the result and draw from it, so that this one needn't import matplotlib.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.compute.context import report_nothing
from umlpsd_gpu.plotting.drawn_figure import DrawnFigure

# A larger result is not copied to other processes: this one draws, and they render
MOST_BYTES_SENT = 32 * 2**20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Drawn:
    """The figures and documents of a result.

    Attributes
    ----------
    figures : tuple of DrawnFigure
    documents : dict of str to bytes
        Name and content of each file that `Analysis.write_documents` writes.
    """

    figures: tuple[DrawnFigure, ...]
    documents: dict[str, bytes]


def draw_result(
    result: Any, progress: Progress | None = None, pool: Executor | None = None
) -> Drawn:
    """Draw all figures and documents of a result.

    Parameters
    ----------
    result : Result
    progress, pool
        As in `umlpsd_gpu.report.write_report.write_report`.

    Returns
    -------
    Drawn
    """
    return begin_drawing(result, progress, pool)()


def begin_drawing(
    result: Any, progress: Progress | None = None, pool: Executor | None = None
) -> Callable[[], Drawn]:
    """Let other processes begin to draw the figures and documents of a result.

    Parameters
    ----------
    result, progress, pool
        As in `draw_result`.

    Returns
    -------
    callable
        Waits for the processes and returns what is drawn. Without processes it draws here.
    """
    told = progress or report_nothing
    packed = _pack(result) if pool is not None else None
    if pool is None or packed is None:
        return lambda: _draw_here(result, told, pool)
    try:
        planned = pool.submit(list_figures, packed).result()
        documents: Future[dict[str, bytes]] | None = None
        if any(plan.is_kept for plan in planned):
            documents = pool.submit(draw_documents, packed)
        order = sorted(range(len(planned)), key=lambda number: not planned[number].is_slow)
        begun = {number: pool.submit(draw_figure, packed, number) for number in order}
    except BrokenExecutor:
        return lambda: _draw_here(result, told, None)

    def finish() -> Drawn:
        drawn: list[DrawnFigure] = []
        told("figures", 0, len(planned))
        try:
            for number, plan in enumerate(planned):
                png, svg = begun[number].result()
                drawn.append(replace(plan.figure, png=png, svg=svg))
                told("figures", len(drawn), len(planned))
            return Drawn(tuple(drawn), documents.result() if documents else {})
        except BrokenExecutor:  # a process was killed, perhaps for its memory
            return _draw_here(result, told, None)

    return finish


@dataclass(frozen=True)
class PlannedFigure:
    """What this process needs to know of a figure that others draw.

    Attributes
    ----------
    figure : DrawnFigure
        Without its files.
    is_slow, is_kept : bool
        As in `umlpsd_gpu.plotting.figures.FigurePlan`.
    """

    figure: DrawnFigure
    is_slow: bool
    is_kept: bool


def list_figures(packed: bytes) -> list[PlannedFigure]:
    """Return the figures of a packed result; a task of a drawing process.

    Parameters
    ----------
    packed : bytes

    Returns
    -------
    list of PlannedFigure
    """
    result = pickle.loads(packed)
    return [
        PlannedFigure(
            DrawnFigure(plan.name, plan.title, plan.caption, b"", b""), plan.is_slow, plan.is_kept
        )
        for plan in get_analysis(result.analysis).figures(result)
    ]


def draw_figure(packed: bytes, number: int) -> tuple[bytes, bytes]:
    """Draw one figure of a packed result; a task of a drawing process.

    Parameters
    ----------
    packed : bytes
    number : int
        Among the figures of `list_figures`.

    Returns
    -------
    png, svg : bytes
    """
    from umlpsd_gpu.plotting.style import house_style, render

    result = pickle.loads(packed)
    plan = list(get_analysis(result.analysis).figures(result))[number]
    with house_style():
        return render(plan.draw(result))


def draw_documents(packed: bytes) -> dict[str, bytes]:
    """Draw the documents of a packed result; a task of a drawing process.

    Parameters
    ----------
    packed : bytes

    Returns
    -------
    dict of str to bytes
    """
    from umlpsd_gpu.plotting.style import house_style, lay_out

    result = pickle.loads(packed)
    kept = []
    with house_style():
        for plan in get_analysis(result.analysis).figures(result):
            if plan.is_kept:
                figure = plan.draw(result)
                lay_out(figure)
                kept.append(DrawnFigure(plan.name, plan.title, plan.caption, b"", b"", figure))
    return _written_documents(result, kept)


def _draw_here(result: Any, progress: Progress, pool: Executor | None) -> Drawn:
    # matplotlib takes half a second to import
    from umlpsd_gpu.plotting.figures import draw_figures

    figures = draw_figures(get_analysis(result.analysis).figures(result), result, progress, pool)
    return Drawn(figures, _written_documents(result, figures))


def _written_documents(result: Any, figures: Sequence[DrawnFigure]) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        get_analysis(result.analysis).write_documents(result, figures, Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _pack(result: Any) -> bytes | None:
    """Return a result for other processes; None if it is large, or holds what can't be sent."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
        n_bytes = sum(buffer.raw().nbytes for buffer in buffers)
        return pickle.dumps(result, protocol=5) if n_bytes <= MOST_BYTES_SENT else None
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
