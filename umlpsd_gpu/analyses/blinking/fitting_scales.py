"""Smoothing scales that suit the length of the traces and the memory; traces at these scales."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.preprocessing.wavelet import Decomposition, max_level
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.storage.blocks import is_spooled
from umlpsd_gpu.traces.traces import Traces


def select_scales(n_frames: int, settings: Settings) -> tuple[list[Scale], list[str]]:
    """Select the scales that leave enough samples.

    Parameters
    ----------
    n_frames : int
        Length of the traces.
    settings : Settings

    Returns
    -------
    scales : list of Scale
    notes : list of str
        About scales that are skipped.

    Raises
    ------
    SettingsError
        If no scale is left.
    """
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


def select_scales_by_memory(
    traces: Traces, scales: list[Scale], settings: Settings
) -> tuple[list[Scale], list[str]]:
    """Select the scales at which the smoothed traces fit ``traces.memory_mb``.

    All scales are kept for traces in memory. Traces in a temporary file are binned and then
    clustered in memory; at raw and wavelet scales they are as large as before.

    Parameters
    ----------
    traces : Traces
    scales : list of Scale
    settings : Settings

    Returns
    -------
    scales : list of Scale
    notes : list of str
        About scales that are skipped.

    Raises
    ------
    SettingsError
        If no scale is left.
    """
    if not is_spooled(traces.values):
        return scales, []
    limit_mb = settings.traces.memory_mb
    fitting = [scale for scale in scales if _smoothed_mb(traces, scale) <= limit_mb]
    if not fitting:
        least_mb = min(_smoothed_mb(traces, scale) for scale in scales)
        raise SettingsError(
            f"{traces.n_traces} traces need {least_mb:,.0f} MB or more at every scale, and "
            f"traces.memory_mb is {limit_mb:g}; raise it, add larger bins to --scales, or choose "
            "fewer pixels with --threshold or --roi"
        )
    if len(fitting) == len(scales):
        return fitting, []
    skipped = ", ".join(scale.name for scale in scales if scale not in fitting)
    return fitting, [
        f"Scales {skipped} were skipped: {traces.n_traces} traces would take more than "
        f"traces.memory_mb = {limit_mb:g} there."
    ]


def _smoothed_mb(traces: Traces, scale: Scale) -> float:
    n_samples = count_samples(scale, traces.n_frames)
    return traces.n_traces * n_samples * np.dtype(np.float64).itemsize / 1e6


def smoothed_traces(
    traces: Traces, usable: np.ndarray, scales: list[Scale], settings: Settings
) -> Representations:
    """Return the usable traces at every scale; they are smoothed and scaled when needed.

    Parameters
    ----------
    traces : Traces
    usable : ndarray, shape (n_traces,), bool
    scales : list of Scale
    settings : Settings

    Returns
    -------
    Representations
    """
    ensemble = traces if usable.all() else traces.select(usable)
    wavelet, mode = settings.preprocess.wavelet, settings.preprocess.wavelet_mode
    levels = [scale.size for scale in scales if scale.kind == "wavelet"]
    in_memory = not is_on_device(ensemble.values) and not is_spooled(ensemble.values)
    shared = Decomposition(min(levels), wavelet, mode) if levels and in_memory else None

    def at_scale(name: str) -> Array:
        return preprocess_at(ensemble, Scale.parse(name), wavelet, mode, shared).values

    return Representations(
        tuple(scale.name for scale in scales),
        ensemble.n_traces,
        ensemble.n_frames,
        at_scale,
        is_on_device(ensemble.values),
    )


def count_samples(scale: Scale, n_frames: int) -> int:
    """Return the length of a smoothed trace.

    Parameters
    ----------
    scale : Scale
    n_frames : int
        Length of the raw trace.

    Returns
    -------
    int
    """
    return -(-n_frames // scale.size) if scale.kind == "bin" else n_frames
