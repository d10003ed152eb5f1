"""Run an analysis and write its folder, as ``umlpsd run`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.compute.context import Progress, report_nothing


def run_and_write(
    analysis: Analysis[Any, Any],
    source: Any,
    settings: Any,
    folder: str | Path,
    overwrite: bool = False,
    progress: Progress = report_nothing,
) -> tuple[Any, Path]:
    """Run an analysis, and write its result with figures and report.

    Parameters
    ----------
    analysis : Analysis
    source : object
        What ``analysis.open`` returned.
    settings : AnalysisSettings
    folder : path
        See `umlpsd_gpu.report.write_report.write_report`.
    overwrite : bool
        Whether an existing result is replaced.
    progress : callable
        Called with (step, done, total).

    Returns
    -------
    result : Result
    written : Path
        The folder, absolute.

    Raises
    ------
    UmlpsdError
        As ``analysis.run``; or if the folder can't be written.
    """
    from umlpsd_gpu.compute.backend import n_cores
    from umlpsd_gpu.compute.context import Context
    from umlpsd_gpu.plotting.drawing_pool import MOST_DRAWERS, drawing_pool
    from umlpsd_gpu.report.write_report import write_report

    device = analysis.device_of(settings)
    n_drawers = min(settings.n_threads or n_cores(), MOST_DRAWERS)
    with drawing_pool(n_drawers - 1) as pool:
        result = analysis.run(source, settings, Context(device, progress))
        written = write_report(result, folder, overwrite, progress, pool=pool)
    return result, written
