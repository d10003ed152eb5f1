"""Traces → sweeps at every scale, of surrogates and of samples of the traces; several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.backend import is_on_device, n_cores, xp_of
from umlpsd_gpu.decision.consensus import weighed_scales
from umlpsd_gpu.decision.profiles import MOST_K
from umlpsd_gpu.preprocess.smooth import preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.study.on_device import on_host, sweeps_in_flight
from umlpsd_gpu.sweep.resamples import half_samples, n_drawn, sweep_samples
from umlpsd_gpu.sweep.result import Sweep
from umlpsd_gpu.sweep.run import start_sweep
from umlpsd_gpu.sweep.surrogates import gaussian_surrogates
from umlpsd_gpu.traces.traces import Traces

# Scales are swept at once as long as their arrays take no more than this together.
SWEEP_BYTES = 4 << 30
# Epochs of a surrogate's sweep: as many as the consensus was fitted with
SURROGATE_EPOCHS = 20
# Samples of the traces are swept at so many scales, and so often for each K [I]
RESAMPLED_SCALES = 3
RESAMPLE_EPOCHS = 10

Result = TypeVar("Result")
# (step, done, total): called as the work proceeds
Progress = Callable[[str, int, int], None]


def sweep_scales(
    ensemble: Traces, scales: list[Scale], settings: Settings, report: Progress
) -> tuple[Sweep, ...]:
    """Smooth and sweep at every scale, several scales at a time."""
    start = [partial(_start_sweep_at, ensemble, scale, settings) for scale in scales]
    return tuple(_results(start, ensemble, settings, partial(report, "sweep")))


def sweep_surrogates(
    ensemble: Traces, scales: list[Scale], settings: Settings, report: Progress
) -> dict[str, tuple[Sweep, ...]] | None:
    """Sweep unstructured ensembles of each scale's spread; None where not wanted."""
    if not settings.decision.n_surrogates or settings.decision.rule != "consensus":
        return None
    weighed = _weighed(scales)
    start = [partial(_start_surrogates_at, ensemble, scale, settings) for scale in weighed]
    found = _results(start, ensemble, settings, partial(report, "surrogates"))
    return {scale.name: sweeps for scale, sweeps in zip(weighed, found, strict=True)}


def sweep_resamples(
    ensemble: Traces, scales: list[Scale], settings: Settings, report: Progress
) -> dict[str, tuple[Sweep, ...]] | None:
    """Sweep samples of the traces at scales of every kind; None where not wanted or too few."""
    chosen = settings.decision
    too_few = n_drawn(ensemble.n_traces) <= min(MOST_K, settings.sweep.k_max)
    if not chosen.n_resamples or chosen.rule != "consensus" or too_few:
        return None
    weighed = _weighed(scales)
    picked = np.unique(np.linspace(0, len(weighed) - 1, RESAMPLED_SCALES).round().astype(int))
    some = [weighed[i] for i in picked]
    samples = half_samples(ensemble.n_traces, settings.sweep.seed, chosen.n_resamples)
    sweep_them = _samples_on_device if is_on_device(ensemble.values) else _samples_on_cpu
    found = {}
    for done, scale in enumerate(some):
        curves = preprocessed(ensemble, scale, settings).values
        found[scale.name] = sweep_them(curves, samples, scale, settings)
        report("resamples", done + 1, len(some))
    return found


def _samples_on_cpu(
    curves: np.ndarray, samples: np.ndarray, scale: Scale, settings: Settings
) -> tuple[Sweep, ...]:
    return sweep_samples(
        curves,
        samples,
        _k_values_of(samples.shape[1], settings),
        n_epochs=min(RESAMPLE_EPOCHS, settings.sweep.n_epochs),
        seed=settings.sweep.seed,
        silhouette_metric=settings.sweep.silhouette_metric,
        max_iter=settings.sweep.max_iter,
        scale=scale.name,
        n_threads=settings.n_threads,
    )


def _samples_on_device(
    curves: Any, samples: np.ndarray, scale: Scale, settings: Settings
) -> tuple[Sweep, ...]:
    def start_sample(drawn: np.ndarray) -> Callable[[], Sweep]:
        rows = curves[xp_of(curves).asarray(drawn)]
        return _start_other(rows, RESAMPLE_EPOCHS, scale, settings)

    start = [partial(start_sample, drawn) for drawn in samples]
    bytes_of_one = 8 * samples.shape[1] * (3 * curves.shape[1] + samples.shape[1])
    return tuple(sweeps_in_flight(start, bytes_of_one))


def _weighed(scales: Sequence[Scale]) -> list[Scale]:
    names = weighed_scales([scale.name for scale in scales])
    return [scale for scale in scales if scale.name in names]


def preprocessed(traces: Traces, scale: Scale, settings: Settings) -> Traces:
    """Smooth and scale traces with the study's settings."""
    return preprocess_at(
        traces, scale, settings.preprocess.wavelet, settings.preprocess.wavelet_mode
    )


def _results(
    start: Sequence[Callable[..., Callable[[], Result]]],
    ensemble: Traces,
    settings: Settings,
    report: Callable[[int, int], None],
) -> Iterator[Result]:
    bytes_per_scale = 8 * ensemble.n_traces * (3 * ensemble.n_frames + ensemble.n_traces)
    run = sweeps_in_flight if is_on_device(ensemble.values) else partial(_in_threads, settings)
    for done, result in enumerate(run(start, bytes_per_scale)):
        yield result
        report(done + 1, len(start))


def _start_sweep_at(
    ensemble: Traces, scale: Scale, settings: Settings, n_threads: int | None = None
) -> Callable[[], Sweep]:
    return start_sweep(
        preprocessed(ensemble, scale, settings).values,
        range(1, min(settings.sweep.k_max, ensemble.n_traces - 1) + 1),
        n_epochs=settings.sweep.n_epochs,
        seed=settings.sweep.seed,
        engine=settings.sweep.engine,
        silhouette_metric=settings.sweep.silhouette_metric,
        max_iter=settings.sweep.max_iter,
        scale=scale.name,
        n_threads=n_threads,
        budget_s=settings.sweep.budget_s,
    )


def _start_surrogates_at(
    ensemble: Traces, scale: Scale, settings: Settings, n_threads: int | None = None
) -> Callable[[], tuple[Sweep, ...]]:
    curves = preprocessed(ensemble, scale, settings).values
    seed, n = settings.sweep.seed, settings.decision.n_surrogates
    started = [
        _start_other(xp_of(curves).asarray(surrogate), SURROGATE_EPOCHS, scale, settings, n_threads)
        for surrogate in gaussian_surrogates(on_host(curves), range(seed, seed + n))
    ]
    return lambda: tuple(collect() for collect in started)


def _start_other(
    values: Any, n_epochs: int, scale: Scale, settings: Settings, n_threads: int | None = None
) -> Callable[[], Sweep]:
    """Start the sweep of another ensemble as the consensus needs it."""
    return start_sweep(
        values,
        _k_values_of(len(values), settings),
        n_epochs=min(n_epochs, settings.sweep.n_epochs),
        seed=settings.sweep.seed,
        silhouette_metric=settings.sweep.silhouette_metric,
        max_iter=settings.sweep.max_iter,
        scale=scale.name,
        n_threads=n_threads,
        budget_s=settings.sweep.budget_s,
    )


def _k_values_of(n_traces: int, settings: Settings) -> range:
    """Return the numbers of clusters that the consensus weighs."""
    return range(1, min(MOST_K, settings.sweep.k_max, n_traces - 1) + 1)


def _in_threads(
    settings: Settings, start: Sequence[Callable[..., Callable[[], Result]]], bytes_per_scale: int
) -> Iterator[Result]:
    """Yield the results in order, each in a thread with its share of the cores."""
    n_threads = settings.n_threads or n_cores()
    n_at_once = max(1, min(n_threads, len(start), SWEEP_BYTES // bytes_per_scale))
    # the limit is held around all scales: each sweep sets it too, and would lift it for the others
    with threadpool_limits(limits=1), ThreadPoolExecutor(n_at_once) as pool:
        yield from pool.map(lambda start_one: start_one(n_threads // n_at_once)(), start)
