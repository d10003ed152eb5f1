"""preprocess on device arrays gives what it gives on the CPU, errors included."""

from dataclasses import replace

import numpy as np
import pytest
import pywt

from tests.support.cupy_on_cpu import raw
from tests.support.ensembles import noise, traces_of
from tests.support.tolerances import BINNED_MINMAX, SMOOTHED_MINMAX
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.preprocessing import gpu
from umlpsd_gpu.preprocessing.smooth import preprocess, preprocess_at
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.traces.traces import Traces


def on_device(cupy, traces: Traces) -> Traces:
    return replace(traces, values=cupy.asarray(traces.values))


def ensemble(n_frames, dtype):
    """Noise, a constant trace, and where the type allows it NaN and infinity."""
    values = noise(6, n_frames).astype(dtype)
    values[1] = 300
    if np.dtype(dtype).kind == "f":
        values[2, n_frames // 2] = np.nan
        values[3, 0] = np.inf
    return traces_of(values)


def assert_alike(cupy, on_gpu: Traces, on_cpu: Traces, tolerance):
    assert isinstance(on_gpu.values, cupy.ndarray)
    assert on_gpu.values.dtype == np.float64
    assert on_gpu.history == on_cpu.history
    assert (on_gpu.dt_s, on_gpu.scale, on_gpu.ids) == (on_cpu.dt_s, on_cpu.scale, on_cpu.ids)
    found = cupy.asnumpy(on_gpu.values)
    np.testing.assert_allclose(found, on_cpu.values, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
@pytest.mark.parametrize("n_frames", [997, 1000])
def test_every_scale(cupy, n_frames, dtype):
    traces = ensemble(n_frames, dtype)
    held = on_device(cupy, traces)
    for name in ("raw", "W1", "W10", "W80", "W997", "WL1", "WL3", "WL6"):
        scale = Scale.parse(name)
        tolerance = SMOOTHED_MINMAX if scale.kind == "wavelet" else BINNED_MINMAX
        assert_alike(cupy, preprocess_at(held, scale), preprocess_at(traces, scale), tolerance)
    np.testing.assert_array_equal(cupy.asnumpy(held.values), traces.values)


def test_wavelet_and_mode_are_passed_on(cupy):
    traces = ensemble(300, "float32")
    options = {"wavelet_level": 2, "wavelet": "haar", "mode": "periodization"}
    found = preprocess(on_device(cupy, traces), **options)
    assert_alike(cupy, found, preprocess(traces, **options), SMOOTHED_MINMAX)
    assert found.history == ("wavelet_approximation(level=2, haar, periodization), minmax",)


def test_a_single_frame_and_a_single_trace(cupy):
    for values in (noise(4, 1), noise(1, 100), noise(1, 1)):
        traces = traces_of(values)
        for options in ({}, {"frames_per_bin": 1}):
            found = preprocess(on_device(cupy, traces), **options)
            assert_alike(cupy, found, preprocess(traces, **options), BINNED_MINMAX)


def test_an_ensemble_without_traces_passes_through(cupy):
    nobody = on_device(cupy, traces_of(np.empty((0, 100))))
    assert preprocess(nobody).values.shape == (0, 100)
    assert preprocess(nobody, frames_per_bin=8).values.shape == (0, 13)
    assert preprocess(nobody, wavelet_level=2).values.shape == (0, 100)


@pytest.mark.parametrize(
    ("n_frames", "options"),
    [
        (0, {}),
        (0, {"frames_per_bin": 1}),
        (0, {"wavelet_level": 1}),
        (100, {"frames_per_bin": 101}),
        (100, {"frames_per_bin": 0}),
        (100, {"frames_per_bin": 2.5}),
        (100, {"wavelet_level": 4}),
        (100, {"wavelet_level": 0}),
        (100, {"wavelet_level": 1, "wavelet": "morl"}),
        (100, {"wavelet_level": 1, "mode": "mirror"}),
        (100, {"wavelet_level": 1, "frames_per_bin": 2}),
    ],
)
def test_errors_are_those_of_the_cpu(cupy, n_frames, options):
    traces = traces_of(np.ones((2, n_frames)))
    with pytest.raises((SettingsError, TracesError)) as on_cpu:
        preprocess(traces, **options)
    with pytest.raises(on_cpu.type) as on_gpu:
        preprocess(on_device(cupy, traces), **options)
    assert str(on_gpu.value) == str(on_cpu.value)


def test_a_card_of_little_shared_memory_smooths_in_device_memory(on_cpu, monkeypatch):
    """Cards of compute capability 6 have 48 KiB per block; the coefficients take 57 KiB."""
    values = np.random.default_rng(0).normal(100, 5, (3, 9000))
    taps = pywt.Wavelet("db4").dec_lo, pywt.Wavelet("db4").rec_lo
    expected = gpu.dwt_approximation(on_cpu.asarray(values), 3, *taps, "symmetric")
    of_pascal = type("Pascal", (), {"attributes": {"MaxSharedMemoryPerBlockOptin": 48 << 10}})
    monkeypatch.setattr(on_cpu.cuda, "Device", of_pascal)
    monkeypatch.setattr(raw, "MOST_SHARED_BYTES", 48 << 10)
    found = gpu.dwt_approximation(on_cpu.asarray(values), 3, *taps, "symmetric")
    assert on_cpu.asnumpy(found).tobytes() == on_cpu.asnumpy(expected).tobytes()
