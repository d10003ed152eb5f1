"""The kernels of K-means: each against its twin, with the same bits at any block size and order."""

import itertools

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.kmeans import lloyd as kmeans
from umlpsd_gpu.kmeans.distances import PairGeometry
from umlpsd_gpu.kmeans.gpu_lloyd import _shared_bytes
from umlpsd_gpu.kmeans.membership import Members

BLOCKS = (32, 64, 96, 256, 1024)
SIZES = (2, 31, 97, 300)


def pairs_of(n_traces, n_samples=3, seed=0):
    points = np.random.default_rng(seed).normal(size=(n_traces, n_samples))
    return PairGeometry(((points[:, None] - points[None]) ** 2).sum(axis=2))


def seeded(cupy, pairs, uniforms, block=128):
    """Run all steps of the seeding with the candidates' distances taken from the pairs."""
    n_runs, n_clusters, n_trials = uniforms.shape
    sqdist = cupy.asarray(pairs.sqdist)
    candidates = cupy.full((n_runs, n_trials), -1, dtype=cupy.int64)
    candidates[:, 0] = cupy.asarray((uniforms[:, 0, 0] * pairs.n_traces).astype(np.int64))
    nearest = cupy.full((n_runs, pairs.n_traces), np.nan)
    chosen = cupy.full((n_runs, n_clusters), -1, dtype=cupy.int64)
    on_device = cupy.asarray(uniforms)
    for step in range(n_clusters):
        n_candidates = n_trials if step else 1
        rows = cupy.ascontiguousarray(sqdist[candidates[:, :n_candidates].ravel()])
        sizes = step, n_candidates, n_clusters, n_trials, pairs.n_traces
        kernel("kmeans_seed")(n_runs, block, rows, on_device, *sizes, candidates, nearest, chosen)
    return cupy.asnumpy(chosen), cupy.asnumpy(nearest)


def restarted(cupy, pairs, ks, n_epochs=3, block=128, max_iter=100):
    """Run whole restarts of several K, mixed."""
    of_k = [kmeans.draw_uniforms(k, n_epochs, 0) for k in ks]
    runs = [of_one for uniforms in of_k for of_one in uniforms]
    n_clusters = np.array([len(u) for u in runs])
    first = np.concatenate([[0], np.cumsum([u.size for u in runs])])[:-1]
    labels = cupy.full((len(runs), pairs.n_traces), -1, dtype=cupy.int16)
    n_iterations = cupy.full(len(runs), -1, dtype=cupy.int64)
    kernel("kmeans_restart")(
        len(runs),
        block,
        cupy.asarray(pairs.sqdist),
        len(runs),
        cupy.asarray(np.concatenate([u.ravel() for u in runs])),
        cupy.asarray(n_clusters),
        cupy.asarray(np.array([u.shape[1] for u in runs])),
        cupy.asarray(first),
        pairs.n_traces,
        max_iter,
        labels,
        n_iterations,
        shared_bytes=_shared_bytes(pairs.n_traces, max(ks)),
    )
    return cupy.asnumpy(labels), cupy.asnumpy(n_iterations)


def updated(cupy, labels, first_row, least=None, running=None, block=128):
    n_runs, n_traces = labels.shape
    averaged = cupy.full((n_runs, n_traces), -7, dtype=cupy.int16)
    counts = cupy.full(int(first_row[-1]), -7, dtype=cupy.int64)
    weights = cupy.full((int(first_row[-1]), n_traces), np.nan)
    kernel("kmeans_update")(
        n_runs,
        block,
        cupy.asarray(labels),
        cupy.asarray(first_row),
        None if running is None else cupy.asarray(running),
        n_traces,
        None if least is None else cupy.asarray(least),
        averaged,
        counts,
        weights,
    )
    return cupy.asnumpy(averaged), cupy.asnumpy(counts), cupy.asnumpy(weights)


def same_bits(results):
    first, *others = results
    return all(a.tobytes() == b.tobytes() for r in others for a, b in zip(first, r, strict=True))


@pytest.mark.parametrize("n_traces", SIZES)
def test_seeds_equal_the_twins(cupy, n_traces):
    pairs = pairs_of(n_traces)
    for k in {1, 2, min(7, n_traces), min(15, n_traces)}:
        uniforms = kmeans.draw_uniforms(k, 5, 1)
        chosen, nearest = seeded(cupy, pairs, uniforms)
        expected = kmeans.starting_traces(pairs, uniforms)
        assert np.array_equal(chosen, expected)
        assert np.array_equal(nearest, pairs.sqdist[expected].min(axis=1))


def test_seeds_of_equal_traces_are_drawn_from_the_first(cupy):
    """No mass is left to draw from: every index has probability 0, as on the CPU."""
    pairs = PairGeometry(np.zeros((40, 40)))
    uniforms = kmeans.draw_uniforms(4, 3, 0)
    chosen, _ = seeded(cupy, pairs, uniforms)
    assert np.array_equal(chosen, kmeans.starting_traces(pairs, uniforms))


@pytest.mark.parametrize("n_traces", SIZES)
def test_restarts_equal_the_twins(cupy, n_traces):
    pairs = pairs_of(n_traces)
    ks = sorted({1, 2, min(6, n_traces), min(15, n_traces)})
    labels, n_iterations = restarted(cupy, pairs, ks)
    for i, k in enumerate(ks):
        starts = kmeans.starting_traces(pairs, kmeans.draw_uniforms(k, 3, 0))
        expected, iterations = kmeans.lloyd(pairs, pairs.sqdist_from(starts.T))
        assert np.array_equal(labels[3 * i : 3 * i + 3], expected), k
        assert np.array_equal(n_iterations[3 * i : 3 * i + 3], iterations), k


def test_restarts_stop_at_max_iter(cupy):
    pairs = pairs_of(300)
    _, n_iterations = restarted(cupy, pairs, [15], max_iter=3)
    assert (n_iterations == 3).all()


@pytest.mark.parametrize("n_traces", [1, 31, 97, 300])
def test_updates_equal_the_twins(cupy, n_traces):
    rng = np.random.default_rng(n_traces)
    n_clusters = np.array([1, 5, 3, 15])
    first_row = np.concatenate([[0], np.cumsum(n_clusters)])
    labels = np.stack([rng.integers(0, k, n_traces) for k in n_clusters]).astype(np.int16)
    averaged, counts, weights = updated(cupy, labels, first_row)
    assert np.array_equal(averaged, labels)
    for run, k in enumerate(n_clusters):
        members = Members.of_all(labels[run : run + 1], int(k))
        rows = slice(first_row[run], first_row[run + 1])
        assert np.array_equal(counts[rows], members.counts)
        assert np.array_equal(weights[rows], members.weights())


def test_empty_clusters_get_the_farthest_traces(cupy):
    rng = np.random.default_rng(4)
    labels = np.array([rng.choice([0, 2, 3], 60), np.full(60, 1)], dtype=np.int16)
    least = rng.random(labels.shape)
    averaged, counts, _ = updated(cupy, labels, np.array([0, 5, 9]), least)
    for run, k in enumerate((5, 4)):
        expected = kmeans._fill_empty_clusters(labels[run : run + 1], least[run : run + 1], k)[0]
        if run == 1:  # three at once: NumPy's partition orders the farthest, but not the others
            assert set(np.flatnonzero(averaged[1] != 1)) == set(np.argsort(least[1])[-3:])
        else:
            assert np.array_equal(averaged[0], expected)
    assert counts.sum() == labels.size


def test_traces_on_their_centroids_stay(cupy):
    labels = np.array([[0] * 40], dtype=np.int16)
    averaged, counts, weights = updated(cupy, labels, np.array([0, 2]), np.zeros((1, 40)))
    assert np.array_equal(averaged, labels)
    assert counts.tolist() == [40, 0]
    assert not weights[1].any()


def test_converged_restarts_are_left_as_they_are(cupy):
    labels = np.zeros((2, 40), dtype=np.int16)
    averaged, counts, weights = updated(cupy, labels, np.array([0, 1, 2]), running=np.array([0, 1]))
    assert (averaged[0] == -7).all()
    assert counts.tolist() == [-7, 40]
    assert np.isnan(weights[0]).all()
    assert (weights[1] == 1 / 40).all()


@pytest.mark.parametrize("n_traces", [1, 31, 300])
def test_assignments_equal_the_twins(cupy, n_traces):
    """With a trace equally near to two centroids, an empty cluster, a converged restart."""
    rng = np.random.default_rng(n_traces)
    first_row = np.array([0, 4, 9, 11])
    products = rng.random((11, n_traces))
    products[2] = products[1]
    offsets, sqnorms = rng.random(11), rng.random(n_traces)
    offsets[2] = offsets[1]
    counts = np.array([3, 1, 2, 4, 5, 0, 2, 1, 1, 6, 6])
    labels = np.full((3, n_traces), -1, dtype=np.int16)
    distance = 2.0 * products + (sqnorms + offsets[:, None])
    expected = np.stack(
        [
            np.where(counts[a:b, None] > 0, distance[a:b], np.inf).argmin(0)
            for a, b in itertools.pairwise(first_row)
        ]
    )
    labels[0] = expected[0]  # this restart has converged
    of_device = [cupy.asarray(a) for a in (products, offsets, sqnorms, first_row, counts)]
    least = cupy.full((3, n_traces), np.nan)
    running, n_iterations = cupy.asarray(np.array([1, 1, 0])), cupy.asarray(np.array([4, 4, 2]))
    found = cupy.asarray(labels)
    kernel("kmeans_assign")(
        3,
        96,
        *of_device[:3],
        2.0,
        0.0,
        *of_device[3:],
        n_traces,
        5,
        found,
        least,
        running,
        n_iterations,
    )
    found, least = cupy.asnumpy(found), cupy.asnumpy(least)
    assert np.array_equal(found[:2], expected[:2])
    assert (found[2] == -1).all()
    assert np.isnan(least[2]).all()
    for run in (0, 1):
        nearest = distance[first_row[run] + expected[run], np.arange(n_traces)]
        assert least[run] == pytest.approx(nearest, rel=1e-14)
    assert cupy.asnumpy(running).tolist() == [0, 1, 0]
    assert cupy.asnumpy(n_iterations).tolist() == [5, 5, 2]


def test_same_bits_at_any_block_size(cupy):
    pairs = pairs_of(97)
    uniforms = kmeans.draw_uniforms(6, 4, 0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (2, 97)).astype(np.int16)
    least = rng.random((2, 97))
    assert same_bits([seeded(cupy, pairs, uniforms, block) for block in BLOCKS])
    assert same_bits([restarted(cupy, pairs, [2, 9], block=block) for block in BLOCKS])
    rows = np.array([0, 5, 10])
    assert same_bits([updated(cupy, labels, rows, least, block=block) for block in BLOCKS])


def test_same_bits_in_any_order_of_threads(on_cpu):
    pairs = pairs_of(97)
    uniforms = kmeans.draw_uniforms(6, 4, 0)
    seeds, restarts = [], []
    for ORDER["seed"] in range(4):
        seeds.append(seeded(on_cpu, pairs, uniforms))
        restarts.append(restarted(on_cpu, pairs, [2, 9]))
    assert same_bits(seeds)
    assert same_bits(restarts)


def test_distances_that_are_no_numbers_move_nothing_beyond_the_run(cupy):
    """Two clusters are empty, and one trace alone has a distance; what follows stays as it is."""
    labels = cupy.asarray(np.zeros((1, 40), np.int16))
    least = np.full((1, 40), np.nan)
    least[0, 7] = 1.0
    averaged = cupy.full((2, 40), -7, dtype=cupy.int16)
    counts, rows = cupy.full(3, -7, dtype=cupy.int64), cupy.full((3, 40), np.nan)
    kernel("kmeans_update")(
        *(1, 128, labels, cupy.asarray(np.array([0, 3])), None, 40, cupy.asarray(least)),
        *(averaged, counts, rows),
    )
    expected = np.zeros((2, 40), np.int16)
    expected[0, 7], expected[1] = 1, -7
    assert np.array_equal(cupy.asnumpy(averaged), expected)
    assert cupy.asnumpy(counts).tolist() == [39, 1, 0]
