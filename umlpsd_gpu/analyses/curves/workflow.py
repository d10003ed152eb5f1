"""The whole analysis: map of curves → conditioned curves → clusters and quantities → CurveStudy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.describe import FEWEST_CURVES
from umlpsd_gpu.analyses.curves.quantities.quantities import curve_quantities
from umlpsd_gpu.analyses.curves.representations import represent_curves
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.curves.settings import CurveSettings
from umlpsd_gpu.analyses.curves.source import CurveSource, open_source
from umlpsd_gpu.clustering.cluster import Clustering, cluster
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.clustering.notes import budget_notes, outlier_notes
from umlpsd_gpu.clustering.small_clusters import (
    call_small_clusters_outliers,
    list_group_notes,
)
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.context import Context, Progress, RunJobs
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.progress import choose_progress
from umlpsd_gpu.compute.transfer import uploaded
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.keywords import settings_from_keywords, show_settings
from umlpsd_gpu.maps.neighbours import neighbour_pairs

# Points of a sweep that are clustered: of 7,000 curves 256 take 65 s of a processor, 128 take 45 s,
# with the same clusters
MOST_POINTS = 128


@show_settings(CurveSettings)
def run_curves(
    source: CurveMap | str | Path | Sequence[str | Path],
    settings: CurveSettings | None = None,
    progress: Progress | None = None,
    run_sweeps: RunJobs | None = None,
    **values: Any,
) -> CurveStudy:
    """Analyse a map of curves.

    Parameters
    ----------
    source : CurveMap, file, or sequence of files
        As `read_curves` takes or returns.
    settings : CurveSettings, optional
    progress : callable, optional
        Called with (step, done, total). Default: bars in a notebook, nothing elsewhere.
    run_sweeps : callable, optional
        Runs the sweeps elsewhere, as on a cluster; see `run_study`.
    **values
        Single settings by name, which replace those of ``settings``: ``temperature_k=77``.

    Returns
    -------
    CurveStudy
        Decision on K, clusters, conditioned curves, and quantities of every curve.

    Raises
    ------
    UmlpsdError
        If the curves can't be read or conditioned, or fewer than 3 can be clustered.

    Examples
    --------
    >>> from umlpsd_gpu import run_curves
    >>> from umlpsd_gpu.analyses.curves.curve_map import CurveMap
    >>> from umlpsd_gpu.simulate.curves import simulate_curves
    >>> map = simulate_curves(n_rows=12, n_cols=12, n_grains=3, n_points=64)
    >>> curves = CurveMap(map.bias, map.current, shape=map.shape, positions=map.positions)
    >>> study = run_curves(curves, k_max=4, n_epochs=10)
    >>> study.clustering.labels.shape
    (144,)
    """
    chosen = settings_from_keywords(settings or CurveSettings(), values, "run_curves")
    device = device_of(chosen) if run_sweeps is None else "cpu"
    context = Context(device, choose_progress(progress), run_jobs=run_sweeps)
    if isinstance(source, CurveMap):
        return analyse(source, chosen, context)
    names = [source] if isinstance(source, str | os.PathLike) else list(source)
    return analyse(open_source([str(name) for name in names], chosen.curves), chosen, context)


def analyse(
    source: CurveSource | CurveMap, settings: CurveSettings, context: Context
) -> CurveStudy:
    """Analyse a map of curves as `run_curves` does, in a given context.

    Parameters
    ----------
    source : CurveSource or CurveMap
    settings : CurveSettings
    context : Context
        Device, progress, clock, and who runs the sweeps.

    Returns
    -------
    CurveStudy

    Raises
    ------
    UmlpsdError
        As `run_curves`.
    """
    with told_when_full():
        with context.clock.timing("read"):
            curves = source.read() if isinstance(source, CurveSource) else source
            # a result does not depend on where its files are
            curves = replace(curves, paths=tuple(Path(path.name) for path in curves.paths))
        if curves.n_curves < FEWEST_CURVES:
            raise TracesError(_too_few(curves, curves.n_curves))
        context.progress("condition", 0, 1)
        with context.clock.timing("condition"):
            conditioned = condition_curves(curves, settings.conditioning)
        context.progress("condition", 1, 1)
        n_usable = int(np.count_nonzero(conditioned.is_usable))
        if n_usable < FEWEST_CURVES:
            raise TracesError(_too_few(curves, n_usable))
        clustering = _cluster(curves, conditioned, settings, context)
        context.progress("quantities", 0, 1)
        with context.clock.timing("quantities"):
            quantities = curve_quantities(conditioned, settings.quantities)
        context.progress("quantities", 1, 1)
        return CurveStudy(
            settings=settings,
            map=curves,
            conditioned=conditioned,
            clustering=clustering,
            quantities=quantities,
            notes=tuple(_list_notes(curves, conditioned, clustering, settings, context.device)),
            timings_s=context.clock.seconds,
            device=context.device,
            versions=recorded_versions(context.device),
        )


def _cluster(
    curves: CurveMap, conditioned: ConditionedCurves, settings: CurveSettings, context: Context
) -> Clustering:
    with context.clock.timing("represent"):
        on_device = _uploaded(conditioned) if context.device == "gpu" else conditioned
        representations = {
            name: average_columns(matrix, curves.n_points, len(curves.current))
            for name, matrix in represent_curves(on_device, settings.representation.names).items()
        }
    neighbours = neighbouring_curves(curves, conditioned.is_usable)
    found = cluster(representations, settings, context, neighbours=neighbours)
    found = call_small_clusters_outliers(found, settings.sweep.seed)
    return found.spread_over(conditioned.is_usable)


def average_columns(matrix: Array, n_points: int, n_sweeps: int) -> Array:
    """Average neighbouring points of long curves, so that at most 128 are left of each sweep.

    K-means takes as long as there are columns, and neighbouring points of such curves say the same.

    Parameters
    ----------
    matrix : array, shape (n_curves, n_columns)
        NumPy's or CuPy's. Only matrices of ``n_sweeps * n_points`` columns are averaged.
    n_points : int
        Of a curve.
    n_sweeps : int
        Sweeps that stand side by side.

    Returns
    -------
    array, shape (n_curves, n_averaged)
    """
    width = -(-n_points // MOST_POINTS)
    if width == 1 or matrix.shape[1] != n_sweeps * n_points:
        return matrix
    xp = xp_of(matrix)
    starts = range(0, n_points, width)
    blocks = [
        matrix[:, sweep * n_points + start : sweep * n_points + min(start + width, n_points)]
        for sweep in range(n_sweeps)
        for start in starts
    ]
    averaged: Array = xp.stack([block.mean(axis=1) for block in blocks], axis=1)
    return averaged


def neighbouring_curves(curves: CurveMap, is_usable: np.ndarray) -> np.ndarray | None:
    """Return the pairs of clustered curves whose pixels share an edge or a corner.

    Parameters
    ----------
    curves : CurveMap
    is_usable : ndarray, shape (n_curves,), bool
        Which curves are clustered.

    Returns
    -------
    ndarray, shape (n_pairs, 2), int, or None
        Indices among the clustered curves; None for curves without a grid.
    """
    if curves.shape is None:
        return None
    rows, cols = np.divmod(np.flatnonzero(is_usable), curves.shape[1])
    return neighbour_pairs(rows, cols, curves.shape)


def _uploaded(conditioned: ConditionedCurves) -> ConditionedCurves:
    """Return conditioned curves as CuPy arrays."""

    def by_sweep(values: Any) -> dict[str, Any]:
        return {sweep: uploaded(each) for sweep, each in values.items()}

    return replace(
        conditioned,
        bias=uploaded(conditioned.bias),
        current=by_sweep(conditioned.current),
        is_saturated=by_sweep(conditioned.is_saturated),
        noise=uploaded(conditioned.noise),
        is_usable=uploaded(conditioned.is_usable),
        conductance=by_sweep(conditioned.conductance),
    )


def _too_few(curves: CurveMap, n_usable: int) -> str:
    name = f"{curves.paths[0]}: " if curves.paths else ""
    return (
        f"{name}{n_usable} of {curves.n_curves} curve{'s' * (curves.n_curves != 1)} can be "
        f"clustered, and an analysis needs at least {FEWEST_CURVES}; give a map, or several curves"
    )


def _list_notes(
    curves: CurveMap,
    conditioned: ConditionedCurves,
    clustering: Clustering,
    settings: CurveSettings,
    device: str,
) -> Iterator[str]:
    yield from curves.notes
    yield from (f"{note.rstrip('.')}." for note in conditioned.notes)
    n_usable = int(np.count_nonzero(conditioned.is_usable))
    if n_usable <= settings.sweep.k_max:
        yield f"K was only tried up to {n_usable - 1}, because {n_usable} curves were clustered."
    yield from list_group_notes(clustering, conditioned.is_usable, "curves")
    if device == "cpu":
        columns = {sweep.scale: clustering.matrix.shape[1] for sweep in clustering.sweeps}
        yield from budget_notes(clustering.sweeps, columns, settings.sweep.budget_s, items="curves")
    yield from outlier_notes(
        clustering.outliers, "defects or pixels between domains", "curves", "curves.csv"
    )
