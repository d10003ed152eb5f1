"""A whole study on the device: the CPU's answer, the same bytes again, and it says where it ran."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.analyses.blinking.test_same_bits import SETTINGS
from tests.analyses.blinking.test_same_bits import arrays as saved_arrays
from tests.support.ensembles import noise, traces_of
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu import Settings, Study, Traces, open_movie, power_spectrum, run_study, sweep
from umlpsd_gpu.compute import transfer as on_device
from umlpsd_gpu.errors import DeviceError, SettingsError
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.traces import simulate_traces

ON_GPU = {"device": "gpu"}
ON_CPU = {"device": "cpu"}


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "movie.tif"
    return simulate_movie(path, n_emitters=12, n_rows=64, n_cols=64, n_frames=700).path


@pytest.fixture(scope="module")
def two_classes():
    """Two classes of blinking, one trace that is constant and one that holds NaN."""
    traces = simulate_traces({"PEB": 25, "PBB": 20}, n_frames=3000, seed=4).traces
    values = traces.values.copy()
    values[3], values[7, 100] = 5.0, np.nan
    return traces.with_values(values, "two spoilt")


def studied(path, changes):
    return run_study(open_movie(path), SETTINGS.with_values(changes))


@pytest.mark.parametrize("psd", ["log_welch", "welch", "periodogram"])
def test_traces_give_the_cpus_answer(cupy, two_classes, psd):
    changes = {"spectrum.method": psd, "preprocess.scales": ["raw", "W50", "WL5"]}
    expected, found = (
        run_study(two_classes, SETTINGS.with_values(changes | place)) for place in (ON_CPU, ON_GPU)
    )
    assert (found.device, expected.device) == ("gpu", "cpu")
    for ours, theirs in zip(found.sweeps, expected.sweeps, strict=True):
        assert np.array_equal(ours.labels, theirs.labels)
    assert found.decision.k_opt == expected.decision.k_opt > 1
    assert found.decision.scale == expected.decision.scale
    assert np.array_equal(found.labels, expected.labels)
    close = {"nan_ok": True, "rel": 1e-6, "abs": 1e-9}
    assert found.fit.beta == pytest.approx(expected.fit.beta, **close)
    assert found.spectrum.psd == pytest.approx(expected.spectrum.psd, **close)
    assert found.silhouette == pytest.approx(expected.silhouette, **close)
    assert found.scaled == pytest.approx(expected.scaled, abs=1e-12)
    assert found.notes == expected.notes


def test_traces_that_are_on_a_device_give_the_same_study(on_cpu, two_classes):
    """On the second GPU, while the first one is current; the study's traces are NumPy's."""
    changes = SETTINGS.with_values({"preprocess.scales": ["raw", "W50"]} | ON_GPU)
    expected = run_study(two_classes, changes)
    with on_cpu.cuda.Device(1):
        there = replace(two_classes, values=on_cpu.asarray(two_classes.values))
    found = run_study(there, changes)
    assert (found.device, type(found.traces.values)) == ("gpu", np.ndarray)
    assert np.array_equal(found.labels, expected.labels)
    assert found.fit.beta.tobytes() == expected.fit.beta.tobytes()
    assert found.notes == expected.notes
    on_host = run_study(there, changes.with_values(ON_CPU))
    assert (on_host.device, on_host.decision.k_opt) == ("cpu", expected.decision.k_opt)


def test_a_movie_gives_the_cpus_answer(cupy, movie):
    expected, found = studied(movie, ON_CPU), studied(movie, ON_GPU)
    assert np.array_equal(found.traces.rows, expected.traces.rows)
    counts = np.abs(expected.traces.values).max()
    assert np.abs(found.traces.values - expected.traces.values).max() <= SUM_FLOAT64 * counts
    assert np.array_equal(found.labels, expected.labels)
    assert np.abs(found.fit.beta - expected.fit.beta).max() <= 1e-4


def test_pixels_too(cupy, movie):
    changes = {"traces.mode": "pixels", "traces.threshold": 115.0, "preprocess.scales": ["W20"]}
    expected, found = studied(movie, ON_CPU | changes), studied(movie, ON_GPU | changes)
    assert found.traces.values.dtype == np.float32
    assert np.array_equal(found.traces.values, expected.traces.values)
    assert np.array_equal(found.labels, expected.labels)
    assert np.abs(found.fit.beta - expected.fit.beta).max() <= 1e-4


def test_two_runs_give_the_same_bytes_and_record_the_card(cupy, movie, tmp_path):
    for name in ("once", "again"):
        studied(movie, ON_GPU).save(tmp_path / name)
    once, again = (saved_arrays(tmp_path / name) for name in ("once", "again"))
    assert once == again
    summary = json.loads((tmp_path / "once" / "summary.json").read_text())
    assert summary["device"] == "gpu"
    assert {"cupy", "card", "cuda driver"} <= set(summary["versions"])
    assert Study.load(tmp_path / "once").device == "gpu"


def test_drift_correction_on_the_cpu_is_told(cupy, movie):
    study = studied(movie, ON_GPU | {"traces.drift_correction": True})
    assert any("drift" in note and "CPU" in note for note in study.notes)


def test_auto_takes_the_gpu_but_scikit_learn_keeps_to_the_cpu(on_cpu, movie):
    few = {"preprocess.scales": ["W20"], "sweep.n_epochs": 2}
    assert studied(movie, few).device == "gpu"
    assert studied(movie, few | {"sweep.engine": "sklearn"}).device == "cpu"
    with pytest.raises(SettingsError, match="'sklearn' doesn't run on a GPU"):
        studied(movie, ON_GPU | {"sweep.engine": "sklearn"})


def test_traces_that_do_not_fit_the_device_are_told(on_cpu):
    on_cpu.DEVICE.largest_allocation = 1000
    with pytest.raises(DeviceError, match="MB of traces don't fit the device"):
        run_study(traces_of(noise(20, 400)), Settings().with_values(ON_GPU))


def test_sweeps_wait_for_what_the_current_stream_does_to_the_traces(on_cpu, monkeypatch):
    """Streams that don't block the null stream don't wait for it either."""
    order = []

    class Watched(on_cpu.cuda.Stream):
        def wait_event(self, event):
            order.append(("waits", event))

    event = object()
    current = type("Current", (), {"record": lambda self: order.append("recorded") or event})()
    monkeypatch.setattr(on_cpu.cuda, "Stream", Watched)
    monkeypatch.setattr(on_cpu.cuda, "get_current_stream", lambda: current)
    starts = [lambda: order.append("started") or (lambda: "swept")] * 3
    assert list(on_device.results_in_flight(starts, 1000)) == ["swept"] * 3
    n_streams = on_device.N_STREAMS
    assert order == ["recorded", *[("waits", event)] * n_streams, *["started"] * 3]


def test_a_device_without_room_for_the_sweep_is_told(on_cpu):
    values = on_cpu.asarray(np.random.default_rng(0).random((200, 30)))
    on_cpu.DEVICE.largest_allocation = 100_000  # the distances take 320,000
    with pytest.raises(DeviceError, match=r"memory can't hold this \(.*use --device cpu"):
        sweep(values, [2, 3], n_epochs=2)


def test_whole_numbers_of_seconds_are_seconds(on_cpu):
    """An integer dt_s must not reach a kernel's double as its bits."""
    counts = on_cpu.asarray(np.random.default_rng(0).normal(300, 5, (3, 400)))
    for method in ("log_welch", "periodogram"):
        whole, real = (power_spectrum(Traces.without_place(counts, d), method) for d in (1, 1.0))
        assert on_cpu.asnumpy(whole.psd).tobytes() == on_cpu.asnumpy(real.psd).tobytes()
