"""Domains from thresholded Pearson correlations: connected components of a graph of pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

ROWS_AT_ONCE = 256


def domains_of_neighbours(
    pairs: np.ndarray, correlation: np.ndarray, usable: np.ndarray, threshold: float
) -> np.ndarray:
    """Join neighbouring pixels that correlate.

    Parameters
    ----------
    pairs : ndarray, shape (n_pairs, 2), int
        Indices of pixels.
    correlation : ndarray, shape (n_pairs,)
        Pearson correlation of each pair; NaN pairs are not joined.
    usable : ndarray, shape (n_pixels,), bool
        Pixels with a defined correlation.
    threshold : float
        Pairs with at least this correlation are joined.

    Returns
    -------
    ndarray, shape (n_pixels,), int32
        Domain from 1, in order of size, then of the first pixel; 0 where not usable.
    """
    return _number_components([pairs[correlation >= threshold]], usable)


def domains_of_all_pairs(matrix: np.ndarray, threshold: float) -> np.ndarray:
    """Join all pixels that correlate, whether or not they are neighbours.

    Parameters
    ----------
    matrix : ndarray, shape (n_pixels, n_pixels)
        Pearson correlations; NaN for pixels without one.
    threshold : float
        Pairs with at least this correlation are joined.

    Returns
    -------
    ndarray, shape (n_pixels,), int32
        As for :func:`domains_of_neighbours`.
    """

    def joined() -> Iterable[np.ndarray]:
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            pairs = np.argwhere(matrix[start : start + ROWS_AT_ONCE] >= threshold)
            yield pairs + (start, 0)

    return _number_components(joined(), np.isfinite(matrix.diagonal()))


def agreement(labels: np.ndarray, others: np.ndarray) -> float:
    """Return the adjusted Rand index over the pixels that have a label in both partitions.

    Parameters
    ----------
    labels, others : ndarray, shape (n_pixels,), int
        Two partitions, numbered from 1; 0 for a pixel without a label.

    Returns
    -------
    float
        1 for the same partition, about 0 for unrelated ones; NaN with fewer than two common pixels.

    Notes
    -----
    L. Hubert & P. Arabie, J. Classif. 2, 193 (1985) [L].
    """
    both = (labels > 0) & (others > 0)
    if both.sum() < 2:
        return float("nan")
    one, other = labels[both].astype(np.int64), others[both].astype(np.int64)
    # counted sparsely: there may be as many domains as pixels
    together = _n_pairs(one * (other.max() + 1) + other)
    of_one, of_other = _n_pairs(one), _n_pairs(other)
    expected = of_one * of_other / (one.size * (one.size - 1) / 2)
    largest = (of_one + of_other) / 2
    return 1.0 if largest == expected else (together - expected) / (largest - expected)


def _n_pairs(numbers: np.ndarray) -> float:
    """Return the number of pairs of equal numbers."""
    counts = np.unique(numbers, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _number_components(edges: Iterable[np.ndarray], usable: np.ndarray) -> np.ndarray:
    """Return the connected components of usable pixels, numbered by size."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pixels = np.arange(usable.size)
    root = pixels  # of each pixel, the first pixel of its component so far
    for pairs in edges:
        one, other = np.concatenate([pairs, np.stack([pixels, root], 1)]).T
        graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(usable.size,) * 2)
        _, component = connected_components(graph, directed=False)
        _, first = np.unique(component, return_index=True)
        root = first[component]
    _, first, inverse, n_pixels = np.unique(
        root[usable], return_index=True, return_inverse=True, return_counts=True
    )
    number = np.empty(first.size, dtype=np.int32)
    number[np.lexsort((first, -n_pixels))] = np.arange(1, first.size + 1)
    labels = np.zeros(usable.size, dtype=np.int32)
    labels[usable] = number[inverse]
    return labels
