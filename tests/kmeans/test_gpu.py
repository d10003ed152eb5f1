"""The sweep on the device: the CPU's partitions and metrics, by every way it can be done."""

import logging

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.kmeans.test_lloyd import (
    EMPTY_FROM_THE_START,
    EMPTY_IN_TURN,
    EMPTY_MID_RUN,
    reference_run,
    sqdist_to,
)
from tests.kmeans.test_metrics import random_labels
from tests.kmeans.test_sweep import arrays
from tests.support.ensembles import ugly
from tests.support.sweeps import assert_sweeps_alike
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.errors import DeviceError, SettingsError, TracesError
from umlpsd_gpu.kmeans import distances as geometry
from umlpsd_gpu.kmeans import gpu_distances as device_geometry
from umlpsd_gpu.kmeans import gpu_lloyd as device_kmeans
from umlpsd_gpu.kmeans.gpu import silhouette_samples_on_device
from umlpsd_gpu.kmeans.gpu_metrics import metrics_on_device
from umlpsd_gpu.kmeans.metrics import metrics_of, silhouette_samples
from umlpsd_gpu.kmeans.restarts import Restarts
from umlpsd_gpu.kmeans.result import BY_EPOCH
from umlpsd_gpu.kmeans.sweep import sweep

WAYS = ("restart", "pairs", "points")
# ensembles without ties: which of two equally near centroids wins is a matter of the last bit
NO_TIES = ("raw", "binned", "wide", "tall", "few", "one_sample")


@pytest.fixture
def go(monkeypatch):
    """Make the device take one of its ways, whatever the size of the ensemble."""

    def choose(way):
        most = {"restart": 1 << 20, "pairs": 0, "points": 0}[way]
        monkeypatch.setattr(device_geometry, "MOST_TRACES_OF_RESTART", most)
        monkeypatch.setattr(device_geometry, "MAX_PAIR_BYTES", 0 if way == "points" else 1 << 40)
        monkeypatch.setattr(device_geometry, "PAIRS_PER_SAMPLE", 1 << 20)

    return choose


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", NO_TIES)
def test_equals_the_cpu(cupy, go, kind, way, metric):
    values = ugly(kind)
    arguments = {"k_values": range(1, 7), "n_epochs": 4, "silhouette_metric": metric}
    expected = sweep(values, **arguments)
    go(way)
    found = sweep(cupy.asarray(values), **arguments)
    assert_sweeps_alike(found, expected)
    assert found.engine == "batched"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["duplicates", "constant_traces", "two_traces_far_away"])
def test_partitions_of_ugly_ensembles_are_as_good(cupy, go, kind, way):
    values = ugly(kind)
    expected = sweep(values, range(1, 6), n_epochs=10)
    go(way)
    found = sweep(cupy.asarray(values), range(1, 6), n_epochs=10)
    assert found.ssd.min(axis=1) == pytest.approx(expected.ssd.min(axis=1), rel=1e-6, abs=1e-9)
    assert found.ssd.mean() == pytest.approx(expected.ssd.mean(), rel=0.05)


def test_more_clusters_than_distinct_traces_leaves_clusters_empty(cupy, go):
    values = np.repeat([[0.0, 1.0], [1.0, 0.0]], 4, axis=0)
    for way in WAYS:
        go(way)
        found = sweep(cupy.asarray(values), [5], n_epochs=6)
        for labels in found.labels[0]:
            assert adjusted_rand_score(np.repeat([0, 1], 4), labels) == 1
        assert found.ssd == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("way", ["pairs", "points"])
@pytest.mark.parametrize(("line", "start"), [EMPTY_FROM_THE_START, EMPTY_MID_RUN, EMPTY_IN_TURN])
def test_an_empty_cluster_restarts_at_the_farthest_trace(cupy, go, line, start, way):
    values, starts = np.array(line, float)[:, None], np.array(start)[None, :, None]
    go(way)
    one = Restarts(np.array([len(start)]), np.array([0]), 0, cupy)
    chosen = device_geometry.device_geometry_of(cupy.asarray(values), len(start), "sqeuclidean")
    sqdist = sqdist_to(starts, values)[:, 0]
    labels = cupy.asarray(sqdist.argmin(axis=0)[None].astype(np.int16))
    least = cupy.asarray(sqdist.min(axis=0)[None])
    found, _ = device_kmeans._lloyd(chosen, one, labels, least, 100)
    expected = reference_run(values, starts[0]).labels_
    assert adjusted_rand_score(expected, cupy.asnumpy(found)[0]) == 1


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("way", ["pairs", "points"])
def test_metrics_of_any_labels_equal_the_cpus(cupy, go, way, metric):
    """Random labels, some clusters empty, some of one trace, a labelling of a single cluster."""
    values = ugly("binned")
    labels = random_labels(len(values), 5, 6).astype(np.int16)
    labels[0] = 3
    labels[1, labels[1] == 2] = 0
    labels[2] = np.where(np.arange(len(values)) == 7, 4, 0)
    points = geometry.PointGeometry(values - values.mean(axis=0))
    expected = metrics_of(points, labels, 5, metric)
    go(way)
    restarts = Restarts.of(np.array([5]), len(labels), 0, cupy)
    chosen = device_geometry.device_geometry_of(cupy.asarray(values), restarts.n_rows, metric)
    on_device = cupy.asarray(labels)
    found = metrics_on_device(chosen, restarts, on_device, metric).on_host()
    for name in BY_EPOCH:
        close = pytest.approx(getattr(expected, name), rel=1e-9, nan_ok=True)
        assert getattr(found, name) == close, name
    assert np.array_equal(found.below_percent, expected.below_percent, equal_nan=True)
    samples = silhouette_samples_on_device(cupy.asarray(values), labels[3], metric)
    assert samples == pytest.approx(silhouette_samples(values, labels[3], metric), abs=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_bits_repeat_and_do_not_depend_on_the_memory_left(cupy, go, way, monkeypatch):
    values = cupy.asarray(ugly("binned"))
    go(way)
    whole = sweep(values, range(1, 8), n_epochs=5)
    again = sweep(values, range(1, 8), n_epochs=5)
    monkeypatch.setattr("umlpsd_gpu.compute.device_memory.free_bytes", lambda: 1)
    one_by_one = sweep(values, range(1, 8), n_epochs=5)
    for name, value in arrays(whole).items():
        assert arrays(again)[name].tobytes() == value.tobytes(), name
        assert arrays(one_by_one)[name].tobytes() == value.tobytes(), name


def test_bits_do_not_depend_on_the_order_of_threads(on_cpu, go):
    values = on_cpu.asarray(ugly("few"))
    for way in WAYS:
        go(way)
        results = []
        for on_cpu.raw.ORDER["seed"] in (0, 1, 2):
            results.append(arrays(sweep(values, range(1, 6), n_epochs=3)))
        for name, value in results[0].items():
            assert all(r[name].tobytes() == value.tobytes() for r in results), (way, name)


def test_out_of_memory_halves_the_block_and_goes_on(on_cpu, go, caplog, monkeypatch):
    values = on_cpu.asarray(ugly("binned"))
    go("points")
    monkeypatch.setattr(device_geometry, "PANEL_BYTES", 1)
    expected = arrays(sweep(values, range(1, 7), n_epochs=8))
    n_rows = 2 * device_geometry.ROWS_MULTIPLE  # of 168 clusters in all
    on_cpu.DEVICE.largest_allocation = 8 * n_rows * values.shape[0]
    with caplog.at_level(logging.WARNING, logger="umlpsd_gpu"):
        found = arrays(sweep(values, range(1, 7), n_epochs=8))
    assert "ran out of memory: going on with blocks of" in caplog.text
    for name, value in expected.items():
        assert found[name].tobytes() == value.tobytes(), name


def test_a_device_too_small_for_one_restart_says_so(on_cpu, go):
    values = on_cpu.asarray(ugly("binned"))
    go("points")
    on_cpu.DEVICE.largest_allocation = 1_000
    with pytest.raises(DeviceError, match="too little for the smallest piece of the work"):
        sweep(values, [4], n_epochs=2)


def test_the_host_waits_for_the_device_once_in_many_iterations(on_cpu, go, monkeypatch):
    values = on_cpu.asarray(np.random.default_rng(0).random((300, 2)))
    go("points")
    down = on_cpu.asnumpy
    downloads = []
    monkeypatch.setattr(on_cpu, "asnumpy", lambda array: downloads.append(1) or down(array))
    found = sweep(values, [8], n_epochs=20)
    n_iterations = int(found.n_iterations.max())
    n_looks = -(-n_iterations // device_kmeans.ITERATIONS_PER_LOOK)
    n_results = 3  # labels, iterations and metrics, brought down at the end
    assert n_iterations > 2 * device_kmeans.ITERATIONS_PER_LOOK
    assert len(downloads) == n_looks + n_results


def test_curves_with_nan_are_refused(cupy):
    values = ugly("few")
    values[2, 3] = np.nan
    with pytest.raises(TracesError, match="1 of 7 curves hold NaN"):
        sweep(cupy.asarray(values), [2])


def test_scikit_learn_stays_on_the_cpu(cupy):
    with pytest.raises(SettingsError, match="doesn't run on a GPU; choose auto, batched or cuml"):
        sweep(cupy.asarray(ugly("few")), [2], engine="sklearn")


def test_distances_are_symmetric_and_exact_for_equal_traces(cupy):
    values = ugly("duplicates")
    sqdist = cupy.asnumpy(device_geometry.pairwise_sqeuclidean(cupy.asarray(values)))
    expected = ((values[:, None] - values[None]) ** 2).sum(axis=2)
    assert sqdist == pytest.approx(expected, rel=SUM_FLOAT64, abs=0)
    assert np.array_equal(sqdist, sqdist.T)
    assert not sqdist[0, :3].any()
