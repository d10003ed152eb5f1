"""The verb ``sweep``: engines agree, bits repeat, bad arguments are named."""

import dataclasses
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tests.support.ensembles import three_shapes, ugly
from tests.support.tolerances import METRIC_RTOL
from umlpsd_gpu import kmeans as package
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.kmeans import cpu
from umlpsd_gpu.kmeans import distances as geometry
from umlpsd_gpu.kmeans.distances import PointGeometry
from umlpsd_gpu.kmeans.options import SweepOptions
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.kmeans.sweep import start_sweep, sweep


def arrays(result: Sweep):
    return {
        field.name: getattr(result, field.name)
        for field in dataclasses.fields(result)
        if isinstance(getattr(result, field.name), np.ndarray)
    }


@pytest.mark.parametrize("kind", ["raw", "binned", "tall"])
def test_engines_find_the_same_partitions(kind, way):
    ours, reference = (
        sweep(ugly(kind), range(1, 9), n_epochs=5, engine=engine)
        for engine in ("batched", "sklearn")
    )
    assert np.array_equal(ours.labels, reference.labels)
    assert ours.ssd == pytest.approx(reference.ssd, rel=1e-12)
    assert (ours.engine, reference.engine) == ("batched", "sklearn")


@pytest.mark.parametrize("kind", ["raw", "tall"])
def test_bits_do_not_depend_on_threads(kind, way):
    one, two = (sweep(ugly(kind), n_epochs=30, seed=5, n_threads=n) for n in (1, 2))
    for name, value in arrays(one).items():
        assert value.tobytes() == arrays(two)[name].tobytes(), name


def test_partitions_do_not_depend_on_the_blocks(monkeypatch, way):
    whole = sweep(ugly("binned"), n_epochs=20)
    monkeypatch.setattr(cpu, "BLOCK_BYTES", 1)
    single = sweep(ugly("binned"), n_epochs=20)
    assert np.array_equal(whole.labels, single.labels)
    assert whole.silhouette == pytest.approx(single.silhouette, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_many_short_curves_start_alike_with_and_without_kept_pairs(monkeypatch, metric, in_step):
    values = three_shapes(200, 12, 0.3)[0]
    kept = sweep(values, range(1, 6), 20, silhouette_metric=metric)
    monkeypatch.setattr(geometry, "KEPT_PAIR_BYTES", 0)
    again = sweep(values, range(1, 6), 20, silhouette_metric=metric)
    assert np.array_equal(kept.labels, again.labels)
    assert kept.silhouette == pytest.approx(again.silhouette, rel=METRIC_RTOL, nan_ok=True)


def test_ssd_is_as_low_as_scikit_learns(way):
    values, _ = three_shapes(120, 40, 0.3)
    ours = sweep(values, range(1, 16), n_epochs=60).ssd.mean(axis=1)
    for k, ssd in zip(range(1, 16), ours, strict=True):
        runs = [KMeans(k, n_init=1, random_state=s).fit(values).inertia_ for s in range(60)]
        assert ssd <= 1.005 * np.mean(runs)


def test_shapes_and_undefined_values(way):
    result = sweep(ugly("binned"), [1, 4, 2], n_epochs=3, scale="W80")
    assert result.k_values.tolist() == [1, 2, 4]
    assert result.labels.shape == (3, 3, 101)
    assert result.below_percent.shape == (7, 3, 3)
    assert np.array_equal(result.misclassified_percent, result.below_percent[0], equal_nan=True)
    assert np.isnan(result.silhouette[0]).all()
    assert np.isfinite(result.silhouette[1:]).all()
    assert np.isfinite(result.ssd).all()
    assert (result.best_labels(4) == result.labels[2, result.best_epoch(4)]).all()
    assert result.scale == "W80"


def test_recovers_three_shapes(way):
    values, classes = three_shapes(90, 60, 0.1)
    assert adjusted_rand_score(classes, sweep(values).best_labels(3)) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"k_values": range(1, 9)}, SettingsError, "between 1 and the number of traces"),
        ({"k_values": [0]}, SettingsError, "between 1 and"),
        ({"k_values": []}, SettingsError, "between 1 and"),
        ({"k_values": [2], "n_epochs": 0}, SettingsError, "n_epochs"),
        ({"k_values": [2], "silhouette_metric": "cosine"}, SettingsError, "cosine"),
        ({"k_values": [2], "engine": "matlab"}, SettingsError, "matlab"),
    ],
)
def test_bad_arguments_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        sweep(ugly("few"), **arguments)


def test_values_whose_squares_overflow_are_refused():
    values = ugly("few")
    sweep(values * 1e70, [2])
    with pytest.raises(
        TracesError, match=r"7 of 7 curves hold NaN, infinities or values beyond 1e"
    ):
        sweep(values * 1e160 + 1e155, [2])


def test_values_that_are_not_finite_are_counted():
    values = ugly("few")
    values[2, 3] = np.nan
    with pytest.raises(TracesError, match="1 of 7 curves hold NaN"):
        sweep(values, [2])


class TestOptions:
    def test_defaults_are_those_of_the_verb(self):
        signature = inspect.signature(sweep).parameters
        for field in dataclasses.fields(SweepOptions):
            assert field.default == signature[field.name].default, field.name

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"seed": -1}, "seed must be a whole number from 0 on, got -1"),
            ({"n_epochs": 0}, "n_epochs must be a whole number from 1 on, got 0"),
            ({"max_iter": 0}, "max_iter must be a whole number from 1 on, got 0"),
            ({"silhouette_metric": "cosine"}, "must be 'sqeuclidean' or 'euclidean', got 'cosine'"),
            ({"budget_s": 0.0}, "budget_s must be above 0, or None for no budget, got 0"),
        ],
    )
    def test_values_outside_the_limits_are_refused(self, options, says):
        with pytest.raises(SettingsError, match=says):
            SweepOptions(**options)

    def test_a_started_sweep_is_the_sweep(self):
        options = SweepOptions(seed=3, n_epochs=4, silhouette_metric="euclidean", max_iter=5)
        found = start_sweep(ugly("few"), [1, 2, 3], options, scale="W8")()
        expected = sweep(ugly("few"), [1, 2, 3], 4, 3, "auto", "euclidean", 5, "W8")
        others = vars(expected).keys() - arrays(expected).keys()
        assert len(others) > 4
        assert all(getattr(found, name) == getattr(expected, name) for name in others)
        for name, value in arrays(expected).items():
            assert arrays(found)[name].tobytes() == value.tobytes(), name


class TestWhatMayBeSwept:
    """A matrix, or anything that has one; nobody has to be imported for that."""

    def test_an_object_with_values_and_a_scale(self):
        traces = SimpleNamespace(values=ugly("few"), scale="WL6")
        assert sweep(traces, [2], 2).scale == "WL6"
        assert sweep(traces, [2], 2, scale="W80").scale == "W80"
        assert np.array_equal(sweep(traces, [2], 2).labels, sweep(ugly("few"), [2], 2).labels)

    def test_a_table_whose_scale_is_a_column(self):
        table = pd.DataFrame(ugly("few")).rename(columns={0: "scale"})
        found = sweep(table, [2], 2)
        assert found.scale == "raw"
        assert np.array_equal(found.labels, sweep(ugly("few"), [2], 2).labels)

    def test_lists(self):
        assert sweep(ugly("few").tolist(), [2], 2).n_traces == 7


def test_the_room_imports_no_other_analysis():
    """What is clustered is anyone's matrix."""
    allowed = {"compute", "errors", "keywords", "kmeans"}
    for path in Path(package.__file__).parent.glob("*.py"):
        found = re.findall(r"umlpsd_gpu\.(\w+)", path.read_text(encoding="utf-8"))
        assert set(found) <= allowed, path.name


@pytest.mark.parametrize(
    ("shape", "expected"), [((600, 100), True), ((600, 101), False), ((599, 9), False)]
)
def test_middling_ensembles_of_few_samples_are_swept_as_points(
    shape, expected, compiled_kernel, monkeypatch
):
    taken = []
    real = cpu.geometry_of

    def kept(*arguments, **options):
        taken.append(real(*arguments, **options))
        return taken[-1]

    monkeypatch.setattr(cpu, "geometry_of", kept)
    rng = np.random.default_rng(0)
    values = np.repeat(np.eye(3, shape[1]), shape[0] // 3 + 1, axis=0)[: shape[0]]
    values = values + rng.normal(0, 0.2, shape)
    found = sweep(values, [3], n_epochs=2)
    assert isinstance(taken[0], PointGeometry) == expected
    monkeypatch.setattr(cpu, "_prefer_points", lambda *shape: not expected)
    assert np.array_equal(sweep(values, [3], n_epochs=2).labels, found.labels)
