"""A sweep is computed in blocks: some epochs of one K, on the CPU or on a GPU alike."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from umlpsd_gpu.kmeans.metrics import Metrics


class Block(NamedTuple):
    """Which K-means runs a block holds.

    Attributes
    ----------
    n_clusters : int
    start, stop : int
        First epoch, and last epoch + 1.
    """

    n_clusters: int
    start: int
    stop: int


class BlockResult(NamedTuple):
    """What the K-means runs of a block end in.

    Attributes
    ----------
    labels : ndarray, shape (n_epochs, n_traces), int16
        From 0 to n_clusters − 1.
    n_iterations : ndarray, shape (n_epochs,), int
        Lloyd iterations done.
    metrics : Metrics
        Quality of each labelling.
    """

    labels: np.ndarray
    n_iterations: np.ndarray
    metrics: Metrics


BlockResults: TypeAlias = dict[Block, BlockResult]


def blocks_of_runs(
    ks: np.ndarray,
    n_epochs: int,
    labels: np.ndarray,
    n_iterations: np.ndarray,
    metrics: Metrics,
    first: int = 0,
) -> BlockResults:
    """Cut runs that follow each other, all epochs of one K and then of the next, into blocks.

    Parameters
    ----------
    ks : ndarray of int
        Numbers of clusters, in the order of the runs.
    n_epochs : int
        Runs of each K.
    labels : ndarray, shape (n_runs, n_traces), int16
    n_iterations : ndarray, shape (n_runs,), int
    metrics : Metrics
        Of all runs.
    first : int
        Where the first of these runs is.

    Returns
    -------
    dict of Block to BlockResult
        A block for each K.
    """
    found = {}
    for number, k in enumerate(ks.tolist()):
        at = slice(first + number * n_epochs, first + (number + 1) * n_epochs)
        result = BlockResult(labels[at], n_iterations[at], metrics.part(at))
        found[Block(k, 0, n_epochs)] = result
    return found
