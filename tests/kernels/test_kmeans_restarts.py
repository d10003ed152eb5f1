"""Restarts of K-means in C: the partitions and metrics of their twin, on every processor alike."""

import importlib.util
import os
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from tests.support.ensembles import UGLY, three_shapes, ugly
from tests.support.tolerances import METRIC_RTOL
from tests.test_packages import ROOT
from umlpsd_gpu.compute import cpu_kernel
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.kmeans import engines
from umlpsd_gpu.kmeans import native as compiled
from umlpsd_gpu.kmeans.distance_stack import PairStack
from umlpsd_gpu.kmeans.distances import PairGeometry, geometry_of
from umlpsd_gpu.kmeans.engines import lloyd_all_restarts, run_batched
from umlpsd_gpu.kmeans.lloyd import draw_uniforms, starting_traces
from umlpsd_gpu.kmeans.native import kmeans_restarts
from umlpsd_gpu.kmeans.options import SweepOptions

pytest.importorskip("hatchling", reason="hatchling, which compiles the kernel, is not installed")

METRICS = ("sqeuclidean", "euclidean")
SANITIZE = os.environ.get("UMLPSD_KERNEL_SANITIZE", "")
N_EPOCHS = 12

spec = importlib.util.spec_from_file_location("kernels_build", ROOT / "kernels" / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)

HAS_COMPILER = shutil.which(build.compiler()[0]) is not None
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")
compares_versions = pytest.mark.skipif(bool(SANITIZE), reason="only one version is sanitized")


# sanitizers check the source: the versions for other processors and the compiler's optimisation
# would only take minutes to compile
SANITIZED = (f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all", "-O1", "-DFOR_EVERY_PROCESSOR=")


def compile_kernel(name, folder, options):
    """Compile a kernel with more options, and with sanitizers where asked for; load it."""
    source = folder / f"{name}.c"
    source.write_text((ROOT / "kernels" / source.name).read_text())
    return cpu_kernel.load(
        build.compile_library(source, [*(SANITIZED if SANITIZE else ()), *options])
    )


@pytest.fixture(scope="module")
def compile_with(tmp_path_factory):
    """Compile the kernel with more options, and load it."""
    return lambda *options: compile_kernel(
        "kmeans_restarts", tmp_path_factory.mktemp("kernel"), options
    )


@pytest.fixture(scope="module")
def checked(compile_with):
    """As installed, but complaining of nothing at all; with sanitizers where these are asked for"""
    return compile_with("-Wall", "-Wextra", "-Werror", "-Wno-psabi")


@pytest.fixture(autouse=True)
def use(request, monkeypatch):
    """Take the library of the tests."""
    if HAS_COMPILER:
        library = request.getfixturevalue("checked")
        monkeypatch.setattr(compiled, "library", lambda: library)


@pytest.fixture
def pool():
    with thread_pool(1) as pool:
        yield pool


def assert_alike(ours, twin):
    assert np.array_equal(ours[0], twin[0])
    assert np.array_equal(ours[1], twin[1])
    for field in fields(ours[2]):
        found, expected = (getattr(metrics, field.name) for metrics in (ours[2], twin[2]))
        assert found == pytest.approx(expected, rel=METRIC_RTOL, abs=METRIC_RTOL, nan_ok=True), (
            field.name
        )


@needs_compiler
@pytest.mark.parametrize("kind", [kind for kind in UGLY if kind != "two_traces_far_away"])
@pytest.mark.parametrize("metric", METRICS)
def test_finds_what_its_twin_finds(kind, metric, pool):
    values = ugly(kind)
    pairs = geometry_of(values, pool, metric, prefer_pairs=True)
    for k in range(1, min(len(values), 9) + 1):
        uniforms = draw_uniforms(k, N_EPOCHS, 3)
        arguments = values, pairs, uniforms, SweepOptions(silhouette_metric=metric)
        assert_alike(run_batched(*arguments), lloyd_all_restarts(*arguments))


@needs_compiler
@pytest.mark.parametrize("n_traces", [2, 3, 8, 31, 32, 33, 40, 71])
def test_any_number_of_traces_is_summed_whole(n_traces, pool):
    values = three_shapes(n_traces, 30, 0.3)[0]
    pairs = geometry_of(values, pool, prefer_pairs=True)
    for k in {1, 2, n_traces // 2}:
        arguments = values, pairs, draw_uniforms(k, 5, 0), SweepOptions()
        assert_alike(run_batched(*arguments), lloyd_all_restarts(*arguments))


@needs_compiler
def test_a_trace_between_two_centroids_goes_to_the_lower_number():
    """Starts at −3 and 2 lead to centroids at −2 and 2, without rounding: 0 is between them."""
    values = np.array([-3, -1, 0, 2, 2, 4.0])[:, None]
    pairs = PairGeometry((values - values.T) ** 2)
    uniforms = np.array([[[0.0, 0.0], [0.2, 0.2]]])
    assert starting_traces(pairs, uniforms).tolist() == [[0, 3]]
    labels, _, _ = run_batched(values, pairs, uniforms, SweepOptions(max_iter=1))
    assert labels.tolist() == [[0, 0, 0, 1, 1, 1]]


@needs_compiler
def test_as_many_clusters_as_traces(pool):
    values = three_shapes(31, 30, 0.3)[0]
    pairs = geometry_of(values, pool, prefer_pairs=True)
    labels, _, metrics = run_batched(values, pairs, draw_uniforms(31, 5, 0), SweepOptions())
    assert np.array_equal(np.sort(labels, axis=1), np.tile(np.arange(31), (5, 1)))
    assert (metrics.ssd == 0).all()
    assert (metrics.silhouette == 0).all()


@needs_compiler
@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_stops_at_max_iter_with_the_metrics_of_its_last_labels(max_iter, pool):
    values = ugly("binned")
    pairs = geometry_of(values, pool, prefer_pairs=True)
    arguments = values, pairs, draw_uniforms(6, N_EPOCHS, 1), SweepOptions(max_iter=max_iter)
    found = run_batched(*arguments)
    assert_alike(found, lloyd_all_restarts(*arguments))
    assert found[1].max() == max_iter


@needs_compiler
@pytest.mark.parametrize("metric", METRICS)
def test_every_run_sees_the_pairs_of_its_ensemble(metric, pool):
    ensembles = [three_shapes(40, 20, 0.3, seed)[0] for seed in range(3)]
    pairs = [geometry_of(values, pool, metric, prefer_pairs=True) for values in ensembles]
    of_run = np.repeat([2, 0, 1], 4)
    stack = PairStack(np.array([one.sqdist for one in pairs]), of_run)
    uniforms, options = draw_uniforms(4, of_run.size, 0), SweepOptions(silhouette_metric=metric)
    labels, n_iterations, metrics = run_batched(ensembles[0], stack, uniforms, options)
    for number, one in enumerate(pairs):
        runs = slice(*(np.flatnonzero(of_run == number)[[0, -1]] + [0, 1]))
        alone = run_batched(ensembles[number], one, uniforms[runs], options)
        assert_alike((labels[runs], n_iterations[runs], metrics.part(runs)), alone)


@needs_compiler
def test_a_restart_whose_cluster_goes_empty_is_its_twins(pool, monkeypatch):
    """Five distinct traces of eleven: with K = 5 some starts fall on equal ones, with K = 6 all."""
    values = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 5, 9.0])[:, None]
    pairs = geometry_of(values, pool, prefer_pairs=True)
    for k, some_are_done in ((4, True), (6, False)):
        uniforms = draw_uniforms(k, 40, 0)
        done = kmeans_restarts(pairs, uniforms, "sqeuclidean", 100).is_done
        assert done.any() == some_are_done
        arguments = values, pairs, uniforms, SweepOptions()
        assert_alike(run_batched(*arguments), lloyd_all_restarts(*arguments))
    left = []

    def counted(values, geometry, uniforms, *others):
        left.append(len(uniforms))
        return lloyd_all_restarts(values, geometry, uniforms, *others)

    def given_up(*arguments):
        found = kmeans_restarts(*arguments)
        found.n_iterations[::3] = 0
        found.labels[::3] = -1
        return found

    monkeypatch.setattr(engines, "lloyd_all_restarts", counted)
    monkeypatch.setattr(engines, "kmeans_restarts", given_up)
    values = ugly("binned")
    pairs = geometry_of(values, pool, prefer_pairs=True)
    arguments = values, pairs, draw_uniforms(4, 10, 0), SweepOptions()
    assert_alike(run_batched(*arguments), lloyd_all_restarts(*arguments))
    assert left == [4]


@needs_compiler
@compares_versions
def test_every_version_gives_the_same_bits(compile_with, pool, monkeypatch):
    """Those that the loader chooses from, and one without vectors at all."""
    values = three_shapes(103, 30, 0.3)[0]
    pairs = geometry_of(values, pool, "euclidean", prefer_pairs=True)
    uniforms = draw_uniforms(7, N_EPOCHS, 0)
    versions = [("-O1", "-fno-tree-vectorize")]
    processor = Path("/proc/cpuinfo")
    known = set(processor.read_text().split()) if processor.is_file() else set()
    versions += [(f"-m{name}",) for name in ("avx2", "avx512f") if name in known]
    found = [kmeans_restarts(pairs, uniforms, "euclidean", 100)]
    for options in versions:
        library = compile_with("-DFOR_EVERY_PROCESSOR=", *options)
        monkeypatch.setattr(compiled, "library", lambda library=library: library)
        found.append(kmeans_restarts(pairs, uniforms, "euclidean", 100))
    for field in fields(found[0]):
        bits = {np.asarray(getattr(one, field.name)).tobytes() for one in found}
        assert len(bits) == 1, field.name


@needs_compiler
def test_arrays_of_another_kind_are_refused(checked):
    """The declared types keep a wrong array from being read as something else."""
    with pytest.raises(Exception, match="array must have data type float64"):
        checked.kmeans_restarts(*[np.zeros((1, 2, 2), dtype=np.float32)] * 2, 2, *[None] * 13)


@pytest.fixture
def kernel_folder(tmp_path, monkeypatch):
    shutil.copy(ROOT / "kernels" / "kmeans_restarts.c", tmp_path)
    monkeypatch.setattr(cpu_kernel, "folder", lambda: tmp_path)
    cpu_kernel._found.cache_clear()
    yield tmp_path
    cpu_kernel._found.cache_clear()


def test_a_missing_library_is_told(kernel_folder):
    assert cpu_kernel.library() is None
    assert "not compiled: install a C compiler" in cpu_kernel.why_missing()


@needs_compiler
def test_a_library_of_another_text_is_not_taken(kernel_folder):
    source = kernel_folder / "kmeans_restarts.c"
    build.compile_library(source)
    assert cpu_kernel.why_missing() is None
    source.write_text(source.read_text() + "// more\n")
    cpu_kernel._found.cache_clear()
    assert cpu_kernel.library() is None


@needs_compiler
def test_a_library_that_does_not_load_is_told(kernel_folder):
    build.compile_library(kernel_folder / "kmeans_restarts.c").write_bytes(b"no library")
    assert cpu_kernel.library() is None
    assert "can't be loaded" in cpu_kernel.why_missing()
