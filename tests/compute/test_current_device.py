"""Verbs run on the GPU that holds their arrays, and take those of other libraries."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from umlpsd_gpu import Traces, cluster, fit_power_law, power_spectrum, preprocess, replicate, sweep
from umlpsd_gpu.compute.current_device import on_its_device
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.settings import AnalysisSettings

QUICK = AnalysisSettings().with_values({"sweep.k_max": 4, "sweep.n_epochs": 3})


def values_of_two_kinds():
    noise = np.random.default_rng(0).normal(100, 5, (40, 400))
    noise[:20, :200] += 60
    return noise


@pytest.fixture
def on_second(on_cpu):
    """Put an array on the second GPU, while the first one is current."""

    def put(values):
        with on_cpu.cuda.Device(1):
            return on_cpu.asarray(values)

    return put


def test_the_stand_in_refuses_arrays_of_another_device(on_cpu, on_second):
    there = on_second(np.ones(3))
    with pytest.raises(RuntimeError, match="illegal address"):
        there + there
    with on_its_device(there):
        assert on_host(there + there).tolist() == [2, 2, 2]
    assert on_cpu.cuda.Device().id == 0


class TestEveryVerb:
    def test_sweep(self, on_second):
        values = values_of_two_kinds()
        expected = sweep(values, range(1, 5), n_epochs=3)
        found = sweep(on_second(values), range(1, 5), n_epochs=3)
        assert np.array_equal(found.labels, expected.labels)

    def test_replicate(self, on_second):
        values = values_of_two_kinds()
        of_all = sweep(values, range(1, 5), n_epochs=3)
        expected, found = (replicate(v, of_all, 4) for v in (values, on_second(values)))
        assert found.gap() == pytest.approx(expected.gap())

    def test_preprocess_spectrum_and_fit(self, on_second):
        values = values_of_two_kinds()
        here, there = Traces(values, 0.03), Traces(on_second(values), 0.03)
        for how in ({"frames_per_bin": 10}, {"wavelet_level": 3}, {}):
            expected, found = (preprocess(traces, **how).values for traces in (here, there))
            assert found.device.id == 1
            assert on_host(found) == pytest.approx(expected, abs=1e-12)
        spectrum = power_spectrum(there)
        assert spectrum.psd.device.id == 1
        expected = fit_power_law(power_spectrum(here)).beta
        assert fit_power_law(spectrum).beta == pytest.approx(expected, rel=1e-6)

    def test_cluster(self, on_second):
        values = values_of_two_kinds()
        expected, found = (cluster({"raw": v}, QUICK) for v in (values, on_second(values)))
        assert found.decision.k_opt == expected.decision.k_opt
        assert np.array_equal(found.labels, expected.labels)


class TestUsableTraces:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_as_on_the_host(self, cupy, dtype):
        values = values_of_two_kinds().astype(dtype)
        values[3], values[5, 7], values[8, 1] = 4.0, np.nan, np.inf
        here, there = Traces(values, 0.03), Traces(cupy.asarray(values), 0.03)
        assert np.array_equal(there.finite(), here.finite())
        assert np.array_equal(there.usable(), here.usable())
        assert np.flatnonzero(~there.usable()).tolist() == [3, 5, 8]
        kept = there.select(there.usable())
        assert np.array_equal(on_host(kept.values), here.select(here.usable()).values)


class TestTensorsOfOtherLibraries:
    """PyTorch, JAX and Numba give one of two protocols."""

    @pytest.fixture(params=["interface", "dlpack"])
    def tensor(self, request, on_cpu):
        values = values_of_two_kinds()
        if request.param == "interface":
            described = values.__array_interface__ | {"version": 3}
            return SimpleNamespace(__cuda_array_interface__=described, host=values)
        return SimpleNamespace(__dlpack_device__=lambda: (2, 0), host=values)

    def test_share_their_memory(self, tensor):
        traces = Traces(tensor, 0.03)
        assert type(traces.values).__module__ == "cupy"
        tensor.host[0, 0] = -7
        assert on_host(traces.values)[0, 0] == -7

    def test_are_swept_and_clustered(self, tensor):
        expected = sweep(tensor.host, [2], n_epochs=3).labels
        assert np.array_equal(sweep(tensor, [2], n_epochs=3).labels, expected)
        assert cluster({"raw": tensor}, QUICK).decision.k_opt == 2

    def test_those_of_the_host_are_numpys(self):
        on_the_host = SimpleNamespace(
            __dlpack_device__=lambda: (1, 0), __array__=lambda *a, **k: np.ones((3, 9))
        )
        assert replace(Traces(np.ones((3, 9)), 0.03), values=on_the_host).n_frames == 9
