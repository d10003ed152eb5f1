"""Random halves of an ensemble's traces, and their sweeps."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import is_on_device, n_cores
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.kmeans.blocks import BlockResult, BlockResults
from umlpsd_gpu.kmeans.cpu import run_blocks
from umlpsd_gpu.kmeans.distance_stack import PairStack
from umlpsd_gpu.kmeans.distances import pairwise_sqeuclidean
from umlpsd_gpu.kmeans.engines import run_batched
from umlpsd_gpu.kmeans.geometry import Geometry
from umlpsd_gpu.kmeans.gpu_stack import pairs_of_samples, sweep_stack
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.result import Sweep

# Halves hold no more traces than this: larger ones would cost time, and the scatter among halves
# can be scaled to the size of the ensemble (decision/confidence.py).
MOST_DRAWN = 150


def n_drawn(n_traces: int) -> int:
    """Return how many traces a sample holds: half of them, 150 at most.

    Parameters
    ----------
    n_traces : int

    Returns
    -------
    int
    """
    return min(n_traces // 2, MOST_DRAWN)


def half_samples(n_traces: int, seed: int, n_samples: int) -> np.ndarray:
    """Draw halves of the traces, in pairs that have no trace in common.

    Parameters
    ----------
    n_traces : int
        Size of the ensemble.
    seed : int
        The i-th pair depends on the seed, i and n_traces only.
    n_samples : int
        How many halves; even.

    Returns
    -------
    ndarray, shape (n_samples, n_drawn), int
        Which traces each half holds, ascending; rows 2i and 2i + 1 are a pair.
    """
    size = n_drawn(n_traces)
    drawn = [
        np.random.default_rng([seed, 2, pair]).permutation(n_traces)[: 2 * size].reshape(2, size)
        for pair in range(n_samples // 2)
    ]
    return np.sort(np.concatenate(drawn), axis=1)


def sweep_samples(
    values: Array,
    samples: np.ndarray,
    k_values: Iterable[int],
    options: SweepOptions,
    *,
    scale: str,
    n_threads: int | None = None,
) -> tuple[Sweep, ...]:
    """Sweep every sample of the traces as `sweep` does, all of them together.

    Parameters
    ----------
    values : array, shape (n_traces, n_points), finite
        NumPy; a CuPy array is swept on its GPU.
    samples : ndarray, shape (n_samples, n_drawn), int
        Which traces each sample holds, as `half_samples` returns them.
    k_values : iterable of int
        Numbers of clusters, each from 1 to n_drawn.
    options : SweepOptions
        Of each sample's sweep; ``budget_s`` is not used, all silhouettes are computed.
    scale : str
        Name of the representation, kept in the results.
    n_threads : int, optional
        Default: all cores.

    Returns
    -------
    tuple of Sweep
        One for each sample.
    """
    ks = np.unique(np.fromiter(k_values, dtype=int))
    if is_on_device(values):
        return sweep_stack(pairs_of_samples(values, samples), ks, options, [scale] * len(samples))
    blocks = _sweep_on_cpu(values, samples, ks, options, n_threads or n_cores())
    together = Sweep.of_blocks(
        blocks, ks, options, scale=scale, engine="batched", n_silhouettes=samples.shape[1]
    )
    starts = range(0, together.n_epochs, options.n_epochs)
    return tuple(together.part(slice(start, start + options.n_epochs)) for start in starts)


def _sweep_on_cpu(
    values: np.ndarray, samples: np.ndarray, ks: np.ndarray, options: SweepOptions, n_threads: int
) -> BlockResults:
    def run_block(geometry: Geometry, uniforms: np.ndarray) -> BlockResult:
        return run_batched(values, geometry, uniforms, options)

    with threadpool_limits(limits=1), thread_pool(n_threads) as pool:
        sqdist = _pairs_of_samples(values, samples, pool)
        geometry = PairStack(sqdist, np.repeat(np.arange(len(samples)), options.n_epochs))
        return run_blocks(pool, geometry, ks, options, run_block, len(samples))


def _pairs_of_samples(values: np.ndarray, samples: np.ndarray, pool: Executor) -> np.ndarray:
    """Return |x_i − x_j|² within each sample; (n_samples, n_drawn, n_drawn).

    From all pairs of traces where these are fewer than those of the samples.
    """
    if len(values) ** 2 <= samples.size * samples.shape[1]:
        pairs = pairwise_sqeuclidean(values, pool)
        of_samples: np.ndarray = pairs[samples[:, :, None], samples[:, None, :]]
        return of_samples
    return np.array([pairwise_sqeuclidean(values[drawn], pool) for drawn in samples])
