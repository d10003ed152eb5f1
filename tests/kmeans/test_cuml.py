"""Engine ``cuml``: what is handed to cuML, what comes back, and what happens where it is missing.

The stand-in checks our side of the contract; the same tests run with the real cuML on a GPU.
"""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tests.support import cuml_on_cpu, cupy_on_cpu
from tests.support.ensembles import three_shapes, ugly
from tests.support.tolerances import INERTIA_ENGINES, METRIC_RTOL
from umlpsd_gpu.compute import backend
from umlpsd_gpu.errors import DeviceError
from umlpsd_gpu.kmeans import cuml as engine
from umlpsd_gpu.kmeans import lloyd as kmeans
from umlpsd_gpu.kmeans.cuml import cuml_labels
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.metrics import metrics_of
from umlpsd_gpu.kmeans.sweep import sweep


@pytest.fixture
def stand_in(monkeypatch):
    """The stand-in in cuML's place, with no memory of earlier runs."""
    monkeypatch.setitem(sys.modules, "cuml", cuml_on_cpu)
    cuml_on_cpu.FITTED.clear()
    yield cuml_on_cpu
    cuml_on_cpu.global_settings.output_type = None


@pytest.fixture
def cuml(cupy, request):
    """The stand-in beside the stand-in for CuPy, the real cuML beside the real CuPy."""
    if cupy is cupy_on_cpu:
        return request.getfixturevalue("stand_in")
    return pytest.importorskip("cuml", reason="cuML is not installed", exc_type=ImportError)


def starts_of(values, k, n_runs=6):
    """Distinct starting traces, (n_runs, k), from the same draw as in a sweep."""
    geometry = PointGeometry(values - values.mean(axis=0))
    return kmeans.starting_traces(geometry, kmeans.draw_uniforms(k, n_runs, 0))


def reference_runs(values, starts, max_iter=100):
    return [
        KMeans(
            len(start),
            init=values[start],
            n_init=1,
            max_iter=max_iter,
            tol=0,
            algorithm="lloyd",
        ).fit(values)
        for start in starts
    ]


@pytest.mark.parametrize("kind", ["raw", "binned", "wide", "tall", "few", "constant_traces"])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_labels_equal_scikit_learns_run_for_run(cupy, cuml, kind, k):
    values = ugly(kind)
    starts = starts_of(values, k)
    labels, n_iterations = cuml_labels(cupy.asarray(values), starts, 100)
    runs = reference_runs(values, starts)
    assert np.array_equal(cupy.asnumpy(labels), [run.labels_ for run in runs])
    assert np.array_equal(n_iterations, [run.n_iter_ for run in runs])


# powers of two, so that the scaled curves are the same curves bit for bit: currents in ampere,
# counts, and what nobody measures
@pytest.mark.parametrize("exponent", [-60, -30, 20, 60])
def test_labels_do_not_depend_on_the_unit(cupy, cuml, exponent):
    values = ugly("binned")
    starts = starts_of(values, 7)
    runs = reference_runs(values, starts)
    labels, n_iterations = cuml_labels(cupy.asarray(np.ldexp(values, exponent)), starts, 100)
    assert np.array_equal(cupy.asnumpy(labels), [run.labels_ for run in runs])
    assert np.max(n_iterations) < 100


def test_a_finished_run_changes_no_more(cupy, cuml):
    values, _ = three_shapes(2000, 20, 0.4)
    labels, n_iterations = cuml_labels(cupy.asarray(values), starts_of(values, 12), 300)
    assert np.max(n_iterations) < 300
    for found in cupy.asnumpy(labels):
        centroids = np.array([values[found == c].mean(axis=0) for c in range(12)])
        nearest = ((values[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        assert np.array_equal(nearest, found)


def test_shapes_and_types(cupy, cuml):
    values = cupy.asarray(ugly("binned"))
    before = cupy.asnumpy(values)
    labels, n_iterations = cuml_labels(values, starts_of(before, 3, n_runs=4), 100)
    assert type(labels).__module__ == "cupy"
    assert (labels.shape, labels.dtype) == ((4, 101), np.int16)
    assert (n_iterations.shape, n_iterations.dtype) == ((4,), np.int64)
    assert np.array_equal(cupy.asnumpy(values), before)


def test_iterations_end_at_max_iter(cupy, cuml):
    values = ugly("binned")
    starts = starts_of(values, 9)
    labels, n_iterations = cuml_labels(cupy.asarray(values), starts, 2)
    assert (n_iterations == 2).all()
    runs = reference_runs(values, starts, max_iter=2)
    assert np.array_equal(cupy.asnumpy(labels), [run.labels_ for run in runs])


def test_equal_traces_are_one_cluster(cupy, cuml):
    labels, _ = cuml_labels(cupy.asarray(np.full((9, 4), 0.25)), np.array([[0, 4, 8]]), 100)
    assert np.unique(cupy.asnumpy(labels)).size == 1


def test_an_empty_cluster_stays_empty_and_is_counted_so(cupy, cuml):
    values = np.repeat(ugly("few"), 3, axis=0)  # every trace three times
    starts = np.array([[0, 1, 3, 6, 9], [0, 3, 6, 9, 12]])
    labels, _ = cuml_labels(cupy.asarray(values), starts, 100)
    found = cupy.asnumpy(labels)
    assert [np.unique(row).size for row in found] == [4, 5]
    metrics = metrics_of(PointGeometry(values - values.mean(axis=0)), found, 5, "sqeuclidean")
    assert np.isfinite(metrics.ssd).all()
    assert metrics.ssd[0] > metrics.ssd[1]


def test_a_sweep_by_cuml_is_the_sweep_of_the_other_engines(cupy, cuml):
    found = sweep(cupy.asarray(ugly("few")), [1, 2, 3], n_epochs=3, engine="cuml")
    expected = sweep(ugly("few"), [1, 2, 3], n_epochs=3, engine="sklearn")
    assert found.engine == "cuml"
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.n_iterations, expected.n_iterations)
    assert found.silhouette == pytest.approx(expected.silhouette, rel=METRIC_RTOL, nan_ok=True)


def test_the_users_output_type_does_no_harm(cupy, stand_in):
    if cupy is not cupy_on_cpu:
        pytest.skip("the stand-in for cuML takes no real device arrays")
    values = ugly("binned")
    starts = starts_of(values, 3)
    expected, _ = cuml_labels(cupy.asarray(values), starts, 100)
    stand_in.global_settings.output_type = "numpy"
    labels, _ = cuml_labels(cupy.asarray(values), starts, 100)
    assert np.array_equal(cupy.asnumpy(labels), cupy.asnumpy(expected))


@pytest.mark.gpu
def test_real_cuml_reaches_our_inertia():
    """One per cent leaves room for the rare run that empties a cluster."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    if backend.gpu_missing():
        pytest.skip(backend.gpu_missing())
    pytest.importorskip("cuml", reason="cuML is not installed", exc_type=ImportError)
    values, _ = three_shapes(5000, 150, 0.4)
    geometry = PointGeometry(values - values.mean(axis=0))
    for k in (2, 8, 15):
        starts = starts_of(values, k, n_runs=10)
        labels, _ = cuml_labels(cupy.asarray(values), starts, 300)
        sqdist = np.stack([geometry.sqdist_from(column) for column in starts.T])
        ours, _ = kmeans.lloyd(geometry, sqdist, 300)
        theirs, expected = (
            metrics_of(geometry, found, k, "sqeuclidean").ssd
            for found in (cupy.asnumpy(labels), ours)
        )
        assert theirs == pytest.approx(expected, rel=INERTIA_ENGINES)


class TestContract:
    """What the stand-in was given, and that it refuses what cuML refuses."""

    def fit(self, cupy, **changes):
        values = cupy.asarray(ugly("few"))
        arguments = {"n_clusters": 2, "init": values[:2], "tol": 1e-9, **changes}
        return cuml_on_cpu.KMeans(**arguments).fit(values)

    @pytest.fixture
    def cupy_on_cpu(self, cupy, stand_in):
        if cupy is not cupy_on_cpu:
            pytest.skip("about the stand-in only")
        return cupy

    def test_every_argument_that_steers_is_given(self, cupy_on_cpu):
        values = ugly("binned")
        starts = starts_of(values, 3, n_runs=2)
        cuml_labels(cupy_on_cpu.asarray(values), starts, 77)
        assert len(cuml_on_cpu.FITTED) == 2
        for start, run in zip(starts, cuml_on_cpu.FITTED, strict=True):
            assert np.array_equal(cupy_on_cpu.asnumpy(run.init), values[start])
            given = (run.n_clusters, run.n_init, run.max_iter, run.random_state, run.output_type)
            assert given == (3, 1, 77, 0, "cupy")
            assert 0 < run.tol <= 1e-14

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"tol": 0}, RuntimeError),
            ({"n_clusters": 8}, ValueError),  # of 7 traces
            ({"n_clusters": 0}, ValueError),
            ({"n_clusters": 3}, ValueError),  # from two starts
            ({"algorithm": "lloyd"}, TypeError),
            ({"random_state": "0"}, TypeError),
        ],
    )
    def test_stand_in_refuses_what_cuml_refuses(self, cupy_on_cpu, changes, error):
        self.fit(cupy_on_cpu)
        with pytest.raises(error):
            self.fit(cupy_on_cpu, **changes)

    def test_stand_in_refuses_nan_and_positions(self, cupy_on_cpu):
        with pytest.raises(ValueError, match="NaN"):
            self.fit(cupy_on_cpu, init=cupy_on_cpu.asarray(np.full((2, 20), np.nan)))
        with pytest.raises(TypeError, match="positional"):
            cuml_on_cpu.KMeans(2)

    def test_recorded_signature_is_the_real_one(self):
        """Where cuML is installed; it needs no GPU for that."""
        real = pytest.importorskip("cuml", reason="cuML is not installed", exc_type=ImportError)
        for name in ("__init__", "fit"):
            recorded, found = (
                inspect.signature(getattr(module.cluster.KMeans, name))
                for module in (cuml_on_cpu, real)
            )
            assert [str(p).partition(":")[0] for p in recorded.parameters.values()] == [
                str(p).partition(":")[0] for p in found.parameters.values()
            ]


PACKAGE = """
import sys
sys.modules["cupy"].cuda.set_allocator("RMM")
from tests.support.cuml_on_cpu import *
"""


class TestMissing:
    """Where cuML or the GPU is missing, one sentence says what to do."""

    @pytest.fixture
    def no_cuml(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cuml", None)

    @pytest.fixture
    def installed(self, cupy, monkeypatch, tmp_path):
        """Write a package ``cuml`` with the given text, to be imported like the real one."""
        if cupy is not cupy_on_cpu:
            pytest.skip("the real cuML must not be replaced on disk")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "cuml", raising=False)

        def write(text):
            (tmp_path / "cuml.py").write_text(text)
            importlib.invalidate_caches()

        yield write
        sys.modules.pop("cuml", None)

    def test_not_installed(self, no_cuml):
        with pytest.raises(DeviceError, match=r"cuML is not installed: .*umlpsd_gpu\[cuda13\]"):
            engine.require_cuml()
        assert engine.cuml_version() is None

    def test_no_gpu_is_said_before_the_slow_import(self, installed, monkeypatch):
        installed("raise AssertionError('was imported')")
        monkeypatch.setattr(engine, "gpu_missing", lambda: "there is no GPU")
        with pytest.raises(DeviceError, match="'cuml' was asked for, but there is no GPU; or use"):
            engine.require_cuml()

    def test_broken(self, installed):
        installed("import no_such_library_of_rapids")
        with pytest.raises(DeviceError, match=r"can't be imported .*no_such_library_of_rapids"):
            engine.require_cuml()

    def test_cupys_memory_stays_as_it_was(self, cupy, installed):
        installed(PACKAGE)
        cupy.cuda.set_allocator("the pool")
        try:
            assert engine.require_cuml() is cuml_on_cpu.KMeans
            assert cupy.cuda.get_allocator() == "the pool"
        finally:
            cupy.cuda.set_allocator(None)
        assert engine.cuml_version() == "of unknown version"

    def test_nothing_is_imported_before_it_is_asked_for(self):
        script = (
            "import sys, umlpsd_gpu; from umlpsd_gpu.kmeans import cuml as engine; "
            "engine.prefer_cuml(9, 9); engine.cuml_version(); "
            "print({'cupy', 'cuml', 'rmm'} & set(sys.modules))"
        )
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert found.stdout.strip() == "set()", found.stderr


class TestAuto:
    @pytest.fixture
    def measured(self, monkeypatch):
        monkeypatch.setattr(engine, "CUML_FROM_TRACES", 50_000)
        monkeypatch.setattr(engine, "MEASURED_ON", "a card")

    def test_crossover_names_its_card(self):
        assert (engine.CUML_FROM_TRACES is None) == (engine.MEASURED_ON == "")

    def test_unmeasured_stays_with_batched(self, stand_in, monkeypatch):
        monkeypatch.setattr(engine, "CUML_FROM_TRACES", None)
        assert not engine.prefer_cuml(10**9, 1)
        assert engine.why_auto().startswith("batched; from how many traces")

    @pytest.mark.parametrize(
        ("n_traces", "n_samples", "prefers"),
        [(49_999, 10, False), (50_000, 10, True), (50_000, 25_000, True), (50_000, 25_001, False)],
    )
    def test_measured(self, stand_in, measured, n_traces, n_samples, prefers):
        assert engine.prefer_cuml(n_traces, n_samples) == prefers
        assert "from 50000 traces on" in engine.why_auto()
        assert "a card" in engine.why_auto()

    def test_without_cuml_it_is_never_preferred(self, measured, monkeypatch):
        monkeypatch.setitem(sys.modules, "cuml", None)
        assert not engine.prefer_cuml(10**9, 1)
        assert engine.why_auto() == "batched; cuML is not installed"
