"""The sweep by engine and size, for pytest-benchmark.

    pytest benchmarks/test_sweep_speed.py --benchmark-only --benchmark-group-by=param:values

Seconds of one sweep, K 2…15: ours of 100 epochs, scikit-learn's of one (see ``extra_info``).
"""

from importlib import import_module

import numpy as np
import pytest

from umlpsd_gpu.bench.paper_protocol import separate_runs, shared_partitions
from umlpsd_gpu.bench.scaling import make_ensemble
from umlpsd_gpu.compute.backend import gpu_missing
from umlpsd_gpu.kmeans.cuml import cuml_version
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.smooth import preprocess
from umlpsd_gpu.simulate.traces import simulate_traces

K_VALUES = range(2, 16)
SIZES = {
    "204x125": (204, 125),
    "204x10000": (204, 10_000),
    "2000x125": (2000, 125),
    "10000x60": (10_000, 60),
}
LARGE = 1000  # traces, from which on ours runs 10 epochs and the paper's protocol is left out


@pytest.fixture(scope="module")
def traces():
    """Return the curves of the paper's mix."""
    return preprocess(simulate_traces(seed=0).traces).values


@pytest.fixture(params=SIZES)
def values(request, traces):
    """Return an ensemble of one of `SIZES`."""
    return make_ensemble(traces, *SIZES[request.param], seed=0)


def on_device(values):
    """Return the values as a CuPy array; skip the test without a GPU."""
    reason = gpu_missing()
    if reason:
        pytest.skip(reason)
    return import_module("cupy").asarray(values)


def batched(values, n_epochs):
    """Run our engine on the CPU."""
    return sweep(values, K_VALUES, n_epochs, engine="batched")


def batched_gpu(values, n_epochs):
    """Run our engine on the GPU."""
    return sweep(on_device(values), K_VALUES, n_epochs, engine="batched")


def cuml(values, n_epochs):
    """Run cuML's K-means with our metrics."""
    if cuml_version() is None:
        pytest.skip("cuML is not installed")
    return sweep(on_device(values), K_VALUES, n_epochs, engine="cuml")


def sklearn_loop(values, n_epochs):
    """Run the scikit-learn loop that shares partitions."""
    return shared_partitions(values, n_epochs)


def paper_protocol(values, n_epochs):
    """Run the paper's protocol in scikit-learn."""
    if len(values) > LARGE:
        pytest.skip("minutes an epoch")
    return separate_runs(values, n_epochs)


ENGINES = {
    "batched_cpu": (batched, 100),
    "batched_gpu": (batched_gpu, 100),
    "cuml": (cuml, 10),
    "sklearn_loop": (sklearn_loop, 1),
    "paper_protocol": (paper_protocol, 1),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_sweep(benchmark, engine, values):
    """Time one engine on one ensemble."""
    run, n_epochs = ENGINES[engine]
    if len(values) > LARGE:
        n_epochs = min(n_epochs, 10)
    benchmark.extra_info["n_epochs"] = n_epochs
    slow = run in (sklearn_loop, paper_protocol)
    found = benchmark.pedantic(
        run, args=(values, n_epochs), rounds=3, warmup_rounds=0 if slow else 1
    )
    if slow:
        benchmark.extra_info["seconds_for_100_epochs"] = 100 / n_epochs * found.seconds["all three"]
    else:
        assert np.isfinite(found.silhouette).all()
