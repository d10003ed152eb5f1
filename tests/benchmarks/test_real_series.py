"""Real labelled sets as matrices, from the sets of scikit-learn alone."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("decision.real_series")


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("decision.real_table")


@pytest.fixture
def sklearn_sets(module):
    package = next(package for package in module.PACKAGES if package.name == "scikit-learn")
    return {series.name: series for series in module.real_series([package])}


class TestSets:
    def test_are_finite_matrices_with_a_class_for_each_row(self, sklearn_sets):
        assert {"iris", "wine", "breast_cancer", "digits"} <= set(sklearn_sets)
        for series in sklearn_sets.values():
            assert set(series.classes) == set(range(series.k_classes))
            assert len(series.class_names) == series.k_classes
            for matrix in series.matrices.values():
                assert matrix.dtype == np.float64
                assert np.isfinite(matrix).all()
                assert len(matrix) == len(series.classes)

    def test_a_sub_problem_keeps_only_its_classes(self, sklearn_sets):
        parts = [name for name in sklearn_sets if name.startswith("digits ")]
        assert 0 < len(parts) <= 15
        names = parts[0].removeprefix("digits ").split("/")
        part = sklearn_sets[parts[0]]
        kept = np.isin(load_digits().target, [int(name) for name in names])
        assert part.class_names == tuple(sorted(names))
        np.testing.assert_array_equal(part.matrices["raw"], load_digits().data[kept])

    def test_tables_are_standardised(self, sklearn_sets):
        columns = sklearn_sets["wine"].matrices["standard"]
        np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(columns.std(axis=0), 1)

    def test_of_a_missing_package_are_left_out_with_a_sentence(self, module, capsys):
        package = module.Package("no-such-package", "none", {"no set": None})
        assert find_spec("no_such_package") is None
        assert list(module.real_series([package])) == []
        assert "no-such-package is not installed" in capsys.readouterr().out

    def test_without_their_file_are_left_out_with_a_sentence(self, module, capsys):
        sources = import_module("decision.real_sources")
        reader = {"gone": lambda name: sources.file_of("sklearn", "no/file.csv")}
        assert list(module.real_series([module.Package("scikit-learn", "", reader)])) == []
        assert "gone of scikit-learn can't be read" in capsys.readouterr().out


class TestRepresentations:
    def test_of_curves(self, module):
        raw = np.vstack([np.arange(100.0), np.full(100, 3.0), np.arange(100.0)[::-1]])
        found = module.representations_of("curves", {"raw": raw})
        assert {"raw", "minmax", "zscore", "minmax_bin5"} == set(found)
        assert found["minmax_bin5"].shape == (3, 20)
        assert found["minmax"][0, [0, -1]].tolist() == [0, 1]
        assert not found["minmax"][1].any()
        assert not found["zscore"][1].any()

    def test_of_spectra_have_unit_norm_too(self, module):
        spectra = np.random.default_rng(0).random((4, 30))
        found = module.representations_of("spectra", {"raw": spectra})
        np.testing.assert_allclose(np.linalg.norm(found["unit"], axis=1), 1)

    def test_of_an_unknown_kind_are_refused(self, module):
        with pytest.raises(ValueError, match="unknown"):
            module.representations_of("sounds", {"raw": np.zeros((2, 2))})


class TestTable:
    def test_k_means_told_k_solves_the_wines(self, table, sklearn_sets):
        scores = table.scores_of(sklearn_sets["wine"])
        assert scores["standard"] > table.JUDGED_ARI

    def test_rotating_keeps_the_distances(self, table):
        points = np.random.default_rng(1).normal(size=(6, 40))
        turned = table.rotated(points)
        assert turned.shape == (6, 6)
        np.testing.assert_allclose(
            np.linalg.norm(turned[0] - turned[1]), np.linalg.norm(points[0] - points[1])
        )

    def test_matrices_are_saved_by_a_safe_name(self, table, sklearn_sets, tmp_path):
        name = next(name for name in sklearn_sets if name.startswith("wine "))
        table.save(sklearn_sets[name], tmp_path)
        (path,) = tmp_path.iterdir()
        data = np.load(path)
        assert "/" not in path.name
        assert set(data.files) == {"rep_standard", "classes", "k"}
        assert data["k"] == sklearn_sets[name].k_classes
