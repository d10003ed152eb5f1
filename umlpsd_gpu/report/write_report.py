"""Write a result folder with data files, figures and report, atomically."""

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
    """Write data files, figures, report.html and methods of a result atomically.

    Parameters
    ----------
    result : Result
        A `Study`, or the result of another analysis.
    folder : path
        Missing or empty; with ``overwrite`` also a result folder, which is replaced.
    overwrite : bool
        Whether an existing result is replaced.
    progress : callable, optional
        Called with ``("figures", n_done, n_figures)``.
    extras : callable, optional
        Takes the temporary folder (Path) and writes further files into it.
    pool : concurrent.futures.Executor, optional
        Processes that help to draw (`umlpsd_gpu.plotting.drawing_pool.drawing_pool`). By default
        this process draws all figures.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        If the folder can't be written, holds other files, or the disk is full.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from umlpsd_gpu import Settings, run_study, write_report
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=600).traces
    >>> quick = {"preprocess.scales": ["W20"], "sweep.k_max": 3, "sweep.n_epochs": 10}
    >>> study = run_study(traces, Settings().with_values(quick))
    >>> with TemporaryDirectory() as folder:
    ...     written = write_report(study, f"{folder}/study")
    ...     sorted(path.name for path in written.iterdir())[1:4]
    ['methods.txt', 'references.bib', 'report.html']
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
    """Draw all figures of a result.

    Parameters
    ----------
    result : Result
    progress, pool
        As in `write_report`.

    Returns
    -------
    tuple of DrawnFigure
    """
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
    """Write a result folder with figures that are already drawn.

    The same figures and a result without timings give the same bytes.

    Parameters
    ----------
    result : Result
    figures : sequence of DrawnFigure
        From `draw_result`.
    folder, overwrite, extras
        As in `write_report`.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputError
        As in `write_report`.
    """
    from umlpsd_gpu.analyses.methods.methods import write_methods
    from umlpsd_gpu.plotting.figures import write_figures
    from umlpsd_gpu.report.page import render_page

    html, analysis = render_page(result, figures), get_analysis(result.analysis)

    def add_report(partial: Path) -> None:
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        write_figures(figures, partial)
        write_methods(analysis.methods(result), partial)
        analysis.write_documents(result, figures, partial)
        if extras is not None:
            extras(partial)

    return save_result(result, folder, overwrite, extras=add_report)
