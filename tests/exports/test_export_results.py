"""The command `umlpsd export`: folders, refusals, several studies."""

import csv
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.support.studies import small_study
from umlpsd_gpu import export_results
from umlpsd_gpu.analyses.blinking.analysis import Blinking
from umlpsd_gpu.analyses.blinking.figures.plans import figure_plans
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import OutputInUseError, SettingsError, UmlpsdError
from umlpsd_gpu.exports.formats import FORMATS
from umlpsd_gpu.plotting.figure_data import write_figure_data


@pytest.fixture(scope="module")
def study():
    return small_study()


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("saved") / "film")


def call(*words):
    return CliRunner().invoke(app, ["export", *map(str, words)], env={"COLUMNS": "400"})


def test_all_formats_at_once(folder, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow (extra 'parquet') is not installed")
    pytest.importorskip("zarr", reason="zarr (extra 'zarr') is not installed")
    # one figure takes a fifth of the time of all
    one = [plan for plan in figure_plans(small_study()) if plan.name == "exponents"]
    monkeypatch.setattr(Blinking, "figures", lambda self, result: one)
    shown = call(folder, "--to", ",".join(FORMATS))
    assert shown.exit_code == 0, shown.output
    target = folder.with_name("film_export")
    assert f"Export: {target}" in shown.output
    assert {path.name for path in target.iterdir()} == {*FORMATS, "export.json"}
    summary = json.loads((target / "export.json").read_text())
    written = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert set(summary["files"]) == written - {"export.json"}
    drawn = {path.name for path in (target / "figures").iterdir()}
    assert drawn == {f"exponents{suffix}" for suffix in (".png", ".svg", ".csv")}


def test_an_existing_export_is_replaced_only_if_asked(folder, tmp_path):
    target = tmp_path / "out"
    export_results([folder], ["mat5"], target)
    with pytest.raises(OutputInUseError, match="already holds a data export"):
        export_results([folder], ["csv"], target)
    assert (target / "mat5/study.mat").exists()
    export_results([folder], ["csv"], target, overwrite=True)
    assert not (target / "mat5").exists()
    (target / "mine.txt").write_text("notes")
    with pytest.raises(OutputInUseError, match=r"mine\.txt"):
        export_results([folder], ["csv"], target, overwrite=True)


def test_a_study_is_never_replaced(folder):
    with pytest.raises(OutputInUseError, match="holds files but no data export"):
        export_results([folder], ["csv"], folder, overwrite=True)
    assert (folder / "study.h5").exists()


def test_a_folder_of_studies_gives_one_table(study, tmp_path):
    place = tmp_path / "archive"
    study.save(place / "day 1/film")
    small_study(seed=1).save(place / "day 2/film")
    (place / ".film.partial-1").mkdir()
    written = export_results([place], ["csv", "mat5"], tmp_path / "out")
    with (written / "csv/traces.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["day_1_film", "day_2_film"]
    assert [row["study"] for row in rows] == np.repeat(names, study.traces.n_traces).tolist()
    assert sorted(path.name for path in (written / "mat5").iterdir()) == names
    assert not [path for path in (written / "csv").iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "xls"], "there is no format 'xls'; choose from csv, parquet, mat"),
        (["--to", "mat", "--out", "a.mat"], "give the name of a folder, as a_export"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(folder, words, message):
    shown = call(folder, *words)
    assert isinstance(shown.exception, SettingsError)
    assert message in str(shown.exception)


def test_what_is_no_study_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="is no study folder and contains none"):
        export_results([tmp_path], ["csv"], tmp_path / "out")
    with pytest.raises(SettingsError, match="no study was given"):
        export_results([], ["csv"], tmp_path / "out")


def test_a_failed_export_leaves_nothing(study, tmp_path):
    damaged = study.save(tmp_path / "film")
    (damaged / "study.h5").write_bytes(b"nothing")
    with pytest.raises(UmlpsdError, match="damaged"):
        export_results([damaged], ["csv"], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["film"]


@pytest.mark.parametrize(("name", "module"), [("parquet", "pyarrow"), ("ome-zarr", "zarr")])
def test_a_missing_package_is_named(folder, tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=rf"needs? {module}, which is not installed: pip"):
        export_results([folder], [name], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_numbers_beside_a_figure_are_those_of_the_study(study, tmp_path):
    (plan,) = [plan for plan in figure_plans(study) if plan.name == "exponents"]
    write_figure_data(plan.draw(study), tmp_path, "exponents")
    with (tmp_path / "exponents.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for cluster in np.unique(study.labels[study.labels > 0]):
        shown = [
            float(row["y"])
            for row in rows
            if (row["kind"], row["series"]) == ("points", f"Cluster {cluster}")
        ]
        beta = study.fit.beta[study.labels == cluster]
        assert sorted(shown) == sorted(beta[np.isfinite(beta)])
        counted = [
            float(row["x"])
            for row in rows
            if (row["kind"], row["series"]) == ("bars", f"Cluster {cluster}")
        ]
        assert sum(counted) == len(shown)
