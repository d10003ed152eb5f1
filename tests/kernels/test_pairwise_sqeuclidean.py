"""pairwise_sqeuclidean: against plain loops, at any size, with the same bits at any block size."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans import gpu_distances

SIZES = [(1, 1), (2, 1), (31, 7), (32, 32), (33, 65), (97, 40)]


def launched(cupy, points, rows=None, block=128, **macros):
    n_traces, n_samples = points.shape
    n_rows = n_traces if rows is None else len(rows)
    out = cupy.full((n_rows, n_traces), np.nan)
    kernel("pairwise_sqeuclidean", BLOCK=block, **macros)(
        (-(-n_traces // 32), -(-n_rows // 32)),
        block,
        cupy.asarray(points),
        n_traces,
        n_samples,
        None if rows is None else cupy.asarray(rows),
        n_rows,
        0,
        out,
    )
    return cupy.asnumpy(out)


def between(points, rows=None):
    some = points if rows is None else points[rows]
    return np.array([[sum((x - y) ** 2) for y in points] for x in some])


@pytest.mark.parametrize(("n_traces", "n_samples"), SIZES)
def test_equals_plain_loops(cupy, n_traces, n_samples):
    points = np.random.default_rng(n_traces).normal(size=(n_traces, n_samples)) + 1e3
    found = launched(cupy, points)
    assert found == pytest.approx(between(points), rel=SUM_FLOAT64, abs=0)
    assert np.array_equal(found, found.T)


def test_some_rows_and_roots(cupy):
    points = np.random.default_rng(0).normal(size=(70, 11))
    rows = np.array([69, 0, 33, 33, *range(40)])
    found = launched(cupy, points, rows)
    assert found == pytest.approx(between(points, rows), rel=SUM_FLOAT64, abs=0)
    assert np.array_equal(launched(cupy, points, rows, ROOT=1), np.sqrt(found))


def test_same_bits_at_any_block_size(cupy):
    points = np.random.default_rng(1).normal(size=(45, 50))
    blocks = [32, 64, 128, 256, 512, 1024]
    results = {launched(cupy, points, block=block).tobytes() for block in blocks}
    assert len(results) == 1


def test_same_bits_in_any_order_of_threads(on_cpu):
    points = np.random.default_rng(1).normal(size=(45, 50))
    results = set()
    for ORDER["seed"] in range(4):
        results.add(launched(on_cpu, points).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("rows", [None, np.arange(69, -1, -1)])
def test_many_launches_are_one(cupy, monkeypatch, rows):
    points = np.random.default_rng(2).normal(size=(70, 11))
    some = None if rows is None else cupy.asarray(rows)
    expected = cupy.asnumpy(gpu_distances.pairwise_sqeuclidean(cupy.asarray(points), some))
    monkeypatch.setattr(gpu_distances, "MOST_TERMS_OF_LAUNCH", 1)
    found = cupy.asnumpy(gpu_distances.pairwise_sqeuclidean(cupy.asarray(points), some))
    assert found.tobytes() == expected.tobytes()
    assert found == pytest.approx(between(points, rows), rel=SUM_FLOAT64, abs=0)


def test_several_ensembles_at_once(cupy, monkeypatch):
    points = np.random.default_rng(3).normal(size=(5, 40, 7))
    on_device = cupy.asarray(points)
    found = cupy.asnumpy(gpu_distances.pairwise_sqeuclidean(on_device))
    alone = [cupy.asnumpy(gpu_distances.pairwise_sqeuclidean(each)) for each in on_device]
    assert found.tobytes() == np.array(alone).tobytes()
    monkeypatch.setattr(gpu_distances, "MOST_TERMS_OF_LAUNCH", 1)
    assert cupy.asnumpy(gpu_distances.pairwise_sqeuclidean(on_device)).tobytes() == found.tobytes()
