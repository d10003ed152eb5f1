"""The way of the data: movies or traces → sweeps → decision → clusters → spectra → Study."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.analyses.blinking.assembly import has_maps, map_notes, study_maps
from umlpsd_gpu.analyses.blinking.extract import extract, shape_of
from umlpsd_gpu.analyses.blinking.result import MovieSummary, Study
from umlpsd_gpu.analyses.blinking.scales_in_memory import scales_in_memory
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.final_labels import FinalClusters, final_clusters, outlier_note
from umlpsd_gpu.clustering.jobs import RunJobs
from umlpsd_gpu.clustering.notes import budget_notes
from umlpsd_gpu.clustering.sweeps import (
    Progress,
    preprocessed,
    sweep_resamples,
    sweep_scales,
    sweep_surrogates,
)
from umlpsd_gpu.compute.backend import choose_device
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.transfer import on_host, placed, spectrum_on_host
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.decision.decide import decide
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.kmeans.engines import require_engine
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.preprocessing.wavelet import max_level
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.spectrum.clusters import cluster_spectra
from umlpsd_gpu.spectrum.estimators import power_spectrum
from umlpsd_gpu.spectrum.fit import fit_power_law
from umlpsd_gpu.spectrum.ranges import trusted_range_hz
from umlpsd_gpu.spectrum.result import PowerLawFit, Spectrum
from umlpsd_gpu.spectrum.settings import SpectrumSettings
from umlpsd_gpu.traces.traces import Traces

MIN_TRACES = 3
# Spectra that fit their model fall below this p-value once in a hundred
MISFIT = 0.01


def run_study(
    source: Movie | Traces | Sequence[Movie],
    settings: Settings | None = None,
    progress: Progress | None = None,
    run_sweeps: RunJobs | None = None,
) -> Study:
    """Analyse one ensemble from movies, or from traces that are there already.

    Parameters
    ----------
    source : Movie, sequence of Movie, or Traces
        Several movies are pooled into one ensemble.
    settings : Settings, optional
        Defaults: the paper's grid of scales, K 1…15, 100 epochs.
    progress : callable, optional
        Called with (step, done, total).
    run_sweeps : callable, optional
        Runs the jobs of the sweeps elsewhere (sweep_jobs.py); all the rest is done here on the CPU,
        whatever ``settings.device``. By default the sweeps run here too.

    Returns
    -------
    Study

    Raises
    ------
    MovieError, TracesError
        If no emitter is found, fewer than 3 traces can be clustered, or the frame interval is
        unknown.
    SettingsError
        If no smoothing scale fits the length of the traces.
    DeviceError
        If the device asked for is not there, or its memory can't hold the work.
    """
    settings = settings or Settings()
    device = device_of(settings) if run_sweeps is None else "cpu"
    report = progress or (lambda step, done, total: None)
    with told_when_full():
        return _studied(source, settings, device, report, run_sweeps)


def _studied(
    source: Movie | Traces | Sequence[Movie],
    settings: Settings,
    device: Literal["cpu", "gpu"],
    report: Progress,
    run_sweeps: RunJobs | None,
) -> Study:
    clock = Clock()
    # what can be known from the headers fails before the first frame is read
    n_frames, dt_s = shape_of(source, settings)
    scales, scale_notes = _fitting_scales(n_frames, settings)
    _spectra(_rehearsal(n_frames, dt_s), settings)
    with clock.timing("extract"):
        traces, movies, notes = extract(source, settings, report, device)
    scales, skipped = scales_in_memory(traces, scales, settings)
    usable = traces.usable()
    of_pixels = bool(movies) and settings.traces.mode == "pixels"
    notes += skipped
    notes += _flagged(traces, usable, settings.sweep.k_max, of_pixels)
    notes += map_notes(traces, movies, settings)
    report("spectra", 0, 1)
    with clock.timing("spectra"):
        at_work = placed(traces, device)
        spectrum, fit = _spectra(at_work, settings)
        spectrum = spectrum_on_host(spectrum)
    ensemble = at_work if usable.all() else at_work.select(usable)
    report("spectra", 1, 1)
    sweeps, decision = _decided(clock, ensemble, scales, settings, report, run_sweeps)
    with clock.timing("cluster"):
        scaled = preprocessed(ensemble, Scale.parse(decision.scale), settings).values
        final = _final(scaled, sweeps, decision, fit.beta[usable], settings).among(usable)
        scaled = on_host(scaled)
    maps = _maps(clock, traces, movies, final, fit, settings)
    return Study(
        settings=settings,
        movies=movies,
        traces=traces,
        sweeps=sweeps,
        decision=decision,
        scaled=scaled,
        labels=final.labels,
        label_uncertainty=final.label_uncertainty,
        silhouette=final.silhouette,
        outliers=final.outliers,
        spectrum=spectrum,
        fit=fit,
        clusters=cluster_spectra(spectrum, fit, final.labels),
        maps=maps,
        notes=(
            *notes,
            *scale_notes,
            *(budget_notes(sweeps, traces.n_frames, settings) if device == "cpu" else ()),
            *_notes_on_clusters(scaled, decision, fit, usable, final, settings),
        ),
        timings_s=clock.seconds,
        device=device,
        versions=recorded_versions(device),
    )


def _decided(
    clock: Clock,
    ensemble: Traces,
    scales: list[Scale],
    settings: Settings,
    report: Progress,
    run_sweeps: RunJobs | None,
) -> tuple[tuple[Sweep, ...], KDecision]:
    what = ensemble, scales, settings, report, run_sweeps
    with clock.timing("sweep"):
        sweeps = sweep_scales(*what)
    with clock.timing("surrogates"):
        nulls = sweep_surrogates(*what)
    with clock.timing("resamples"):
        resamples = sweep_resamples(*what)
    # many small products: threads would only get in each other's way
    with clock.timing("decide"), threadpool_limits(limits=1):
        return sweeps, decide(sweeps, nulls, settings.decision.rule, resamples)


def _final(
    scaled: Any,
    sweeps: tuple[Sweep, ...],
    decision: KDecision,
    beta: np.ndarray,
    settings: Settings,
) -> FinalClusters:
    (chosen,) = (sweep for sweep in sweeps if sweep.scale == decision.scale)
    return final_clusters(scaled, chosen, decision.k_opt, beta, settings)


def _maps(
    clock: Clock,
    traces: Traces,
    movies: tuple[MovieSummary, ...],
    final: FinalClusters,
    fit: PowerLawFit,
    settings: Settings,
) -> AssemblyMaps | None:
    if not has_maps(movies, settings):
        return None
    with clock.timing("maps"):
        return study_maps(traces, movies, final, fit, settings)


class Clock:
    """Wall seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Add the time spent inside to the step."""
        start = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start


def _flagged(traces: Traces, usable: np.ndarray, k_max: int, of_pixels: bool) -> list[str]:
    """Count what can't be clustered; TracesError where too little is left."""
    n_usable, n_flagged = np.count_nonzero(usable), np.count_nonzero(~usable)
    if n_usable < MIN_TRACES:
        more = "choose a lower --threshold, or add" if of_pixels else "add"
        raise TracesError(
            f"{n_usable} of {traces.n_traces} traces can be clustered (finite and not constant), "
            f"and a study needs at least {MIN_TRACES}; {more} movies or tables"
        )
    notes = []
    if n_usable <= k_max:
        notes.append(f"K was tried up to {n_usable - 1} only: {n_usable} traces were clustered.")
    if not n_flagged:
        return notes
    not_finite = np.count_nonzero(~traces.finite())
    return [
        *notes,
        f"{n_flagged} of {traces.n_traces} traces are kept but not clustered: {not_finite} hold "
        f"NaN or infinities, {n_flagged - not_finite} are constant.",
    ]


def _spectra(traces: Traces, settings: Settings) -> tuple[Spectrum, PowerLawFit]:
    chosen = settings.spectrum
    spectrum = power_spectrum(traces, chosen.method, n_threads=settings.n_threads)
    f_range_hz = _fit_range_hz(chosen, *trusted_range_hz(spectrum))
    fit = fit_power_law(spectrum, f_range_hz, chosen.model, chosen.fitting, settings.n_threads)
    return spectrum, fit


def _fit_range_hz(
    chosen: SpectrumSettings, low_hz: float, high_hz: float
) -> tuple[float | None, float | None]:
    """Return the ends that are given, and the trusted ones where none is given and none beyond."""
    f_min_hz, f_max_hz = chosen.f_min_hz, chosen.f_max_hz
    low = low_hz if f_max_hz is None or f_max_hz > low_hz else None
    high = high_hz if f_min_hz is None or f_min_hz < high_hz else None
    return low if f_min_hz is None else f_min_hz, high if f_max_hz is None else f_max_hz


def _rehearsal(n_frames: int, dt_s: float) -> Traces:
    """Return one empty trace of the coming length, to meet settings that can't work at once."""
    return Traces.without_place(np.zeros((1, n_frames)), dt_s)


def _fitting_scales(n_frames: int, settings: Settings) -> tuple[list[Scale], list[str]]:
    """Return the scales that leave enough samples; say which were skipped."""
    scales = [Scale.parse(name) for name in settings.preprocess.scales]
    least = settings.preprocess.min_bins
    wavelet = settings.preprocess.wavelet
    fitting = [
        scale
        for scale in scales
        if n_frames >= least * scale.n_frames_averaged
        and (scale.kind != "wavelet" or scale.size <= max_level(n_frames, wavelet))
    ]
    if not fitting:
        raise SettingsError(
            f"none of the scales {', '.join(settings.preprocess.scales)} leaves {least} samples of "
            f"{n_frames} frames; add a finer scale or lower preprocess.min_bins"
        )
    notes = []
    if len(fitting) < len(scales):
        skipped = ", ".join(s.name for s in scales if s not in fitting)
        notes.append(
            f"Scales {skipped} were skipped: they leave fewer than {least} samples of "
            f"{n_frames} frames, or are beyond the wavelet's deepest level."
        )
    return fitting, notes


def device_of(settings: Settings) -> Literal["cpu", "gpu"]:
    """Return the device that will run; scikit-learn, asked for, decides where it is left open.

    Raises
    ------
    DeviceError
        If the device asked for is not there, or cuML is not.
    SettingsError
        If the engine asked for does not run on it.
    """
    asked_for = settings.device
    if asked_for == "auto" and settings.sweep.engine == "sklearn":
        asked_for = "cpu"
    device = choose_device(asked_for)
    require_engine(settings.sweep.engine, on_gpu=device == "gpu")
    return device


def _notes_on_clusters(
    scaled: np.ndarray,
    decision: KDecision,
    fit: PowerLawFit,
    usable: np.ndarray,
    final: FinalClusters,
    settings: Settings,
) -> list[str]:
    return [
        *_flat(scaled, decision.scale),
        *_unfitted(fit.beta[usable]),
        *_misfitting(fit, usable),
        *outlier_note(final.outliers, settings.traces.mode),
    ]


def _flat(scaled: np.ndarray, scale: str) -> list[str]:
    """Count traces whose variation is gone at the chosen scale: they are all 0 there."""
    n_flat = np.count_nonzero(~scaled.any(axis=1))
    return [f"{n_flat} of {len(scaled)} traces are constant at {scale}."] if n_flat else []


def _unfitted(beta: np.ndarray) -> list[str]:
    """Count the exponents of clustered traces that make no sense."""
    n_nan = np.count_nonzero(~np.isfinite(beta))
    return [f"{n_nan} of {beta.size} clustered traces have no exponent β."] if n_nan else []


def _misfitting(fit: PowerLawFit, usable: np.ndarray) -> list[str]:
    """Say so where most spectra are no power laws but β of one was asked for."""
    n_misfits = np.count_nonzero(fit.p_value[usable] < MISFIT)
    if fit.model != "power_law" or 2 * n_misfits <= usable.sum():
        return []
    low_hz, high_hz = fit.f_range_hz
    return [
        f"{n_misfits} of {usable.sum()} spectra differ from a power law by more than chance (p < "
        f"{MISFIT}), as shot noise and knees make them: their β is a mean slope from {low_hz:.3g} "
        f"to {high_hz:.3g} Hz. --psd-model auto fits a floor or a knee where there is one."
    ]
