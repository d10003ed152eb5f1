"""Write a result folder with data files, figures and report, atomically."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.saving import save_result
from umlpsd_gpu.plotting.drawn_figure import write_figures
from umlpsd_gpu.report.drawing import Drawn, begin_drawing
from umlpsd_gpu.storage.result_folder import check_output


def write_report(
    result: Any,
    folder: str | Path,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    extras: Callable[[Path], None] | None = None,
    pool: Executor | None = None,
) -> Path:
    """Write data files, figures and report.html of a result atomically.

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
    ['report.html', 'settings.toml', 'study.h5']
    """
    check_output(folder, overwrite)
    start = time.perf_counter()
    finish_drawing = begin_drawing(result, progress, pool)
    timed = replace(result, timings_s=dict(result.timings_s))

    def finish() -> Drawn:
        drawn = finish_drawing()
        timed.timings_s["figures"] = time.perf_counter() - start
        return drawn

    return write_drawn(timed, finish, folder, overwrite, extras)


def write_drawn(
    result: Any,
    finish_drawing: Callable[[], Drawn],
    folder: str | Path,
    overwrite: bool = False,
    extras: Callable[[Path], None] | None = None,
) -> Path:
    """Write a result folder with figures that are being drawn.

    The same result without timings gives the same bytes.

    Parameters
    ----------
    result : Result
    finish_drawing : callable
        From `begin_drawing`; called after the data files are written.
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
    from umlpsd_gpu.report.page import render_page

    def add_report(partial: Path) -> None:
        drawn = finish_drawing()
        html = render_page(result, drawn.figures)
        (partial / "report.html").write_text(html, encoding="utf-8", errors="replace")
        write_figures(drawn.figures, partial)
        for name, content in drawn.documents.items():
            (partial / name).write_bytes(content)
        if extras is not None:
            extras(partial)

    return save_result(result, folder, overwrite, extras=add_report)
