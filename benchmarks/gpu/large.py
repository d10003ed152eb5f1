"""A large ensemble: 100,000 curves of 150 samples, K 2…15, 100 epochs, exact silhouettes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from gpu import card, ceilings, clock, ways
from gpu.ensembles import clustered
from gpu.grid import same_bits
from gpu.proof import Proof
from umlpsd_gpu.compute.device_memory import free_bytes
from umlpsd_gpu.errors import DeviceError
from umlpsd_gpu.kmeans import gpu_lloyd as device_kmeans
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.gpu import silhouette_samples_on_device
from umlpsd_gpu.kmeans.gpu_distances import device_geometry_of
from umlpsd_gpu.kmeans.metrics import metrics_of
from umlpsd_gpu.kmeans.restarts import Restarts
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import sweep

N_FULL, N_SAMPLES = 100_000, 150
REQUIRED_S = 60.0
METRICS = ("silhouette", "calinski_harabasz", "ssd", "smallest_cluster_silhouette")
CLOSE = 1e-9
N_DIRECT = 50
# Of the pool's size in a run with room enough: what a run may take whose blocks must be halved
SHARES_OF_MEMORY = (0.6, 0.45, 0.3)


def run(proof: Proof) -> None:
    """Time and check the large sweep; then its bits, the other metric, the ways of K-means."""
    ks, n_epochs = proof.size(range(2, 16), range(2, 5)), proof.size(100, 16)
    # the least that in_blocks can work with is one restart; a twentieth of them is fast enough
    bytes_per_trace = 8 * (5 * max(ks) + 2) * max(1, n_epochs * len(ks) // 20)
    n_traces = card.that_fit(proof.size(N_FULL, 90), bytes_per_trace)
    points = clustered(n_traces, proof.size(N_SAMPLES, 8))
    curves = proof.cupy.asarray(points)
    sweep(curves, ks, n_epochs=1)  # compiles, makes cuBLAS's handle
    seconds, found = clock.once(lambda: sweep(curves, ks, n_epochs))
    if not _metrics_are_right(proof, points, found):
        proof.note("a metric is wrong: no time counts")
        return
    timing = clock.Timing(seconds, _again(proof, curves, ks, n_epochs, seconds, found))
    proof.judge("large time", str(timing), seconds <= REQUIRED_S, n_traces == N_FULL)
    _table(proof, found, timing, points.shape)
    _iteration(proof, curves, found)
    _bits(proof, ks, n_epochs)
    if proof.rehearse or proof.seconds_left() > 3 * seconds + 20:
        _euclidean(proof, points, curves, found, ks, n_epochs)
    else:
        proof.note("Euclidean silhouettes: no time left")
    ways.compare(proof)


def _again(
    proof: Proof, curves: Any, ks: range, n_epochs: int, seconds: float, found: Sweep
) -> float:
    """Return the seconds of one more run, NaN where there is no time for it."""
    if not proof.rehearse and proof.seconds_left() < 4 * seconds + 30:
        proof.note("timed once: no time left for another run")
        return float("nan")
    seconds_again, again = clock.once(lambda: sweep(curves, ks, n_epochs))
    if not same_bits(found, again):
        raise AssertionError("two runs of the large sweep differ")
    return seconds_again


def _iteration(proof: Proof, curves: Any, found: Sweep) -> None:
    """Time the steps of one iteration of all restarts together, over the bytes they move."""
    cupy, (n_traces, n_samples) = proof.cupy, curves.shape
    restarts = Restarts.of(found.k_values, found.n_epochs, 0, cupy)
    plane = 8.0 * restarts.n_rows * n_traces
    if 4 * plane > free_bytes():
        proof.note("the steps apart: not enough memory for all restarts at once")
        return
    geometry = device_geometry_of(curves, restarts.n_rows, "sqeuclidean")
    labels = cupy.asarray(found.labels.reshape(-1, n_traces))
    weights = device_kmeans.ClusterWeights.of(restarts, n_traces, geometry.panel)
    state = device_kmeans._State.of(restarts, n_traces)
    weights.fill(labels)
    products = geometry.products(weights.rows)
    steps = {
        "update: write the weights": (lambda: weights.fill(labels), plane, 0.0),
        "products: weights × traces, centroids × traces": (
            lambda: geometry.products(weights.rows),
            2 * plane,
            4.0 * restarts.n_rows * n_traces * n_samples,
        ),
        "assign: read the products": (
            lambda: state.assign(products, weights.counts, 0),
            plane,
            0.0,
        ),
    }
    rows = []
    for name, (work, n_bytes, flops) in steps.items():
        seconds = clock.on_device(proof, work).seconds
        of_copy = n_bytes / seconds / ceilings.of(proof, "copy")
        of_peak = f"{100 * flops / seconds / ceilings.of(proof, 'float64'):.0f} %" if flops else ""
        rows.append((name, clock.text(seconds), f"{100 * of_copy:.0f} %", of_peak))
    columns = ("step", "time", "of the copy bandwidth", "of float64")
    title = f"One iteration of all {len(restarts)} restarts ({restarts.n_rows} rows, panels of "
    proof.table(f"{title}{geometry.panel})", columns, rows)


def _table(proof: Proof, found: Sweep, timing: clock.Timing, shape: tuple[int, ...]) -> None:
    n_rows = int((found.n_iterations * found.k_values[:, None]).sum())
    n_traces, n_samples = shape
    flops = 4.0 * n_rows * n_traces * n_samples
    n_restarts = found.n_iterations.size
    rows = [
        ("whole sweep, results on the host", str(timing)),
        ("iterations: mean, most", f"{found.n_iterations.mean():.1f}, {found.n_iterations.max()}"),
        (
            "two products an iteration of the restarts that still ran",
            f"{flops / 1e12:.3g} Tflop: at least "
            f"{clock.text(flops / ceilings.of(proof, 'float64'))} at the float64 ceiling",
        ),
    ]
    proof.table(f"{n_traces} × {n_samples}, {n_restarts} restarts", ("what", "measured"), rows)


def _metrics_are_right(proof: Proof, points: np.ndarray, found: Sweep) -> bool:
    """Compare the metrics of one labelling of a few K with NumPy's."""
    geometry = PointGeometry(points - points.mean(axis=0))
    worst = 0.0
    for i in sorted({0, len(found.k_values) // 2, len(found.k_values) - 1}):
        k = int(found.k_values[i])
        expected = metrics_of(geometry, found.labels[i, :1], k, "sqeuclidean")
        for name in METRICS:
            ours, theirs = getattr(found, name)[i, 0], getattr(expected, name)[0]
            worst = max(worst, abs(ours - theirs) / max(abs(theirs), 1e-3))
        gap = np.abs(found.below_percent[:, i, 0] - expected.below_percent[:, 0]).max()
        # a silhouette within rounding of a threshold may fall on either side of it
        worst = max(worst, 0.0 if gap <= 200 / len(points) else gap)
    proof.judge("large metrics", f"{worst:.1e}", worst <= CLOSE)
    return worst <= CLOSE


def _bits(proof: Proof, ks: range, n_epochs: int) -> None:
    """Sweep a tenth twice, then again with so little memory that blocks are halved."""
    cupy = proof.cupy
    points = clustered(proof.size(N_FULL // 10, 60), proof.size(N_SAMPLES, 8), seed=1)
    curves = cupy.asarray(points)
    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    first, again = (sweep(curves, ks, n_epochs) for _ in range(2))
    same = same_bits(first, again)
    proof.judge("large bits", "the same" if same else "they differ", same)
    room = pool.total_bytes()
    if not room:
        proof.note("every array is its own allocation here: blocks can't be halved by a limit")
        return
    for share in SHARES_OF_MEMORY:
        with _limited(pool, int(share * room)), _halvings() as halvings:
            try:
                narrow = sweep(curves, ks, n_epochs)
            except DeviceError as error:
                proof.note(f"with {share * room / 1e6:.3g} MB not even one restart fits: {error}")
                break
        if halvings:
            same = same_bits(first, narrow)
            measured = f"{'the same' if same else 'they differ'}, after {len(halvings)} halvings"
            proof.judge("large blocks", measured, same)
            return
    proof.note("no limit made the blocks smaller: not compared")


@contextmanager
def _limited(pool: Any, n_bytes: int) -> Iterator[None]:
    before = pool.get_limit()
    pool.free_all_blocks()
    pool.set_limit(size=n_bytes)
    try:
        yield
    finally:
        pool.set_limit(size=before)


@contextmanager
def _halvings() -> Iterator[list[str]]:
    """Collect what the engine logs about memory."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    log = logging.getLogger("umlpsd_gpu")
    propagated, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield messages
    finally:
        log.removeHandler(handler)
        log.propagate = propagated


def _euclidean(
    proof: Proof, points: np.ndarray, curves: Any, squared: Sweep, ks: range, n_epochs: int
) -> None:
    """Time the sweep with Euclidean silhouettes, and check some of them one by one."""
    seconds, found = clock.once(lambda: sweep(curves, ks, n_epochs, silhouette_metric="euclidean"))
    labels = found.labels[-1, 0]
    samples = silhouette_samples_on_device(curves, labels, "euclidean")
    chosen = np.random.default_rng(0).choice(len(points), min(N_DIRECT, len(points)), replace=False)
    gap = np.abs(samples[chosen] - direct_silhouettes(points, labels, chosen)).max()
    gap = max(gap, abs(samples.mean() - found.silhouette[-1, 0]))
    if gap > CLOSE:
        raise AssertionError(f"Euclidean silhouettes differ from direct ones by {gap:.1e}")
    n_rows = found.n_epochs * int(found.k_values.sum())
    flops = 2.0 * n_rows * len(points) ** 2
    proof.note(
        f"Euclidean silhouettes: {clock.text(seconds)}; {len(chosen)} of them by direct distances: "
        f"{gap:.1e} apart at most; labels {'' if _same_labels(found, squared) else 'NOT '}those of "
        f"the squared ones; the products alone are {flops / 1e12:.3g} Tflop, "
        f"{clock.text(flops / ceilings.of(proof, 'float64'))} at the ceiling"
    )


def direct_silhouettes(points: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the Euclidean silhouettes of some curves from their distances to all others."""
    distance = cdist(points[chosen], points)
    counts = np.bincount(labels)
    mean = np.stack([distance[:, labels == c].sum(axis=1) for c in range(len(counts))])
    own = labels[chosen]
    at = np.arange(len(chosen))
    inside = mean[own, at] / np.maximum(counts[own] - 1, 1)
    mean /= np.maximum(counts, 1)[:, None]
    mean[own, at] = np.inf
    mean[counts == 0] = np.inf
    outside = mean.min(axis=0)
    return np.where(counts[own] > 1, (outside - inside) / np.maximum(inside, outside), 0.0)


def _same_labels(one: Sweep, other: Sweep) -> bool:
    return bool(np.array_equal(one.labels, other.labels))
