"""Lloyd's iterations of many points in C: partitions and metrics of the twin, on every machine.

Set ``UMLPSD_KERNEL_SANITIZE=address,undefined`` to run these tests under sanitizers.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.test_kmeans_restarts import (
    HAS_COMPILER,
    N_EPOCHS,
    assert_alike,
    compares_versions,
    compile_kernel,
    needs_compiler,
)
from tests.support.ensembles import UGLY, three_shapes, ugly
from umlpsd_gpu.kmeans import engines, native_points
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.engines import lloyd_all_restarts, run_batched
from umlpsd_gpu.kmeans.lloyd import draw_uniforms, starting_traces
from umlpsd_gpu.kmeans.native_points import kmeans_points
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.sweep import sweep

pytest.importorskip("hatchling", reason="hatchling, which compiles the kernel, is not installed")

NAME = "kmeans_points"


@pytest.fixture(scope="module")
def compile_with(tmp_path_factory):
    """Compile the kernel with more options, and load it."""
    return lambda *options: compile_kernel(NAME, tmp_path_factory.mktemp("kernel"), options)


@pytest.fixture(scope="module")
def checked(compile_with):
    """As installed, but complaining of nothing at all; with sanitizers where these are asked for"""
    return compile_with("-Wall", "-Wextra", "-Werror", "-Wno-psabi")


@pytest.fixture(autouse=True)
def use(request, monkeypatch):
    """Take the library of the tests."""
    if HAS_COMPILER:
        library = request.getfixturevalue("checked")
        monkeypatch.setattr(native_points, "library", lambda name: library)


def points_of(values):
    geometry = PointGeometry(values - values.mean(axis=0))
    geometry.keep_principal()
    return geometry


def plain_lloyd(points, start):
    """Labels by squared differences; every cluster keeps a point."""
    centroids, labels = points[start], None
    while True:
        following = ((points[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        if np.array_equal(labels, following):
            return labels
        labels = following
        centroids = np.array([points[labels == c].mean(axis=0) for c in range(len(start))])


def assert_as_twin(values, k, n_epochs=N_EPOCHS, **options):
    arguments = values, points_of(values), draw_uniforms(k, n_epochs, 3), SweepOptions(**options)
    found = run_batched(*arguments)
    assert_alike(found, lloyd_all_restarts(*arguments))
    return found


@needs_compiler
@pytest.mark.parametrize("kind", [kind for kind in UGLY if kind not in ("raw", "duplicates")])
def test_finds_what_its_twin_finds(kind):
    values = ugly(kind)
    for k in range(1, min(len(values) - 1, 9) + 1):
        assert_as_twin(values, k)


@needs_compiler
def test_euclidean_silhouettes_are_those_of_its_twin():
    assert_as_twin(ugly("tall"), 4, silhouette_metric="euclidean")


@needs_compiler
@pytest.mark.parametrize("n_points", [2, 15, 16, 17, 33, 271])
def test_any_number_of_points_and_coordinates_is_taken_whole(n_points):
    for n_samples in (1, 16, 17, 40):
        values = np.random.default_rng(n_points).random((n_points, n_samples))
        for k in {1, 2, n_points // 2}:
            assert_as_twin(values, k, n_epochs=3)


@needs_compiler
@pytest.mark.parametrize("n_clusters", range(1, 20))
def test_any_number_of_clusters_is_compared(n_clusters):
    """Enough slices that scores are compared before all coordinates are known."""
    rng = np.random.default_rng(n_clusters)
    values = rng.normal(size=(400, 70)) / np.arange(1, 71) + rng.integers(0, 2, (400, 1))
    assert_as_twin(values, n_clusters, n_epochs=3)


@needs_compiler
def test_equal_points_stay_together():
    """Rows of equal points are equal to the bit, so that they are at the same distance."""
    values = np.repeat(three_shapes(40, 30, 0.3)[0], 3, axis=0)[
        np.random.default_rng(0).permutation(120)
    ]
    _, same = np.unique(values, axis=0, return_inverse=True)
    starts = starting_traces(points_of(values), draw_uniforms(6, 20, 0))
    found = kmeans_points(points_of(values).principal, starts, 100)
    for labels in found.labels[found.is_done]:
        assert (labels == labels[np.unique(same, return_index=True)[1]][same.ravel()]).all()


@needs_compiler
@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e70])
def test_any_unit_gives_the_same_labels(scale):
    values = three_shapes(200, 30, 0.3)[0]
    ours, scaled = (sweep(v, [2, 5], 5) for v in (values, values * scale))
    assert np.array_equal(ours.labels, scaled.labels)


@needs_compiler
def test_a_point_far_away_leaves_the_others_to_double_precision():
    values = three_shapes(200, 30, 0.3)[0]
    values[7] += 1e7
    points = points_of(values)
    for k in (2, 3, 5):
        starts = starting_traces(points, draw_uniforms(k, 10, 0))
        found = kmeans_points(points.principal, starts, 100)
        for start, labels in zip(starts, found.labels, strict=True):
            assert np.array_equal(plain_lloyd(points.points, start), labels)


@needs_compiler
@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_stops_at_max_iter_with_the_metrics_of_its_last_labels(max_iter):
    found = assert_as_twin(ugly("tall"), 6, max_iter=max_iter)
    assert found[1].max() == max_iter


@needs_compiler
def test_a_restart_whose_cluster_goes_empty_is_its_twins(monkeypatch):
    """Five distinct points of eleven: with K = 5 some starts fall on equal ones, with K = 6 all."""
    values = np.array([0, 0, 0, 0, 1.1, 1.1, 1.1, 2, 2, 5, 9.3])[:, None]
    for k, some_are_done in ((4, True), (6, False)):
        starts = starting_traces(points_of(values), draw_uniforms(k, 40, 3))
        found = kmeans_points(points_of(values).principal, starts, 100)
        assert found.is_done.any() == some_are_done
        assert_as_twin(values, k, n_epochs=40)
    monkeypatch.setattr(engines, "kmeans_points", None)
    with pytest.raises(TypeError):
        assert_as_twin(values, 4)


@needs_compiler
def test_the_order_of_the_points_does_not_matter():
    values = three_shapes(300, 40, 0.3)[0]
    other = np.random.default_rng(0).permutation(300)
    starts = starting_traces(points_of(values), draw_uniforms(5, 8, 0))
    found = kmeans_points(points_of(values).principal, starts, 100)
    place = np.argsort(other)
    moved = kmeans_points(points_of(values[other]).principal, place[starts], 100)
    assert np.array_equal(found.labels[:, other], moved.labels)


@needs_compiler
@compares_versions
def test_every_version_gives_the_same_bits(compile_with, monkeypatch):
    """Those that the loader chooses from, and one without vectors or fused operations at all."""
    values = three_shapes(403, 50, 0.3)[0]
    points = points_of(values)
    starts = starting_traces(points, draw_uniforms(7, N_EPOCHS, 0))
    processor = Path("/proc/cpuinfo")
    known = set(processor.read_text().split()) if processor.is_file() else set()
    versions = [("-O1", "-fno-tree-vectorize")]
    versions += [(f"-m{name}",) for name in ("avx2", "avx512f") if name in known]
    found = [kmeans_points(points.principal, starts, 100)]
    for options in versions:
        library = compile_with("-DFOR_EVERY_PROCESSOR=", *options)
        monkeypatch.setattr(native_points, "library", lambda name, library=library: library)
        found.append(kmeans_points(points.principal, starts, 100))
    for field in fields(found[0]):
        if field.name == "flops":  # bounds may need more or fewer
            continue
        assert len({getattr(one, field.name).tobytes() for one in found}) == 1, field.name


@needs_compiler
def test_threads_give_the_same_bits():
    values = three_shapes(1100, 20, 0.3)[0]
    found = [sweep(values, [1, 2, 5], 7, n_threads=n_threads) for n_threads in (1, 2, 3)]
    for other in found[1:]:
        for name in ("labels", "silhouette", "ssd", "calinski_harabasz", "separation"):
            assert getattr(found[0], name).tobytes() == getattr(other, name).tobytes()
