"""The whole analysis: movies or traces → spectra and clusters → Study."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.assembly import (
    compute_maps,
    has_maps,
    list_map_notes,
    neighbouring_pixels,
)
from umlpsd_gpu.analyses.blinking.extract import extract, shape_of
from umlpsd_gpu.analyses.blinking.fitting_scales import (
    select_scales,
    select_scales_by_memory,
    smoothed_traces,
)
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.notes import list_cluster_notes, list_trace_notes
from umlpsd_gpu.analyses.blinking.open import open_sources
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.cluster import Clustering, cluster
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.compute.context import Context, Progress, RunJobs
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.progress import choose_progress
from umlpsd_gpu.compute.transfer import on_host, uploaded
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.decision.outliers import N_COARSE_SAMPLES
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.keywords import settings_from_keywords, show_settings
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.spectrum.clusters import cluster_spectra
from umlpsd_gpu.spectrum.estimators import power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.ranges import trusted_range_hz
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
from umlpsd_gpu.spectrum.settings import SpectrumSettings
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.traces import Traces


@show_settings(Settings)
def run_study(
    source: Movie | Traces | str | Path | Sequence[Movie] | Sequence[Traces] | Sequence[str | Path],
    settings: Settings | None = None,
    progress: Progress | None = None,
    run_sweeps: RunJobs | None = None,
    **values: Any,
) -> Study:
    """Analyse movies or traces as one ensemble.

    Parameters
    ----------
    source : Movie, Traces, file, or sequence of one kind of them
        Several are pooled into one ensemble. A file is a movie or a table of traces.
    settings : Settings, optional
        By default the 18 smoothing scales of the paper, K from 1 to 15, 100 epochs.
    progress : callable, optional
        Called with (step, done, total). Default: bars in a notebook, nothing elsewhere.
    run_sweeps : callable, optional
        Runs the sweeps elsewhere, as on a cluster: takes jobs
        (`umlpsd_gpu.clustering.jobs.RepresentationJob`) and yields their results in order. The rest
        then runs here on the CPU, whatever ``settings.device`` is. By default all runs here.
    **values
        Single settings by name, which replace those of ``settings``: ``seed=1``,
        ``scales=["raw", "W80"]``, ``n_epochs=20``; ``section__name`` where two sections have the
        name. ``help(run_study)`` lists them.

    Returns
    -------
    Study
        Decision on K, clusters, spectra, exponents, and maps for the pixels of one movie.

    Raises
    ------
    MovieError, TracesError
        If no emitter is found, fewer than 3 traces can be clustered, or the frame interval is
        unknown.
    SettingsError
        If no smoothing scale suits the length of the traces, or ``settings`` are no Settings.
    DeviceError
        If the chosen device is missing, or its memory is too small.

    Examples
    --------
    >>> from umlpsd_gpu import Settings, run_study
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 20, "PBB": 20}, n_frames=2000).traces
    >>> quick = {"preprocess.scales": ["W40"], "sweep.k_max": 5, "sweep.n_epochs": 10}
    >>> study = run_study(traces, Settings().with_values(quick))
    >>> study.decision.k_opt, study.labels.shape
    (2, (40,))
    """
    if settings is not None and not isinstance(settings, Settings):
        raise SettingsError(
            f"settings must be Settings, got {type(settings).__name__}; give single ones by name, "
            "as run_study(source, seed=1), or Settings.from_mapping({…})"
        )
    settings = settings_from_keywords(settings or Settings(), values, "run_study")
    device = device_of(settings) if run_sweeps is None else "cpu"
    context = Context(device, choose_progress(progress), run_jobs=run_sweeps)
    return analyse(_open(source, settings), settings, context)


@on_device_of_first
def analyse(
    source: Movie | Traces | Sequence[Movie], settings: Settings, context: Context
) -> Study:
    """Analyse movies or traces as `run_study` does, in a given context.

    Parameters
    ----------
    source : Movie, sequence of Movie, or Traces
    settings : Settings
    context : Context
        Device, progress, clock, and who runs the sweeps.

    Returns
    -------
    Study

    Raises
    ------
    UmlpsdError
        As `run_study`.
    """
    with told_when_full():
        # errors that the headers show come before the first frame is read
        n_frames, dt_s = shape_of(source, settings)
        scales, notes_on_scales = _try_settings(source, n_frames, dt_s, settings)
        with context.clock.timing("extract"):
            traces, movies, notes = extract(source, settings, context.progress, context.device)
        place = uploaded if context.device == "gpu" else on_host
        on_device = replace(traces, values=place(traces.values))
        usable = on_device.usable()
        # notes, maps and the result need them here; copied once
        traces = replace(traces, values=on_host(traces.values))
        scales, notes_on_memory = select_scales_by_memory(traces, scales, settings)
        of_pixels = bool(movies) and settings.traces.mode == "pixels"
        notes += notes_on_memory
        notes += list_trace_notes(traces, usable, settings.sweep.k_max, of_pixels)
        notes += list_map_notes(traces, movies, settings)
        spectrum, fit = _fit_spectra_timed(on_device, settings, context)
        clustering = cluster(
            smoothed_traces(on_device, usable, scales, settings),
            settings,
            context,
            trait=fit.beta[usable],
            coarsen=average_neighbours,
            neighbours=neighbouring_pixels(traces, usable) if of_pixels else None,
        ).spread_over(usable)
        maps = _compute_maps_timed(traces, movies, clustering, fit, settings, context)
        return Study(
            settings=settings,
            movies=movies,
            traces=traces,
            sweeps=clustering.sweeps,
            decision=clustering.decision,
            scaled=clustering.matrix,
            labels=clustering.labels,
            label_uncertainty=clustering.label_uncertainty,
            silhouette=clustering.silhouette,
            outliers=clustering.outliers,
            tests=clustering.tests,
            spectrum=spectrum,
            fit=fit,
            clusters=cluster_spectra(spectrum, fit, clustering.labels),
            maps=maps,
            notes=(
                *notes,
                *notes_on_scales,
                *list_cluster_notes(clustering, traces, fit, usable, settings, context.device),
            ),
            timings_s=context.clock.seconds,
            device=context.device,
            versions=recorded_versions(context.device),
        )


def _open(source: Any, settings: Settings) -> Movie | Traces | Sequence[Movie]:
    """Return what `analyse` takes: files are opened, anything else is returned as it is."""
    if isinstance(source, str | os.PathLike):
        return open_sources([os.fspath(source)], settings)
    if isinstance(source, Traces | Movie):
        return source
    is_list = isinstance(source, Sequence) and len(source) > 0
    if is_list and all(isinstance(part, Traces) for part in source):
        return pool_traces(list(source), settings.traces.unequal_lengths)
    if is_list and all(isinstance(name, str | os.PathLike) for name in source):
        return open_sources([os.fspath(name) for name in source], settings)
    if isinstance(source, Sequence) and all(isinstance(part, Movie) for part in source):
        movies: Sequence[Movie] = source
        return movies
    raise TracesError(
        f"run_study() takes a movie, Traces, a file, or a list of one kind of them, got "
        f"{type(source).__name__}; wrap an array (n_traces, n_frames) by Traces(values, dt_s), "
        "with the frame interval in seconds"
    )


def _fit_spectra_timed(
    traces: Traces, settings: Settings, context: Context
) -> tuple[Spectrum, PowerLawFit]:
    """Return the spectra, on the host, and their fits."""
    context.progress("spectra", 0, 1)
    with context.clock.timing("spectra"):
        spectrum, fit = _fit_spectra(traces, settings)
        spectrum = replace(spectrum, psd=on_host(spectrum.psd))
    context.progress("spectra", 1, 1)
    return spectrum, fit


def _fit_spectra(traces: Traces, settings: Settings) -> tuple[Spectrum, PowerLawFit]:
    chosen = settings.spectrum
    spectrum = power_spectrum(traces, chosen.method, n_threads=settings.n_threads)
    f_range_hz = _choose_range_hz(chosen, *trusted_range_hz(spectrum))
    fit = fit_power_law(spectrum, f_range_hz, chosen.model, chosen.fitting, settings.n_threads)
    return spectrum, fit


def _choose_range_hz(
    chosen: SpectrumSettings, low_hz: float, high_hz: float
) -> tuple[float | None, float | None]:
    """Return the range of the fit: the trusted range, with the ends that the settings give."""
    f_min_hz, f_max_hz = chosen.f_min_hz, chosen.f_max_hz
    low = low_hz if f_max_hz is None or f_max_hz > low_hz else None
    high = high_hz if f_min_hz is None or f_min_hz < high_hz else None
    return low if f_min_hz is None else f_min_hz, high if f_max_hz is None else f_max_hz


def _try_settings(
    source: Any, n_frames: int, dt_s: float, settings: Settings
) -> tuple[list[Scale], list[str]]:
    """Return scales and notes on them; refuse settings that don't suit the length of the traces.

    That a table may be the wrong way round is said before any other advice.
    """
    try:
        scales, notes = select_scales(n_frames, settings)
        _fit_spectra(_make_empty_trace(n_frames, dt_s), settings)
        return scales, notes
    except (TracesError, SettingsError) as error:
        if not isinstance(source, Traces) or source.n_traces <= n_frames:
            raise
        raise type(error)(
            f"{source.source[0]}: there are {source.n_traces} traces of {n_frames} frames; if it "
            "is the other way round, choose the other --layout (rows or columns); if not: "
            f"{error}"
        ) from error


def _make_empty_trace(n_frames: int, dt_s: float) -> Traces:
    """Return no trace, but of the final length, to detect unsuitable settings early."""
    return Traces.without_place(np.zeros((0, n_frames)), dt_s)


def average_neighbours(curves: np.ndarray) -> np.ndarray:
    """Average neighbouring samples, so that about a hundred are left.

    Distances of raw traces are dominated by camera noise. Outliers of multi-state blinking that are
    found by distance have a ROC AUC of 0.39 on raw traces, and 0.90 on averaged ones.

    Parameters
    ----------
    curves : ndarray, shape (n_curves, n_samples)

    Returns
    -------
    ndarray, shape (n_curves, n_averaged)
    """
    n_averaged = curves.shape[1] // N_COARSE_SAMPLES
    return bin_mean(curves, n_averaged) if n_averaged > 1 else curves


def _compute_maps_timed(
    traces: Traces,
    movies: tuple[MovieSummary, ...],
    clustering: Clustering,
    fit: PowerLawFit,
    settings: Settings,
    context: Context,
) -> AssemblyMaps | None:
    if not has_maps(movies, settings):
        return None
    with context.clock.timing("maps"):
        return compute_maps(traces, movies, clustering, fit, settings)
