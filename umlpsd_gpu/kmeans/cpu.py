"""Restarts of K-means on the CPU: cut into blocks of epochs, several of them at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.kmeans.blocks import Block, BlockResult, BlockResults
from umlpsd_gpu.kmeans.distances import PointGeometry, geometry_of
from umlpsd_gpu.kmeans.engines import RunRestarts, run_batched
from umlpsd_gpu.kmeans.geometry import Geometry
from umlpsd_gpu.kmeans.lloyd import draw_uniforms
from umlpsd_gpu.kmeans.native import is_compiled
from umlpsd_gpu.kmeans.native_points import has_kernel
from umlpsd_gpu.kmeans.options import SweepOptions

# Bytes of one (K, epochs, n_traces) plane set: small enough to stay in a core's cache. Part of the
# result's definition, since the height of a product may touch its last bit.
BLOCK_BYTES = 8 << 20
# Epochs of a block of compiled K-means of points, at least: products that choose starts, and passes
# over the points, serve that many at a time.
LEAST_EPOCHS = 8
# Where compiled K-means has both, points are faster than pairs from 600 traces on with six times
# fewer samples (docs/optimisation_log.md)
LEAST_TRACES_AS_POINTS, TRACES_PER_SAMPLE = 600, 6


def sweep_on_cpu(
    curves: np.ndarray,
    ks: np.ndarray,
    options: SweepOptions,
    run_restarts: RunRestarts,
    judged: np.ndarray | None,
    n_threads: int,
) -> BlockResults:
    """Run every epoch of every K and compute the metrics.

    Parameters
    ----------
    curves : ndarray, shape (n_traces, n_samples), float64
        Finite.
    ks : ndarray of int
        Numbers of clusters, ascending.
    options : SweepOptions
    run_restarts : callable
        The engine; see `engines`.
    judged : ndarray, shape (n_judged,), int, or None
        Traces that get a silhouette; None: all of them.
    n_threads : int

    Returns
    -------
    dict of Block to BlockResult
    """
    # one BLAS thread per block: the same bits on any number of threads (OpenBLAS sums in another
    # order when it splits a product itself)
    with threadpool_limits(limits=1), thread_pool(n_threads) as pool:
        compiled = is_compiled(len(curves), options.silhouette_metric, judged)
        by_pairs = compiled and run_restarts is run_batched and not _prefer_points(*curves.shape)
        geometry = geometry_of(
            curves,
            pool,
            options.silhouette_metric,
            judged,
            prefer_pairs=by_pairs,
        )
        if isinstance(geometry, PointGeometry) and run_restarts is run_batched and has_kernel():
            geometry.keep_principal()

        def run_block(part: Geometry, uniforms: np.ndarray) -> BlockResult:
            return run_restarts(curves, part, uniforms, options)

        return run_blocks(pool, geometry, ks, options, run_block)


def _prefer_points(n_traces: int, n_samples: int) -> bool:
    """Return whether compiled K-means on points is faster than on pairs, where both can be had."""
    return n_traces >= LEAST_TRACES_AS_POINTS and TRACES_PER_SAMPLE * n_samples <= n_traces


def run_blocks(
    pool: Executor,
    geometry: Geometry,
    ks: np.ndarray,
    options: SweepOptions,
    run_block: Callable[[Geometry, np.ndarray], BlockResult],
    n_ensembles: int = 1,
) -> BlockResults:
    """Cut the epochs of every K into blocks and run them in a pool.

    Parameters
    ----------
    pool : Executor
        Threads, with one BLAS thread each.
    geometry : Geometry
        Of ``n_ensembles`` · ``n_epochs`` epochs: all of the first ensemble, then of the next. The
        starts of the e-th epoch are drawn from the same random numbers in every ensemble.
    ks : ndarray of int
        Numbers of clusters, ascending.
    options : SweepOptions
        ``n_epochs`` counts the epochs of one ensemble.
    run_block : callable
        Takes the geometry of a block and its random numbers, (n_epochs, K, n_trials).
    n_ensembles : int

    Returns
    -------
    dict of Block to BlockResult
    """

    def run(block: Block) -> BlockResult:
        uniforms = draw_uniforms(block.n_clusters, options.n_epochs, options.seed)
        epochs = np.arange(block.start, block.stop) % options.n_epochs
        return run_block(geometry.part(slice(block.start, block.stop)), uniforms[epochs])

    is_principal = isinstance(geometry, PointGeometry) and geometry.principal is not None
    least = LEAST_EPOCHS if is_principal else 1
    blocks = _cut_into_blocks(ks, n_ensembles * options.n_epochs, geometry.n_traces, least)
    return dict(zip(blocks, pool.map(run, blocks), strict=True))


def _cut_into_blocks(ks: np.ndarray, n_epochs: int, n_traces: int, least: int) -> list[Block]:
    """Return the blocks, the longest work first; they depend on the size of the problem alone."""
    blocks = []
    for k in ks[::-1].tolist():
        height = max(least, BLOCK_BYTES // (8 * k * n_traces))
        starts = range(0, n_epochs, height)
        blocks += [Block(k, start, min(start + height, n_epochs)) for start in starts]
    return blocks
