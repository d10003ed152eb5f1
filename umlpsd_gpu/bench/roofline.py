"""How far a sweep is from what the machine could do: flops, bytes, and the measured ceilings.

Floor of a sweep on the CPU: the larger of its products' flops over the rate of the best product,
and of the bytes that must move over the rate of a copy. All other work (k-means++, choosing the
nearest centroid, metrics) is left out of the floor: it is what the floor's share tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.backend import n_cores
from umlpsd_gpu.bench.timing import Measurement, interleaved
from umlpsd_gpu.sweep.geometry import ROWS_PER_TILE, PairGeometry, PointGeometry
from umlpsd_gpu.sweep.members import Members
from umlpsd_gpu.sweep.run import sweep

# Large enough for the best rate of a core, small enough to take milliseconds [I]
PRODUCT_SIZE = 768
COPY_MB = 64.0
N_ROUNDS = 9


@dataclass(frozen=True)
class Ceilings:
    """What all cores of this machine do at best, each a measurement of one piece of work.

    Attributes
    ----------
    product, copy : Measurement
        Seconds of ``product_flops`` flops in float64 products, one single-threaded product on each
        core, and of copies that read and write ``copy_bytes`` bytes, one on each core.
    product_flops, copy_bytes : float
    """

    product: Measurement
    copy: Measurement
    product_flops: float
    copy_bytes: float

    @property
    def flops_per_s(self) -> float:
        return self.product_flops / self.product.low

    @property
    def bytes_per_s(self) -> float:
        return self.copy_bytes / self.copy.low


@dataclass(frozen=True)
class Work:
    """What a sweep must do at least.

    Attributes
    ----------
    flops : float
        Of its products, counted while it ran.
    n_bytes : float
        Curves read once, labels written once.
    """

    flops: float
    n_bytes: float

    def floor_s(self, ceilings: Ceilings) -> float:
        return max(self.flops / ceilings.flops_per_s, self.n_bytes / ceilings.bytes_per_s)


def measured_ceilings(n_rounds: int = N_ROUNDS) -> Ceilings:
    """Measure products and copies on all cores at once; the best round counts."""
    n = n_cores()
    rng = np.random.default_rng(0)
    squares = [rng.random((3, PRODUCT_SIZE, PRODUCT_SIZE)) for _ in range(n)]
    arrays = [rng.random((2, int(COPY_MB * 1e6 / 8))) for _ in range(n)]
    with threadpool_limits(limits=1), ThreadPoolExecutor(n) as pool:
        found = interleaved(
            {
                "product": lambda: _together(pool, lambda s: np.matmul(s[0], s[1], s[2]), squares),
                "copy": lambda: _together(pool, lambda a: np.copyto(a[0], a[1]), arrays),
            },
            n_rounds,
        )
    return Ceilings(
        Measurement(found["product"].seconds, ours=False),
        Measurement(found["copy"].seconds, ours=False),
        n * 2.0 * PRODUCT_SIZE**3,
        float(sum(a.nbytes for a in arrays)),
    )


def work_of_sweep(values: np.ndarray, k_values: range, n_epochs: int) -> Work:
    """Run a sweep in one thread and count the flops of its products."""
    n_flops = [0.0]
    with counting_products(lambda flops: n_flops.__setitem__(0, n_flops[0] + flops)):
        found = sweep(values, k_values, n_epochs, n_threads=1)
    return Work(n_flops[0] + _flops_of_pairs(*values.shape), values.nbytes + found.labels.nbytes)


@contextmanager
def counting_products(count: Callable[[float], None]) -> Iterator[None]:
    """Call ``count(flops)`` at every product of K-means and its metrics with the ensemble.

    Not for several threads at a time.
    """

    def of_pairs(geometry: Any, members: Members) -> None:
        count(2.0 * members.n_rows * geometry.n_traces**2)

    def of_means(geometry: Any, members: Members) -> None:
        count(2.0 * members.n_rows * geometry.points.size)

    def of_points(geometry: Any, others: np.ndarray) -> None:
        count(2.0 * len(others) * geometry.points.size)

    with (
        _before(PairGeometry, "sqdist_to_centroids", of_pairs),
        _before(PointGeometry, "sqdist_to_centroids", of_means),
        _before(PointGeometry, "sqdist_to_points", of_points),
    ):
        yield


@contextmanager
def _before(owner: type, name: str, tell: Callable[..., None]) -> Iterator[None]:
    """Call ``tell`` with the arguments of a method before each of its calls."""
    plain = getattr(owner, name)

    def told(*arguments: Any) -> Any:
        tell(*arguments)
        return plain(*arguments)

    setattr(owner, name, told)
    try:
        yield
    finally:
        setattr(owner, name, plain)


def _flops_of_pairs(n_traces: int, n_samples: int) -> float:
    """Return the flops of the distances between all traces, where they are made."""
    if n_traces > 2 * n_samples:
        return 0.0
    stops = np.minimum(np.arange(ROWS_PER_TILE, n_traces + ROWS_PER_TILE, ROWS_PER_TILE), n_traces)
    heights = np.diff(stops, prepend=0)
    return float(2 * n_samples * (heights * stops).sum())


def _together(pool: ThreadPoolExecutor, work: Callable[[Any], Any], on: list[Any]) -> None:
    list(pool.map(work, on))
