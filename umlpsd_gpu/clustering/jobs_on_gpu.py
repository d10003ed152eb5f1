"""All jobs of a clustering on a GPU in three sets of launches: curves, surrogates, halves.

K-means on pairs needs only the squared distances, so that matrices of any widths can be swept
together if they have equally many items.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from umlpsd_gpu.clustering.jobs import MakeJob, RepresentationJob, SweepsOfOne
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.decision.plan import SURROGATE_EPOCHS
from umlpsd_gpu.kmeans.gpu_distances import pairwise_sqeuclidean
from umlpsd_gpu.kmeans.gpu_stack import sweep_stack
from umlpsd_gpu.kmeans.halves import HALF_EPOCHS, compare_halves, compared_k_values
from umlpsd_gpu.kmeans.replication import Replication
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.surrogates import draw_surrogates, spread_of_products
from umlpsd_gpu.kmeans.sweep import finite_rows, require_finite


def run_together(makes: Sequence[MakeJob]) -> Iterator[SweepsOfOne]:
    """Run jobs with equally many items, of a size that `fits_one_block`, on their GPU.

    Parameters
    ----------
    makes : sequence of callable
        Each makes a job, in the order of the results.

    Yields
    ------
    SweepsOfOne
        As the jobs give them one by one.

    Raises
    ------
    TracesError
        If values are not finite.
    DeviceError
        If the memory of the device is too small.
    """
    with told_when_full():
        jobs = [make() for make in makes]
        xp = xp_of(jobs[0].curves)
        finite = on_host(xp.stack([finite_rows(job.curves) for job in jobs]))
        for of_one in finite:
            require_finite(of_one)
        sqdist = xp.stack([pairwise_sqeuclidean(job.curves) for job in jobs])
        names = [job.name for job in jobs]
        sweeps = sweep_stack(sqdist, np.array(jobs[0].k_values), jobs[0].options, names)
        surrogates = _sweep_surrogates(jobs, sqdist)
        replications = _replicate(jobs, sqdist, sweeps)
    for number, swept in enumerate(sweeps):
        yield SweepsOfOne(swept, surrogates.get(number, ()), replications.get(number))


def _sweep_surrogates(
    jobs: Sequence[RepresentationJob], sqdist: Array
) -> dict[int, tuple[Sweep, ...]]:
    """Return the sweeps of the surrogates by the number of the job."""
    wanted = [number for number, job in enumerate(jobs) if job.needed.n_surrogates]
    if not wanted:
        return {}
    xp, n_traces = xp_of(sqdist), sqdist.shape[1]
    drawn = [
        surrogate
        for number, products in zip(wanted, _centred_products(_some(sqdist, wanted)), strict=True)
        for surrogate in draw_surrogates(
            n_traces, spread_of_products(products, n_traces), jobs[number].surrogate_seeds
        )
    ]
    # columns of zeros change no distance
    together = np.zeros((len(drawn), n_traces, max(each.shape[1] for each in drawn)))
    for place, each in zip(together, drawn, strict=True):
        place[:, : each.shape[1]] = each
    of_drawn = pairwise_sqeuclidean(xp.asarray(together))
    n_each = [jobs[number].needed.n_surrogates for number in wanted]
    names = [jobs[number].name for number, n in zip(wanted, n_each, strict=True) for _ in range(n)]
    options = jobs[0].with_epochs(SURROGATE_EPOCHS)
    found = iter(sweep_stack(of_drawn, np.array(jobs[0].needed.k_values), options, names))
    return {
        number: tuple(next(found) for _ in range(n))
        for number, n in zip(wanted, n_each, strict=True)
    }


def _some(sqdist: Array, wanted: list[int]) -> Array:
    some: Array = sqdist[xp_of(sqdist).asarray(np.array(wanted))]
    return some


def _centred_products(sqdist: Array) -> np.ndarray:
    """Return the scalar products of the centred items, from their squared distances; NumPy."""
    rows = sqdist.mean(axis=2)
    products: np.ndarray = on_host(
        0.5 * (rows[:, :, None] + rows[:, None, :] - sqdist - rows.mean(axis=1)[:, None, None])
    )
    return products


def _replicate(
    jobs: Sequence[RepresentationJob], sqdist: Array, sweeps: Sequence[Sweep]
) -> dict[int, Replication]:
    """Sweep the halves and compare them with the sweeps of all items; by the number of the job."""
    wanted = [number for number, job in enumerate(jobs) if job.needed.samples is not None]
    samples = jobs[wanted[0]].needed.samples if wanted else None
    if samples is None:
        return {}
    k_values = compared_k_values(sweeps[wanted[0]], samples.shape[1])
    if not k_values:
        return {}
    n_samples, n_drawn = samples.shape
    drawn = xp_of(sqdist).asarray(samples)
    of_samples = _some(sqdist, wanted)[:, drawn[:, :, None], drawn[:, None, :]]
    found = sweep_stack(
        of_samples.reshape(-1, n_drawn, n_drawn),
        np.array(k_values),
        jobs[0].with_epochs(HALF_EPOCHS),
        [jobs[number].name for number in wanted for _ in range(n_samples)],
    )
    return {
        number: compare_halves(
            jobs[number].curves,
            sweeps[number],
            samples,
            found[place * n_samples : (place + 1) * n_samples],
            jobs[0].options.seed,
        )
        for place, number in enumerate(wanted)
    }
