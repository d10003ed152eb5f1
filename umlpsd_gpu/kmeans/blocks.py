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
