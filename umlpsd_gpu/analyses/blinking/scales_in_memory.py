"""Which smoothing scales of traces that lie in a file can be worked on in memory."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.traces.blocks import is_spooled
from umlpsd_gpu.traces.traces import Traces


def scales_in_memory(
    traces: Traces, scales: list[Scale], settings: Settings
) -> tuple[list[Scale], list[str]]:
    """Return the scales whose smoothed traces fit the memory setting; say which were skipped.

    All scales of traces in memory are kept. Spooled traces are clustered in memory nevertheless,
    once binned; raw and wavelet scales are as long as the traces and as large.

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
            f"{traces.n_traces} traces take {least_mb:,.0f} MB or more at every scale asked for, "
            f"and traces.memory_mb is {limit_mb:g}; raise it, add larger bins to --scales, or "
            "choose fewer pixels by --threshold or --roi"
        )
    if len(fitting) == len(scales):
        return fitting, []
    skipped = ", ".join(scale.name for scale in scales if scale not in fitting)
    return fitting, [
        f"Scales {skipped} were skipped: {traces.n_traces} traces would take more than "
        f"traces.memory_mb = {limit_mb:g} there."
    ]


def _smoothed_mb(traces: Traces, scale: Scale) -> float:
    n_samples = -(-traces.n_frames // scale.size) if scale.kind == "bin" else traces.n_frames
    return traces.n_traces * n_samples * np.dtype(np.float64).itemsize / 1e6
