"""The whole result folder: data files, figures and report, moved into place in one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import save_result
from umlpsd_gpu.storage.result_folder import check_output

if TYPE_CHECKING:
    from umlpsd_gpu.plotting.style import DrawnFigure


def write_report(
    result: Any,
    folder: str | Path,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    extras: Callable[[Path], None] | None = None,
    pool: Executor | None = None,
) -> Path:
    """Write data files, figures and report.html of any result; the folder is complete or absent.

    Parameters
    ----------
    result : Result
        A `Study`, or the result of another analysis.
    folder : path
        Missing, empty, or with ``overwrite`` a result folder, which is replaced in one step.
    overwrite : bool
    progress : callable, optional
        Called with ``("figures", n_done, n_figures)``.
    extras : callable, optional
        Writes further files into the folder it is given.
    pool : concurrent.futures.Executor, optional
        Processes that draw beside the caller, as
        `umlpsd_gpu.plotting.drawing_pool.drawing_pool` makes them; by default it draws alone.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        If the folder is not ours to write or replace, or the disk is full.
    """
    check_output(folder, overwrite)
    start = time.perf_counter()
    figures = draw_result(result, progress, pool)
    timings_s = {**result.timings_s, "figures": time.perf_counter() - start}
    return write_drawn(replace(result, timings_s=timings_s), figures, folder, overwrite, extras)


def draw_result(
    result: Any,
    progress: Callable[[str, int, int], None] | None = None,
    pool: Executor | None = None,
) -> tuple[DrawnFigure, ...]:
    """Draw every figure of a result; for the parameters see `write_report`."""
    # matplotlib takes half a second to import
    from umlpsd_gpu.plotting.figures import draw_figures

    plans = get_analysis(result.analysis).figures(result)
    return draw_figures(plans, result, progress, pool)


def write_drawn(
    result: Any,
    figures: Sequence[DrawnFigure],
    folder: str | Path,
    overwrite: bool = False,
    extras: Callable[[Path], None] | None = None,
) -> Path:
    """Write a result folder with figures that are drawn already; else as `write_report`.

    A result without timings and the same figures give the same bytes.
    """
    from umlpsd_gpu.plotting.figures import write_figures
    from umlpsd_gpu.report.page import render_page

    html = render_page(result, figures)

    def add_report(partial: Path) -> None:
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        write_figures(figures, partial)
        if extras is not None:
            extras(partial)

    return save_result(result, folder, overwrite, extras=add_report)
