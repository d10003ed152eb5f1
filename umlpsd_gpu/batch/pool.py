"""Pooling: all finished results of a batch are analysed as one ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis, StoredResult
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.batch.folder import STUDY, BatchFolder
from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.movie_state import find_required_result, read_movie_state
from umlpsd_gpu.compute.context import Context, Progress, report_nothing
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.result_folder import check_output

ON_GPUS = "The sweeps ran on GPUs of Dask's workers, everything else on the CPU."


def find_finished_results(out: str | Path) -> list[StoredResult]:
    """Return the finished results of a batch, in the order of its manifest.

    Results that are out of date are left out.

    Parameters
    ----------
    out : path
        Folder of the batch.

    Returns
    -------
    list of StoredResult

    Raises
    ------
    SettingsError
        If no result is finished.
    """
    folder, manifest = BatchFolder.at(out), read_manifest(out)
    device = manifest.settings.device
    parts = [
        StoredResult(entry.name, folder.result(entry.id) / STUDY)
        for entry in manifest.movies
        if read_movie_state(folder, entry, find_required_result(manifest, entry, device)).state
        == "done"
    ]
    if not parts:
        raise SettingsError(
            f"no result of {folder.root} is finished; 'umlpsd batch run {out}' computes them"
        )
    return parts


def pool_batch(
    out: str | Path,
    pooled: str | Path,
    settings: AnalysisSettings | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    cluster: DaskOptions | None = None,
    n_workers: int | None = None,
) -> Any:
    """Analyse the pooled results of a batch as one ensemble and write a result folder.

    Parameters
    ----------
    out : path
        Folder of the batch.
    pooled : path
        Result folder to write, with a table of the clusters of each input.
    settings : AnalysisSettings, optional
        By default those of the manifest.
    overwrite : bool
        Replace an existing result.
    progress : callable, optional
        Called with (step, done, total).
    cluster : DaskOptions, optional
        Dask's workers run the sweeps, each on ``settings.device``; the rest runs here on the CPU.
        On CPUs the result is bit-identical with and without Dask.
    n_workers : int, optional
        Processes of a cluster on this machine. Default: one per core as far as memory allows.

    Returns
    -------
    Result
        Of the analysis; also written to ``pooled``.

    Raises
    ------
    UmlpsdError
        As `find_finished_results`, the analysis' `open_pooled` and `run`, and
        `umlpsd_gpu.batch.launchers.dask_sweeps.dask_sweeps`.
    """
    from umlpsd_gpu.report.write_report import write_report

    check_output(pooled, overwrite)
    settings = settings or read_manifest(out).settings
    analysis = get_analysis(settings.analysis)
    parts = find_finished_results(out)
    if cluster is None:
        context = Context(analysis.device_of(settings), progress or report_nothing)
        result = analysis.run(analysis.open_pooled(parts, settings), settings, context)
    else:
        result = _sweep_on_dask(out, analysis, parts, settings, progress, cluster, n_workers)
    tables = partial(analysis.write_pooled_tables, result)
    write_report(result, pooled, overwrite, progress, tables)
    return result


def _sweep_on_dask(
    out: str | Path,
    analysis: Analysis[Any, Any],
    parts: Sequence[StoredResult],
    settings: AnalysisSettings,
    progress: Progress | None,
    cluster: DaskOptions,
    n_workers: int | None,
) -> Any:
    from umlpsd_gpu.batch.launchers.dask_sweeps import dask_sweeps

    size = analysis.pooled_size(parts, settings)
    # the cluster first: its problems must not show up only after hours of reading, and its jobs
    # can wait in their queue meanwhile
    with dask_sweeps(out, size, settings, cluster, n_workers) as sweeps:
        context = Context("cpu", progress or report_nothing, run_jobs=sweeps)
        result = analysis.run(analysis.open_pooled(parts, settings), settings, context)
    return replace(result, notes=(*result.notes, ON_GPUS)) if sweeps.device == "gpu" else result
