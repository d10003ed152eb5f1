"""Distance of a sweep from the limit of the machine: flops, bytes, and measured ceilings.

The lower limit ("floor") of a sweep on the CPU is the larger of two times: the flops of its
products at the rate of the best product, and the bytes that must be moved at the rate of a copy. To
this is added the time to read the rows of pairs that K-means sums in compiled code, at the best
rate of reading from a core's cache. All other work (k-means++, choosing the nearest centroid,
metrics) is not in the floor; the share of the limit shows how much that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.bench.timing import Measurement, time_in_turn
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.kmeans import engines
from umlpsd_gpu.kmeans.distances import ROWS_PER_TILE, PairGeometry, PointGeometry
from umlpsd_gpu.kmeans.membership import Members
from umlpsd_gpu.kmeans.native import Restarted, is_compiled
from umlpsd_gpu.kmeans.sweep import sweep

# large enough for the best rate of a core, small enough to take milliseconds [I]
PRODUCT_SIZE = 768
COPY_MB = 64.0
# the pairs of 204 traces: too large for the first level of the cache, small enough for the second
CACHED_BYTES = 8 * 204**2
N_READS = 2000
N_ROUNDS = 9


@dataclass(frozen=True)
class Ceilings:
    """Best rates of all cores of this machine, each measured with one kind of work.

    Attributes
    ----------
    product, copy : Measurement
        Seconds for ``product_flops`` flops in float64 products, one single-threaded product per
        core, and for copies that read and write ``copy_bytes`` bytes, one per core.
    read : Measurement
        Seconds to read ``read_bytes`` bytes that stay in the cache, one array per core.
    product_flops, copy_bytes, read_bytes : float
    """

    product: Measurement
    copy: Measurement
    read: Measurement
    product_flops: float
    copy_bytes: float
    read_bytes: float

    @property
    def flops_per_s(self) -> float:
        """Return the best rate of float64 products, flop/s."""
        return self.product_flops / self.product.low

    @property
    def bytes_per_s(self) -> float:
        """Return the best rate of copies, bytes/s."""
        return self.copy_bytes / self.copy.low

    @property
    def cached_bytes_per_s(self) -> float:
        """Return the best rate of reading from the cache, bytes/s."""
        return self.read_bytes / self.read.low


@dataclass(frozen=True)
class Work:
    """The least work of a sweep.

    Attributes
    ----------
    flops : float
        Of its products, counted while it ran.
    n_bytes : float
        Curves read once, labels written once.
    cached_bytes : float
        Of the rows of pairs that compiled K-means sums, counted while it ran.
    """

    flops: float
    n_bytes: float
    cached_bytes: float = 0.0

    def floor_s(self, ceilings: Ceilings) -> float:
        """Return the lower limit of the time for this work, s.

        Parameters
        ----------
        ceilings : Ceilings

        Returns
        -------
        float
        """
        of_products = max(self.flops / ceilings.flops_per_s, self.n_bytes / ceilings.bytes_per_s)
        return of_products + self.cached_bytes / ceilings.cached_bytes_per_s

    def multiply(self, factor: float) -> Work:
        """Return the work for a multiple of the restarts; the curves are still read once.

        Parameters
        ----------
        factor : float

        Returns
        -------
        Work
        """
        return Work(factor * self.flops, self.n_bytes, factor * self.cached_bytes)


def measure_ceilings(n_rounds: int = N_ROUNDS) -> Ceilings:
    """Measure products, copies and cached reads on all cores at once; the best round counts.

    Parameters
    ----------
    n_rounds : int

    Returns
    -------
    Ceilings
    """
    n = n_cores()
    rng = np.random.default_rng(0)
    squares = [rng.random((3, PRODUCT_SIZE, PRODUCT_SIZE)) for _ in range(n)]
    arrays = [rng.random((2, int(COPY_MB * 1e6 / 8))) for _ in range(n)]
    cached = [rng.random(CACHED_BYTES // 8) for _ in range(n)]
    with threadpool_limits(limits=1), ThreadPoolExecutor(n) as pool:
        found = time_in_turn(
            {
                "product": lambda: _together(pool, lambda s: np.matmul(s[0], s[1], s[2]), squares),
                "copy": lambda: _together(pool, lambda a: np.copyto(a[0], a[1]), arrays),
                "read": lambda: _together(pool, _read_again_and_again, cached),
            },
            n_rounds,
        )
    return Ceilings(
        Measurement(found["product"].seconds, ours=False),
        Measurement(found["copy"].seconds, ours=False),
        Measurement(found["read"].seconds, ours=False),
        n * 2.0 * PRODUCT_SIZE**3,
        float(sum(a.nbytes for a in arrays)),
        float(n * N_READS * CACHED_BYTES),
    )


def measure_work(values: np.ndarray, k_values: range, n_epochs: int) -> Work:
    """Run a sweep in one thread, and count the flops of its products and the rows that it sums.

    Parameters
    ----------
    values : ndarray, shape (n_traces, n_samples)
    k_values : range
    n_epochs : int

    Returns
    -------
    Work
    """
    counted = Counter[str]()
    with counting_work(counted.update):
        found = sweep(values, k_values, n_epochs, n_threads=1)
    return Work(
        counted["flops"] + _flops_of_pairs(*values.shape),
        values.nbytes + found.labels.nbytes,
        8.0 * counted["rows"] * len(values),
    )


@contextmanager
def counting_work(count: Callable[[dict[str, float]], None]) -> Iterator[None]:
    """Call ``count`` at every product of K-means and its metrics with the ensemble.

    It receives the "flops" of a product, and the "rows" of pairs summed by a block of compiled
    restarts. Not for use in several threads.

    Parameters
    ----------
    count : callable
        Takes a dict of str to float.
    """

    def of_pairs(_: Any, geometry: Any, members: Members) -> None:
        count({"flops": 2.0 * members.n_rows * geometry.n_traces**2})

    def of_means(_: Any, geometry: Any, members: Members) -> None:
        count({"flops": 2.0 * members.n_rows * geometry.points.size})

    def of_points(_: Any, geometry: Any, others: np.ndarray) -> None:
        count({"flops": 2.0 * len(others) * geometry.points.size})

    def of_rows(found: Restarted, *_: Any) -> None:
        count({"rows": float(found.n_rows.sum()), "flops": found.flops})

    with (
        _after(PairGeometry, "sqdist_to_centroids", of_pairs),
        _after(PointGeometry, "sqdist_to_centroids", of_means),
        _after(PointGeometry, "sqdist_to_points", of_points),
        _after(engines, "kmeans_restarts", of_rows),
        _after(engines, "kmeans_points", of_rows),
    ):
        yield


@contextmanager
def _after(owner: Any, name: str, tell: Callable[..., None]) -> Iterator[None]:
    """Call ``tell`` with the result and the arguments of a function after each of its calls."""
    plain = getattr(owner, name)

    def wrapped(*arguments: Any) -> Any:
        result = plain(*arguments)
        tell(result, *arguments)
        return result

    setattr(owner, name, wrapped)
    try:
        yield
    finally:
        setattr(owner, name, plain)


def _flops_of_pairs(n_traces: int, n_samples: int) -> float:
    """Return the flops of the distances between all traces, if they are calculated."""
    if n_traces > 2 * n_samples and not is_compiled(n_traces):
        return 0.0
    stops = np.minimum(np.arange(ROWS_PER_TILE, n_traces + ROWS_PER_TILE, ROWS_PER_TILE), n_traces)
    heights = np.diff(stops, prepend=0)
    return float(2 * n_samples * (heights * stops).sum())


def _read_again_and_again(array: np.ndarray) -> None:
    for _ in range(N_READS):
        np.dot(array, array)


def _together(pool: ThreadPoolExecutor, work: Callable[[Any], Any], on: list[Any]) -> None:
    list(pool.map(work, on))
