"""Restarts of K-means on the CPU: cut into blocks of epochs, several of them at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from umlpsd_gpu.kmeans.distances import Geometry
from umlpsd_gpu.kmeans.gpu import Block, Found, OfBlock
from umlpsd_gpu.kmeans.lloyd import draw_uniforms

# Bytes of one (K, epochs, n_traces) plane set: small enough to stay in a core's cache. Part of the
# result's definition, since the height of a product may touch its last bit.
BLOCK_BYTES = 8 << 20

# (geometry, random numbers of the starts) → labels, iterations, metrics
FindRestarts = Callable[[Geometry, np.ndarray], OfBlock]


def find_on_cpu(
    pool: Executor,
    geometry: Geometry,
    ks: np.ndarray,
    n_epochs: int,
    seed: int,
    find_restarts: FindRestarts,
    n_ensembles: int = 1,
) -> Found:
    """Label and judge every epoch of every K.

    Parameters
    ----------
    pool : Executor
        Threads, with one BLAS thread each.
    geometry : Geometry
        Of ``n_ensembles`` · ``n_epochs`` epochs: all of the first ensemble, then of the next. The
        starts of the e-th epoch are drawn from the same random numbers in every ensemble.
    ks : ndarray of int
    n_epochs, seed
        As for `sweep`.
    find_restarts : callable
        Takes the geometry of a block and its random numbers, (n_epochs, K, n_trials).
    n_ensembles : int
    """

    def run_block(block: Block) -> OfBlock:
        k, start, stop = block
        uniforms = draw_uniforms(k, n_epochs, seed)[np.arange(start, stop) % n_epochs]
        return find_restarts(geometry.part(slice(start, stop)), uniforms)

    blocks = _blocks(ks, n_ensembles * n_epochs, geometry.n_traces)
    return dict(zip(blocks, pool.map(run_block, blocks), strict=True))


def _blocks(ks: np.ndarray, n_epochs: int, n_traces: int) -> list[Block]:
    """Return (k, first epoch, last epoch + 1), the longest work first, cut by size alone."""
    blocks = []
    for k in ks[::-1].tolist():
        height = max(1, BLOCK_BYTES // (8 * k * n_traces))
        starts = range(0, n_epochs, height)
        blocks += [(k, start, min(start + height, n_epochs)) for start in starts]
    return blocks
