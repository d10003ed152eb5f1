"""The step before clustering: smooth by bins, by wavelets or not at all, then scale to [0, 1]."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device
from umlpsd_gpu.compute.current_device import on_device_of_first
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import whole_number
from umlpsd_gpu.preprocessing import gpu as device
from umlpsd_gpu.preprocessing.bin import bin_mean, require_window
from umlpsd_gpu.preprocessing.normalise import minmax
from umlpsd_gpu.preprocessing.wavelet import Decomposition, wavelet_approximation
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.storage import blocks
from umlpsd_gpu.storage.blocks import empty_like, give_back, row_blocks
from umlpsd_gpu.traces.traces import Traces, require_traces


def preprocess(
    traces: Traces,
    *,
    frames_per_bin: int | None = None,
    wavelet_level: int | None = None,
    wavelet: str = "db4",
    mode: str = "symmetric",
) -> Traces:
    """Smooth traces on one time scale, then min-max scale each of them.

    Parameters
    ----------
    traces : Traces
        Raw trajectories, values of any real type; NumPy's, or CuPy's: then the GPU computes.
    frames_per_bin : int, optional
        Average over windows of this many frames, 1 to ``n_frames``; an incomplete last window is
        the average of its frames.
    wavelet_level : int, optional
        Keep the wavelet approximation of this level, 1 or above, at full length. Neither given: no
        smoothing.
    wavelet, mode : str
        PyWavelets names, used with ``wavelet_level`` only.

    Returns
    -------
    Traces
        Float64 values without unit in [0, 1]; 0 for a constant trace, NaN for one with NaN or
        infinity. ``dt_s`` is that of the bins. CuPy's if ``traces`` is.

    Raises
    ------
    SettingsError
        If both kinds of smoothing are given, or the traces are too short for it.
    TracesError
        If they are no Traces, or have no frames.

    Notes
    -----
    Step 2 of the method [P, M].

    Examples
    --------
    >>> from umlpsd_gpu import preprocess
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"TSB": 4}, n_frames=1000, dt_s=0.03).traces
    >>> smoothed = preprocess(traces, frames_per_bin=80)
    >>> smoothed.values.shape, smoothed.dt_s
    ((4, 13), 2.4)
    """
    require_traces(traces, "preprocess")
    if frames_per_bin is not None and wavelet_level is not None:
        raise SettingsError(
            f"frames_per_bin={frames_per_bin} and wavelet_level={wavelet_level} were both given, "
            "but traces are smoothed in one way only; leave one of them out"
        )
    if frames_per_bin is not None:
        if traces.n_frames:
            require_window(frames_per_bin, traces.n_frames)
        scale = Scale("bin", frames_per_bin)
    elif wavelet_level is not None:
        scale = Scale("wavelet", whole_number("wavelet_level", wavelet_level))
    else:
        scale = Scale("raw")
    return preprocess_at(traces, scale, wavelet, mode)


@on_device_of_first
def preprocess_at(
    traces: Traces,
    scale: Scale,
    wavelet: str = "db4",
    mode: str = "symmetric",
    decomposition: Decomposition | None = None,
) -> Traces:
    """Do what `preprocess` does, for a scale.

    Parameters
    ----------
    traces : Traces
    scale : Scale
    wavelet, mode : str
        PyWavelets names.
    decomposition : Decomposition, optional
        Of these traces, in which wavelet scales share what they have in common; not used on a GPU.

    Returns
    -------
    Traces
    """
    dt_s, step = traces.dt_s, "minmax"
    if scale.kind == "bin":
        dt_s, step = dt_s * scale.size, f"bin_mean(frames_per_bin={scale.size}), minmax"
    elif scale.kind == "wavelet":
        step = f"wavelet_approximation(level={scale.size}, {wavelet}, {mode}), minmax"
    if is_on_device(traces.values):
        values = _smooth_on_device(traces.values, scale, wavelet, mode)
    else:
        values = _smooth_on_host(traces.values, scale, wavelet, mode, decomposition)
    smoothed = traces.with_values(values, step, dt_s)
    return replace(smoothed, scale=scale.name)


def _smooth_on_host(
    values: Array, scale: Scale, wavelet: str, mode: str, decomposition: Decomposition | None
) -> Array:
    def smooth(rows: slice, out: Array | None = None) -> Array:
        part = np.asarray(values[rows])
        if scale.kind == "bin":
            part = bin_mean(part, scale.size)
        elif scale.kind == "wavelet":
            first_row = rows.start
            part = wavelet_approximation(part, scale.size, wavelet, mode, decomposition, first_row)
        return minmax(part, out)

    if values.nbytes <= blocks.BLOCK_BYTES:
        return smooth(slice(0, len(values)))
    n_samples = values.shape[1]
    if scale.kind == "bin":
        require_window(scale.size, n_samples)
        n_samples = -(-n_samples // scale.size)
    smoothed = empty_like(values, n_samples, np.float64)
    for rows in row_blocks(values):
        smooth(rows, out=smoothed[rows])
        give_back(smoothed[rows])
    return smoothed


def _smooth_on_device(values: Array, scale: Scale, wavelet: str, mode: str) -> Array:
    if scale.kind == "bin":
        return device.bin_minmax(values, scale.size)
    if scale.kind == "wavelet":
        return device.wavelet_minmax(values, scale.size, wavelet, mode)
    return device.minmax(values)
