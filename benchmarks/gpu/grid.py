"""The paper's grid: 18 scales of 204 simulated traces, K 1…15, 100 epochs, every metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from gpu import card, ceilings, clock, wavelet
from gpu.proof import Proof
from umlpsd_gpu.clustering.jobs import RepresentationJob
from umlpsd_gpu.clustering.jobs_on_gpu import run_together
from umlpsd_gpu.compute import transfer as on_device
from umlpsd_gpu.decision.plan import EvidenceNeeded
from umlpsd_gpu.kmeans import gpu_lloyd as device_kmeans
from umlpsd_gpu.kmeans.gpu_distances import DevicePairs, device_geometry_of
from umlpsd_gpu.kmeans.gpu_lloyd import ClusterWeights, kmeans_labels
from umlpsd_gpu.kmeans.gpu_metrics import metrics_on_device
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.restarts import Restarts
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import start_sweep, sweep
from umlpsd_gpu.preprocessing.bin import bin_mean
from umlpsd_gpu.preprocessing.gpu import bin_minmax, dwt_approximation, minmax
from umlpsd_gpu.preprocessing.normalise import minmax as minmax_on_host
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.traces import PAPER_MIX, simulate_traces

# settings.PAPER_SCALES, whose module needs pydantic; tests/benchmarks/test_gpu_proof.py compares
WINDOWS = (10, 20, 25, 40, 50, 80, 100, 125, 200, 250, 400, 500)
LEVELS = (3, 4, 5, 6, 7)
SCALES = ("raw", *(f"W{window}" for window in WINDOWS), *(f"WL{level}" for level in LEVELS))
REQUIRED_S = 0.05
SEED = 0
MAX_ITER = 100
# compute/transfer.py has 2
OTHER_STREAMS = (1, 4)
STEPS = ("distances", "K-means", "update", "product", "metrics")


def run(proof: Proof) -> None:
    """Check the grid against the CPU, then time it."""
    cupy = proof.cupy
    mix = proof.size(PAPER_MIX, {"PEB": 5, "TSB": 5, "PBB": 5})
    traces = simulate_traces(mix, n_frames=proof.size(10_000, 640), seed=SEED).traces
    scales = proof.size(SCALES, ("raw", "W20", "WL3"))
    ks, n_epochs = proof.size(range(1, 16), range(1, 5)), proof.size(100, 3)

    upload_s = clock.on_host(proof, lambda: cupy.asarray(traces.values)).seconds
    values = cupy.asarray(traces.values)
    curves = [smoothed(values, name) for name in scales]
    cupy.cuda.runtime.deviceSynchronize()  # the sweeps' own streams read them next
    options = SweepOptions(SEED, n_epochs)
    starts = [
        partial(start_sweep, c, ks, options, scale=name)
        for c, name in zip(curves, scales, strict=True)
    ]
    all_scales = partial(_together, curves, scales, max(ks), options)
    in_flight = partial(_in_flight, starts, traces.n_traces, traces.n_frames)
    found, again = all_scales(), all_scales()
    on_host = {
        name: _on_host(cupy, traces.values, c, name) for c, name in zip(curves, scales, strict=True)
    }
    cpu_s, expected = clock.once(
        lambda: [sweep(c, ks, n_epochs, SEED, scale=name) for name, c in on_host.items()]
    )
    flaw = _compare(proof, found, again, expected)
    if flaw:
        _note_one_stream(proof, in_flight)
    timing = clock.on_host(proof, all_scales)
    smoothing = clock.on_device(proof, lambda: [smoothed(values, name) for name in scales])
    proof.judge("grid time", f"{timing}{flaw}", timing.seconds <= REQUIRED_S)
    from_curves = "all sweeps, from smoothed curves on the device to results on the host"
    rows = [
        (from_curves, f"{timing}{flaw}"),
        ("smoothing on the device, all scales", str(smoothing)),
        (f"upload of the raw traces, {traces.values.nbytes / 1e6:.0f} MB", clock.text(upload_s)),
        (f"the same sweeps on the CPU, one after another, {_cores()} cores", clock.text(cpu_s)),
        ("CPU / GPU", f"{cpu_s / timing.seconds:.0f}×"),
        ("all sweeps one by one, two streams", str(clock.on_host(proof, in_flight))),
        *_by_streams(proof, in_flight),
        ("host alone: starting all sweeps, none collected", clock.text(_starting_s(proof, starts))),
        ("memory taken from the driver by one more grid", _growth(proof, all_scales)),
    ]
    size = f"{len(scales)} scales × {len(ks)} K × {n_epochs} epochs, {traces.n_traces} traces"
    proof.table(f"{size} of {traces.n_frames} frames", ("what", "time"), rows)
    _shares(proof, curves, found, ks, n_epochs)


def smoothed(values: Any, name: str) -> Any:
    """Return scaled curves on the device, without PyWavelets."""
    scale = Scale.parse(name)
    if scale.kind == "bin":
        return bin_minmax(values, scale.size)
    if scale.kind == "wavelet":
        return minmax(dwt_approximation(values, scale.size, wavelet.DEC_LO, wavelet.REC_LO))
    return minmax(values)


def same_bits(one: Sweep, other: Sweep) -> bool:
    """Say whether two sweeps agree in every bit of every array."""
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(Sweep))
    return all(a.tobytes() == b.tobytes() for a, b in pairs if isinstance(a, np.ndarray))


def n_runs_that_differ(one: Sweep, other: Sweep) -> int:
    """Return how many restarts ended in other labels."""
    return int((one.labels != other.labels).any(axis=2).sum())


def _together(
    curves: Sequence[Any], scales: Sequence[str], k_max: int, options: SweepOptions
) -> list[Sweep]:
    """Sweep all scales in one set of launches, as a study does."""
    needed = EvidenceNeeded(range(1, k_max + 1))
    makes = [
        partial(RepresentationJob, c, name, k_max, options, "batched", needed)
        for c, name in zip(curves, scales, strict=True)
    ]
    return [swept.sweep for swept in run_together(makes)]


def _in_flight(
    starts: Sequence[Callable[[], Callable[[], Sweep]]], n_traces: int, n_frames: int
) -> list[Sweep]:
    """Sweep one scale after another, several in flight, as larger ensembles are."""
    # as analyses/blinking/workflow.py counts them
    bytes_per_scale = 8 * n_traces * (3 * n_frames + n_traces)
    return list(on_device.results_in_flight(starts, bytes_per_scale))


def _on_host(cupy: Any, values: np.ndarray, curves: Any, name: str) -> np.ndarray:
    """Return the CPU's own curves; the device's for a wavelet where PyWavelets is missing."""
    scale = Scale.parse(name)
    if scale.kind == "bin":
        return minmax_on_host(bin_mean(values, scale.size))
    if scale.kind == "raw":
        return minmax_on_host(values)
    if not card.is_installed("pywt"):
        return cupy.asnumpy(curves)
    from umlpsd_gpu.preprocessing.wavelet import wavelet_approximation

    return minmax_on_host(wavelet_approximation(values, scale.size))


def _compare(proof: Proof, found: list[Sweep], again: list[Sweep], expected: list[Sweep]) -> str:
    """Judge the results; return what is wrong, to stand beside their times."""
    n_runs = sum(s.labels.shape[0] * s.labels.shape[1] for s in expected)
    differ = [n_runs_that_differ(a, b) for a, b in zip(found, expected, strict=True)]
    proof.judge("grid labels", f"{sum(differ)} of {n_runs} differ", not any(differ))
    for one, other, n in zip(found, expected, differ, strict=True):
        if n:
            gap = np.abs(one.ssd / other.ssd - 1).max()
            proof.note(f"{one.scale}: {n} runs differ from the CPU's; SSD by {gap:.1e} at most")
    same = [same_bits(a, b) for a, b in zip(found, again, strict=True)]
    proof.judge("grid bits", f"{sum(same)} of {len(same)} scales the same", all(same))
    metrics = max(_largest_gap(a, b) for a, b in zip(found, expected, strict=True))
    proof.note(f"metrics: {metrics:.1e} from the CPU's at most, relative")
    if not card.is_installed("pywt"):
        proof.note("PyWavelets is not installed: the CPU got the device's curves at wavelet scales")
    if any(differ):
        return f", but {sum(differ)} of {n_runs} restarts differ from the CPU's"
    return "" if all(same) else ", but two runs differ in bits"


@contextmanager
def _streams(n_streams: int) -> Iterator[None]:
    before = on_device.N_STREAMS
    on_device.N_STREAMS = n_streams
    try:
        yield
    finally:
        on_device.N_STREAMS = before


def _note_one_stream(proof: Proof, all_scales: Callable[[], list[Sweep]]) -> None:
    """Say whether bits differ because of the streams: cuBLAS promises them for a single one."""
    with _streams(1):
        same = all(same_bits(a, b) for a, b in zip(all_scales(), all_scales(), strict=True))
    proof.note(f"two runs on a single stream {'have the same bits' if same else 'differ too'}")


def _by_streams(proof: Proof, all_scales: Callable[[], list[Sweep]]) -> Iterator[tuple[str, str]]:
    """Yield rows that say what other numbers of streams would take."""
    for n_streams in OTHER_STREAMS:
        with _streams(n_streams):
            yield (
                f"all sweeps one by one, {n_streams} streams",
                str(clock.on_host(proof, all_scales)),
            )


def _largest_gap(one: Sweep, other: Sweep) -> float:
    """Return the largest relative difference of any metric of runs with the same labels."""
    same = (one.labels == other.labels).all(axis=2)
    gaps = []
    for name in ("silhouette", "calinski_harabasz", "ssd", "smallest_cluster_silhouette"):
        a, b = getattr(one, name)[same], getattr(other, name)[same]
        defined = np.isfinite(a) & np.isfinite(b)
        scale = np.maximum(np.abs(b[defined]), 1e-3)
        gaps.append(np.max(np.abs(a - b)[defined] / scale, initial=0.0))
    return float(max(gaps))


def _starting_s(proof: Proof, starts: Sequence[Callable[[], Any]]) -> float:
    """Return the host's time to launch everything; the results are dropped unseen."""
    seconds = []
    for _ in range(proof.n_repeats):
        proof.cupy.cuda.runtime.deviceSynchronize()
        spent, waiting = clock.once(lambda: [start() for start in starts])
        seconds.append(spent)
        for collect in waiting:
            collect()
    return float(np.median(seconds))


def _growth(proof: Proof, work: Callable[[], Any]) -> str:
    pool = proof.cupy.get_default_memory_pool()
    before = pool.total_bytes()
    work()
    return f"{(pool.total_bytes() - before) / 1e6:.1f} MB"


def _shares(proof: Proof, curves: list[Any], found: list[Sweep], ks: range, n_epochs: int) -> None:
    """Time the steps apart, scale by scale."""
    restarts = Restarts.of(np.array(ks), n_epochs, SEED, proof.cupy)
    rows, sums = [], np.zeros(len(STEPS))
    for of_scale, sweep_of_scale in zip(curves, found, strict=True):
        timings = _steps(proof, of_scale, restarts)
        sums += timings
        way = _way(of_scale, restarts)
        rows.append((sweep_of_scale.scale, way, *map(clock.text, timings)))
    rows.append(("sum", "", *map(clock.text, sums)))
    title = "The steps apart, on one stream; metrics include update, product and silhouette"
    proof.table(title, ("scale", "way", *STEPS), rows)
    _note_restart_rate(proof, curves, found, restarts, rows)


def _steps(proof: Proof, curves: Any, restarts: Restarts) -> list[float]:
    """Return the seconds of each step at one scale."""
    geometry = device_geometry_of(curves, restarts.n_rows, "sqeuclidean")
    labels = kmeans_labels(geometry, restarts, MAX_ITER)[0]
    weights = ClusterWeights.of(restarts, geometry.n_traces, geometry.panel)
    weights.fill(labels)
    work: tuple[Callable[[], Any], ...] = (
        lambda: device_geometry_of(curves, restarts.n_rows, "sqeuclidean"),
        lambda: kmeans_labels(geometry, restarts, MAX_ITER),
        lambda: weights.fill(labels),
        lambda: geometry.products(weights.rows),
        lambda: metrics_on_device(geometry, restarts, labels, "sqeuclidean"),
    )
    return [clock.on_device(proof, step).seconds for step in work]


def _way(curves: Any, restarts: Restarts) -> str:
    """Say which way K-means goes: a block a restart, or products of all restarts."""
    geometry = device_geometry_of(curves, restarts.n_rows, "sqeuclidean")
    is_pairs = isinstance(geometry, DevicePairs)
    if is_pairs and device_kmeans.fits_one_block(geometry.n_traces, restarts.most_clusters):
        return "restart"
    return "products, of pairs" if is_pairs else "products, of points"


def _note_restart_rate(
    proof: Proof,
    curves: list[Any],
    found: list[Sweep],
    restarts: Restarts,
    rows: list[tuple[str, ...]],
) -> None:
    """Say how near the restarts' reading of distances comes to the cache's ceiling."""
    fastest = [s for s, row in zip(found, rows, strict=False) if row[1] == "restart"]
    if not fastest:
        return
    numbers = {s.scale: i for i, s in enumerate(found)}
    geometry = [
        device_geometry_of(curves[numbers[s.scale]], restarts.n_rows, "sqeuclidean")
        for s in fastest
    ]
    timing = clock.on_device(
        proof, lambda: [kmeans_labels(g, restarts, MAX_ITER) for g in geometry]
    )
    n_traces = found[0].labels.shape[2]
    n_read = 8.0 * n_traces**2 * sum(int(s.n_iterations.sum()) for s in fastest)
    share = n_read / timing.seconds / ceilings.of(proof, "L2")
    proof.note(
        f"kmeans_restart, {len(fastest)} scales: {timing}; it reads {n_read / 1e9:.3g} GB of "
        f"distances at most (only clusters that changed are summed): {100 * share:.0f} % of L2"
    )


def _cores() -> int:
    from umlpsd_gpu.compute.backend import n_cores

    return n_cores()
