"""The whole study folder: data files, figures and report, moved into place in one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from umlpsd_gpu.analyses.blinking.files import save_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.storage.result_folder import check_output

if TYPE_CHECKING:
    from umlpsd_gpu.plotting.style import DrawnFigure


def write_report(
    study: Study,
    folder: str | Path,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    extras: Callable[[Path], None] | None = None,
    pool: Executor | None = None,
) -> Path:
    """Write data files, figures and report.html; the folder is whole or not there.

    Parameters
    ----------
    study, folder, overwrite
        As for `save_study`.
    progress : callable, optional
        Told ``("figures", n_done, n_figures)``.
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
    # matplotlib takes half a second to import
    from umlpsd_gpu.analyses.blinking.figures.plans import draw_figures

    check_output(folder, overwrite)
    start = time.perf_counter()
    figures = draw_figures(study, progress, pool)
    timings_s = {**study.timings_s, "figures": time.perf_counter() - start}
    return write_drawn(replace(study, timings_s=timings_s), figures, folder, overwrite, extras)


def write_drawn(
    study: Study,
    figures: Sequence[DrawnFigure],
    folder: str | Path,
    overwrite: bool = False,
    extras: Callable[[Path], None] | None = None,
) -> Path:
    """Write a study folder with figures that are drawn already; else as `write_report`.

    A study without timings and the same figures give the same bytes.
    """
    from umlpsd_gpu.report.page import render_html

    html = render_html(study, figures)

    def add_report(partial: Path) -> None:
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        (partial / "figures").mkdir()
        for figure in figures:
            (partial / f"figures/{figure.name}.png").write_bytes(figure.png)
            (partial / f"figures/{figure.name}.svg").write_bytes(figure.svg)
        if extras is not None:
            extras(partial)

    return save_study(study, folder, overwrite, extras=add_report)
