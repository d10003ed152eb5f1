"""Inputs of a study: files, folders and patterns, of movies or tables."""

import numpy as np
import pytest
import tifffile

from tests.support.studies import small_study
from tests.support.tables import cells, telegraph_counts, write
from umlpsd_gpu import Settings
from umlpsd_gpu.analyses.blinking.find_inputs import find_inputs
from umlpsd_gpu.analyses.blinking.open import open_sources
from umlpsd_gpu.batch.manifest import init_batch
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.storage.result_folder import read_summary


@pytest.fixture
def archive(tmp_path):
    """Return a folder with two movies, one below it, and a link to nothing."""
    root = tmp_path / "archive"
    (root / "night").mkdir(parents=True)
    frames = np.random.default_rng(0).integers(90, 110, (30, 16, 16)).astype(np.uint16)
    for name in ("m1.tif", "m2.tif", "night/m3.tif"):
        tifffile.imwrite(
            root / name, frames, imagej=True, metadata={"finterval": 0.03, "axes": "TYX"}
        )
    (root / "old.tif").symlink_to(tmp_path / "gone.tif")
    return root


def find(path, **values):
    return find_inputs(str(path), Settings().with_values(values), lambda folder: False)


@pytest.mark.parametrize("bad", ["link", "folder", "loop"])
def test_one_bad_entry_hides_no_movie(archive, bad):
    if bad == "folder":
        (archive / "old.tif").unlink()
        (archive / "old.tif").mkdir()
    if bad == "loop":
        (archive / "old.tif").unlink()
        (archive / "old.tif").symlink_to(archive / "old.tif")
    found = {f.path.relative_to(archive).as_posix(): f.reason for f in find(archive).found}
    good = {"m1.tif": "", "m2.tif": "", "night/m3.tif": ""}
    assert {name: found[name] for name in good} == good
    assert set(found) - set(good) == (set() if bad == "folder" else {"old.tif"})
    if bad != "folder":
        assert "can't be opened" in found["old.tif"]


def test_a_batch_with_a_bad_entry(archive, tmp_path):
    manifest = init_batch(str(archive), tmp_path / "out", Settings())
    assert [(entry.name, entry.verdict) for entry in manifest.movies] == [
        ("m1.tif", "whole"),
        ("m2.tif", "whole"),
        ("night/m3.tif", "whole"),
        ("old.tif", "unreadable"),
    ]


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    for i in (1, 2, 10):
        write(folder / f"dots_{i}.csv", cells(values=telegraph_counts(seed=i)))
    return folder


def test_folders_and_patterns_of_tables(tables):
    for name in (tables, f"{tables}/dots_*.csv"):
        found = open_sources([str(name)], Settings())
        assert found.n_traces == 36
        assert list(dict.fromkeys(found.source)) == ["dots_1.csv", "dots_2.csv", "dots_10.csv"]
    assert open_sources([f"{tables}/dots_1*.csv"], Settings()).n_traces == 24
    (tables / "m.tif").write_bytes(b"II*\0")
    with pytest.raises(SettingsError, match=r"matches both tables .* and movies"):
        open_sources([f"{tables}/*"], Settings())


def test_an_archive_of_tables(tables, tmp_path):
    (tables / "README.txt").write_text("Dots of March, see the notebook.\n")
    findings = find(tables)
    assert [found.path.name for found in findings.found] == [
        "dots_1.csv",
        "dots_10.csv",
        "dots_2.csv",
    ]
    assert [path.name for path, _ in findings.left_out] == ["README.txt"]
    quick = {"preprocess.scales": ["W10"], "sweep.n_epochs": 3, "sweep.k_max": 3}
    quick |= {"decision.n_surrogates": 0, "decision.n_resamples": 0}
    out = tmp_path / "out"
    init_batch(str(tables), out, Settings().with_values(quick), figures=False)
    report = run_batch(out)
    assert len(report.done) == 3
    assert not report.failed
    summaries = [read_summary(path / "study") for path in (out / "results").iterdir()]
    assert all(summary is not None for summary in summaries)


def test_movies_come_before_tables(archive, tables):
    write(archive / "positions.csv", cells())
    assert len(find(archive).found) == 4


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("t.xls", "save it as .xlsx"),
        ("t.ods", "save it as .xlsx"),
        ("t.asc", "rename it to .txt"),
        ("t.csv.gz", "unpack it"),
        ("t.hdf", "rename it to .h5"),
        ("t.parquet", "export it as .csv"),
        ("t", "rename it to .txt or .csv"),
        ("t.strange", "rename it to .txt or .csv"),
    ],
)
def test_other_suffixes_are_named(name, says, tmp_path):
    path = write(tmp_path / name, cells())
    with pytest.raises(SettingsError, match=says) as caught:
        open_sources([str(path)], Settings())
    assert ".npz" in str(caught.value)
    assert ".tif" in str(caught.value)


def test_a_table_of_results_is_no_table_of_traces(tmp_path):
    small_study().save(tmp_path / "study")
    with pytest.raises(TracesError, match=r"results of a study; give its study\.h5"):
        open_sources([str(tmp_path / "study" / "traces.csv")], Settings())
