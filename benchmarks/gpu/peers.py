"""K-means of others and ours, from the same starts: cuML, flash-kmeans, scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpu import card, clock
from gpu.ensembles import clustered
from gpu.proof import Proof
from umlpsd_gpu.kmeans.cuml import cuml_labels, cuml_version
from umlpsd_gpu.kmeans.gpu_distances import device_geometry_of
from umlpsd_gpu.kmeans.gpu_lloyd import kmeans_labels, starting_traces
from umlpsd_gpu.kmeans.restarts import Restarts

SIZES = (1_000, 10_000, 100_000)
N_SAMPLES, K, N_RESTARTS, MAX_ITER = 150, 8, 20, 100
LEAST_SECONDS = 8
# A device's function that returns labels (n_restarts, n_traces) in NumPy
Peer = Callable[[Any, np.ndarray], np.ndarray]


def run(proof: Proof) -> None:
    """Time 20 restarts at every size; the seeding is in ours, and given to the others."""
    n_restarts = proof.size(N_RESTARTS, 2)
    peers, columns = _peers(proof), ("n", "who", "time", "mean inertia", "ours / it")
    rows, faster = [], {}
    for n_traces in proof.size(SIZES, (40, 60)):
        if not proof.rehearse and proof.seconds_left() < LEAST_SECONDS:
            proof.note(f"no time left from n = {n_traces} on")
            break
        points = clustered(n_traces, proof.size(N_SAMPLES, 6), seed=3)
        rows += _one_size(proof, points, n_restarts, peers, faster)
    proof.table(f"{n_restarts} restarts, K = {K}, {N_SAMPLES} samples", columns, rows)
    _crossover(proof, faster)


def _peers(proof: Proof) -> dict[str, Peer]:
    """Return those that are installed, and note which are not."""
    found: dict[str, Peer] = {}
    if card.is_installed("cuml"):
        found[f"cuML {cuml_version()}"] = _by_cuml(proof)
    else:
        proof.note("cuML is not installed: not timed")
    if card.is_installed("flash_kmeans") and card.is_installed("torch"):
        found["flash-kmeans"] = by_flash_kmeans
    else:
        proof.note("flash-kmeans (with PyTorch) is not installed: not timed")
    return found


def _one_size(
    proof: Proof,
    points: np.ndarray,
    n_restarts: int,
    peers: dict[str, Peer],
    faster: dict[str, list[tuple[int, bool]]],
) -> list[tuple[str, ...]]:
    curves = proof.cupy.asarray(points)
    restarts = Restarts.of(np.array([K]), n_restarts, 0, proof.cupy)
    starts = proof.cupy.asnumpy(
        starting_traces(device_geometry_of(curves, restarts.n_rows, "sqeuclidean"), restarts)
    )

    def ours(curves: Any, starts: np.ndarray) -> np.ndarray:
        geometry = device_geometry_of(curves, restarts.n_rows, "sqeuclidean")
        return proof.cupy.asnumpy(kmeans_labels(geometry, restarts, MAX_ITER)[0])

    n = f"{len(points)}"
    timing, inertia = _measured(proof, ours, curves, points, starts)
    rows = [(n, "ours", str(timing), f"{inertia:.6g}", "1")]
    for name, peer in peers.items():
        other, its_inertia = _measured(proof, peer, curves, points, starts)
        faster.setdefault(name, []).append((len(points), other.seconds < timing.seconds))
        ratio = f"{timing.seconds / other.seconds:.3g}"
        rows.append((n, name, str(other), f"{its_inertia:.6g}", ratio))
    seconds, its_inertia = _by_scikit_learn(points, starts[0])
    name = "scikit-learn on the CPU, one restart"
    rows.append((n, name, clock.text(seconds), f"{its_inertia:.6g}", ""))
    return rows


def _measured(
    proof: Proof, peer: Peer, curves: Any, points: np.ndarray, starts: np.ndarray
) -> tuple[clock.Timing, float]:
    inertia = float(np.mean([inertia_of(points, own) for own in peer(curves, starts)]))
    return clock.on_host(proof, lambda: peer(curves, starts)), inertia


def inertia_of(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum of squared distances to the means of the clusters."""
    members = np.eye(int(labels.max()) + 1)[labels]
    counts = np.maximum(members.sum(axis=0), 1)[:, None]
    centroids = members.T @ points / counts
    return float(((points - centroids[labels]) ** 2).sum())


def _by_cuml(proof: Proof) -> Peer:
    def labels(curves: Any, starts: np.ndarray) -> np.ndarray:
        return proof.cupy.asnumpy(cuml_labels(curves, starts, MAX_ITER)[0])

    return labels


def by_flash_kmeans(curves: Any, starts: np.ndarray) -> np.ndarray:
    """Run flash-kmeans 0.x on all restarts as one batch, in float32.

    ``batch_kmeans_Euclid(x (B, N, D), n_clusters, max_iters, tol, init_centroids (B, K, D))``
    returns labels (B, N), centroids and iterations; its README and ``kmeans_api.py``.
    """
    import torch
    from flash_kmeans import batch_kmeans_Euclid

    points = torch.from_dlpack(curves.astype("float32"))
    batch = points.unsqueeze(0).repeat(len(starts), 1, 1)
    centroids = points[torch.from_numpy(starts).to(points.device)]
    labels = batch_kmeans_Euclid(
        batch, starts.shape[1], max_iters=MAX_ITER, tol=0.0, init_centroids=centroids
    )[0]
    return labels.cpu().numpy()


def _by_scikit_learn(points: np.ndarray, start: np.ndarray) -> tuple[float, float]:
    from sklearn.cluster import KMeans

    run = KMeans(len(start), init=points[start], n_init=1, max_iter=MAX_ITER, tol=0)
    seconds, fitted = clock.once(lambda: run.fit(points))
    return seconds, float(fitted.inertia_)


def _crossover(proof: Proof, faster: dict[str, list[tuple[int, bool]]]) -> None:
    """Say what belongs into ``kmeans/cuml.py``."""
    for name, found in faster.items():
        if not name.startswith("cuML"):
            continue
        n_from = None
        for n_traces, is_faster in reversed(found):
            if not is_faster:
                break
            n_from = n_traces
        card = proof.facts.get("card", "this card")
        if n_from is None:
            proof.note(f"{name} is slower up to n = {found[-1][0]}: CUML_FROM_TRACES = None")
        else:
            proof.note(f'CUML_FROM_TRACES = {n_from}; MEASURED_ON = "{card}, {name}"')
