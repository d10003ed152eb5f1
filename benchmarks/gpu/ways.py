"""The two ways of K-means on the device, side by side: a block a restart, or products of all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpu import clock
from gpu.ensembles import clustered
from gpu.proof import Proof
from umlpsd_gpu.kmeans import gpu_distances as device_geometry
from umlpsd_gpu.kmeans import gpu_lloyd as device_kmeans
from umlpsd_gpu.kmeans.gpu_distances import DevicePairs, n_panel_rows, pairwise_sqeuclidean
from umlpsd_gpu.kmeans.gpu_lloyd import kmeans_labels
from umlpsd_gpu.kmeans.restarts import Restarts

SIZES = (128, 204, 512, 1024, 1500)
MAX_ITER = 100
LEAST_SECONDS = 15


def compare(proof: Proof) -> None:
    """Time both at several sizes, and note the value of the constant that suits them."""
    rows, fastest = [], []
    for n_traces in proof.size(SIZES, (20, 40)):
        if not proof.rehearse and proof.seconds_left() < LEAST_SECONDS:
            proof.note(f"the two ways of K-means: no time left from n = {n_traces} on")
            break
        row, restart_wins = _one_size(proof, n_traces)
        rows.append(row)
        fastest.append((n_traces, restart_wins))
    columns = ("n", "restart", "products", "runs with other labels")
    proof.table("K-means by its two ways, K 2…15 × 100 restarts on n² distances", columns, rows)
    won = [n for n, restart_wins in fastest if restart_wins]
    proof.note(
        f"“restart” is faster at n = {', '.join(map(str, won)) or 'none of these'}; "
        f"MOST_TRACES_OF_RESTART is {device_geometry.MOST_TRACES_OF_RESTART}"
    )


def _one_size(proof: Proof, n_traces: int) -> tuple[tuple[str, ...], bool]:
    cupy = proof.cupy
    curves = cupy.asarray(clustered(n_traces, proof.size(150, 10), seed=2))
    ks, n_epochs = proof.size(np.arange(2, 16), np.arange(2, 4)), proof.size(100, 2)
    restarts = Restarts.of(ks, n_epochs, 0, cupy)
    panel = n_panel_rows(n_traces, restarts.n_rows)
    geometry = DevicePairs(pairwise_sqeuclidean(curves), panel)

    def labels() -> Any:
        return kmeans_labels(geometry, restarts, MAX_ITER)[0]

    with _most_traces_of_restart(0):
        by_products = cupy.asnumpy(labels())
        products = clock.on_host(proof, labels)
    with _most_traces_of_restart(1 << 20):
        if not device_kmeans.fits_one_block(geometry.n_traces, restarts.most_clusters):
            return (str(n_traces), "doesn't fit a block", str(products), ""), False
        by_restart = cupy.asnumpy(labels())
        restart = clock.on_host(proof, labels)
    differ = int((by_products != by_restart).any(axis=1).sum())
    row = (str(n_traces), str(restart), str(products), f"{differ} of {len(restarts)}")
    return row, restart.seconds < products.seconds


@contextmanager
def _most_traces_of_restart(n_traces: int) -> Iterator[None]:
    before = device_geometry.MOST_TRACES_OF_RESTART
    device_geometry.MOST_TRACES_OF_RESTART = n_traces
    try:
        yield
    finally:
        device_geometry.MOST_TRACES_OF_RESTART = before
