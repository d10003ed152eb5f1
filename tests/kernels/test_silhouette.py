"""silhouette: against scikit-learn, empty and single clusters, same bits at any block size."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import METRIC_RTOL
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans.metrics import LEAST_MEMBERS, MOST_SEPARATION, THRESHOLDS


def launched(cupy, values, labels, n_clusters, metric="sqeuclidean", block=128):
    """Return the kernel's outputs for labellings with the same number of clusters."""
    n_runs, n_traces = labels.shape
    one_hot = labels[:, None, :] == np.arange(n_clusters)[:, None]
    counts = one_hot.sum(axis=2)
    weights = one_hot / np.maximum(counts, 1)[:, :, None]
    centroids = (weights @ values).reshape(n_runs * n_clusters, -1)
    sqdist = ((centroids[:, None] - values[None]) ** 2).sum(axis=2)
    mean_distance = None
    if metric == "euclidean":
        distance = np.sqrt(((values[:, None] - values[None]) ** 2).sum(axis=2))
        mean_distance = cupy.asarray((weights @ distance).reshape(-1, n_traces))
    out = [cupy.full((n_runs, n_traces), np.nan) for _ in range(2)]
    out += [cupy.full(n_runs, np.nan) for _ in range(5)]
    below = cupy.full((n_runs, THRESHOLDS.size), np.nan)
    n_filled = cupy.full(n_runs, -1, dtype=cupy.int64)
    kernel("silhouette")(
        n_runs,
        block,
        cupy.asarray(sqdist),
        cupy.zeros(n_runs * n_clusters),
        None,
        1.0,
        0.0,
        mean_distance,
        cupy.asarray(labels.astype(np.int16)),
        cupy.asarray(np.arange(n_runs + 1) * n_clusters),
        cupy.asarray(counts.ravel()),
        cupy.asarray(THRESHOLDS),
        THRESHOLDS.size,
        MOST_SEPARATION,
        LEAST_MEMBERS,
        n_traces,
        *out,
        below,
        n_filled,
        shared_bytes=24 * n_clusters,
    )
    return [cupy.asnumpy(a) for a in (*out, below, n_filled)]


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize(("n_traces", "n_clusters"), [(3, 2), (31, 4), (97, 15), (300, 3)])
def test_equals_scikit_learn(cupy, n_traces, n_clusters, metric):
    rng = np.random.default_rng(n_traces)
    values = rng.random((n_traces, 5))
    labels = rng.integers(0, n_clusters, (3, n_traces))
    labels[:, :n_clusters] = np.arange(n_clusters)
    samples, margins, mean, ssd, smallest, apart, least_apart, below, n_filled = launched(
        cupy, values, labels, n_clusters, metric
    )
    for run in range(3):
        expected = silhouette_samples(values, labels[run], metric=metric)
        of_clusters = [expected[labels[run] == c].mean() for c in range(n_clusters)]
        centroids = np.stack([values[labels[run] == c].mean(axis=0) for c in range(n_clusters)])
        assert samples[run] == pytest.approx(expected, rel=METRIC_RTOL, abs=1e-12)
        assert mean[run] == pytest.approx(expected.mean(), rel=METRIC_RTOL)
        assert smallest[run] == pytest.approx(min(of_clusters), rel=METRIC_RTOL)
        assert ssd[run] == pytest.approx(((values - centroids[labels[run]]) ** 2).sum())
        assert below[run] == pytest.approx([(expected < t).mean() for t in THRESHOLDS])
        assert n_filled[run] == n_clusters
        of_clusters = [margins[run][labels[run] == c] for c in range(n_clusters)]
        ratios = [m.mean() / m.std() if len(m) >= LEAST_MEMBERS else 0.0 for m in of_clusters]
        shares = [len(m) / n_traces for m in of_clusters]
        assert apart[run] == pytest.approx(np.dot(ratios, shares))
        assert least_apart[run] == pytest.approx(min(ratios))


def test_empty_clusters_count_for_nothing_and_one_cluster_has_no_silhouette(cupy):
    values = np.random.default_rng(0).random((40, 3))
    labels = np.stack([np.repeat([0, 4], 20), np.full(40, 2)])
    samples, _, mean, ssd, smallest, apart, least_apart, below, n_filled = launched(
        cupy, values, labels, 5
    )
    expected = silhouette_samples(values, labels[0], metric="sqeuclidean")
    assert samples[0] == pytest.approx(expected)
    assert smallest[0] == pytest.approx(min(expected[:20].mean(), expected[20:].mean()))
    for undefined in (samples[1], mean[1], smallest[1], apart[1], least_apart[1], below[1]):
        assert np.isnan(undefined).all()
    assert ssd[1] == pytest.approx(40 * values.var(axis=0).sum())
    assert n_filled.tolist() == [2, 1]


def test_same_bits_at_any_block_size_and_order(on_cpu):
    rng = np.random.default_rng(1)
    values, labels = rng.random((97, 4)), rng.integers(0, 6, (2, 97))
    results = [launched(on_cpu, values, labels, 6, block=b) for b in (32, 64, 96, 256, 1024)]
    for ORDER["seed"] in (1, 2):
        results.append(launched(on_cpu, values, labels, 6))
    for other in results[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(results[0], other, strict=True))
