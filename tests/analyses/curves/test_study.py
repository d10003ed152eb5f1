"""A study of a map of curves: workflow, tables, maps, saving, command line and batch."""

import csv
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import umlpsd_gpu as um
from tests.analyses.curves.maps import simulated_map
from tests.support.browser import visit_result
from tests.support.export_checks import check_exports, check_ome_zarr
from umlpsd_gpu.analyses.curves.cluster_table import table_rows
from umlpsd_gpu.analyses.curves.contents import contents_of
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.fields import FIELDS, TABLE
from umlpsd_gpu.analyses.curves.gsf import write_gsf
from umlpsd_gpu.analyses.curves.page import headline, page_of
from umlpsd_gpu.analyses.curves.workflow import average_columns
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.clustering.small_clusters import (
    call_small_clusters_outliers,
    list_group_notes,
)
from umlpsd_gpu.errors import TracesError, UmlpsdError

QUICK = {"sweep.k_max": 5, "sweep.n_epochs": 10, "decision.n_resamples": 6}
OPTIONS = ["--k-max", "5", "--epochs", "10", "--set", "decision.n_resamples=6"]


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})


@pytest.fixture(scope="module")
def made():
    return simulated_map(n_points=64)


@pytest.fixture(scope="module")
def study(made):
    return um.run_curves(made[0], um.CurveSettings().with_values(QUICK))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("saved") / "study")


@pytest.fixture
def map_file(made, tmp_path):
    return write_map(tmp_path / "map.npz", made[0])


def write_map(path, curves, factor=1.0, **more):
    unit = {1.0: "A", 1e9: "nA", 1e12: "pA"}[factor]
    arrays = {f"current_{sweep}": factor * each for sweep, each in curves.current.items()}
    arrays |= {"bias_V": curves.bias, "current_unit": unit, "shape": curves.shape}
    arrays |= {"positions_m": curves.positions, "height_m": curves.height}
    np.savez(path, **(arrays | more))
    return path


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_kinds_of_contacts_are_found(study, made):
    truth = made[1].truth["kind"]
    labels = study.clustering.labels
    assert study.clustering.decision.k_opt == 3
    usable = labels > 0
    np.testing.assert_array_equal(usable, study.conditioned.is_usable)
    largest = sum(np.bincount(truth[labels == k] + 1).max() for k in (1, 2, 3))
    assert largest >= 0.98 * usable.sum()
    # dead pixels are not clustered
    assert (labels[truth == -1] == 0).mean() > 0.9


@pytest.mark.parametrize("factor", [1e9, 1e12])
def test_the_unit_changes_nothing(study, made, tmp_path, factor):
    path = write_map(tmp_path / "a.npz", made[0], factor)
    again = um.run_curves(path, um.CurveSettings().with_values(QUICK))
    np.testing.assert_array_equal(again.clustering.labels, study.clustering.labels)
    assert again.clustering.decision.k_opt == study.clustering.decision.k_opt
    name = "zero_bias_conductance"
    np.testing.assert_allclose(
        again.quantities[name].values, study.quantities[name].values, rtol=1e-6
    )


def test_a_study_is_the_same_after_saving(study, folder):
    again = um.CurveStudy.load(folder)
    for (path, _, stored), (_, _, found) in zip(
        TABLE.stored(study), TABLE.stored(again), strict=True
    ):
        if isinstance(stored, np.ndarray):
            np.testing.assert_array_equal(found, stored, err_msg=path)
        else:
            assert found == stored, path
    assert again.settings == study.settings
    assert again.notes == study.notes
    assert again.map.shape == study.map.shape


def test_a_study_of_curves_without_places_is_the_same_after_saving(made, tmp_path):
    bare = CurveMap(
        made[0].bias,
        made[0].current,
        lock_in={"dI/dV forward": np.gradient(made[0].current["forward"], axis=1)},
    )
    found = um.run_curves(bare, um.CurveSettings().with_values(QUICK))
    again = um.CurveStudy.load(found.save(tmp_path / "a"))
    assert again.map.shape is again.map.positions is again.map.height is None
    assert list(again.map.lock_in) == ["dI/dV forward"]
    assert not list((tmp_path / "a").glob("*.tif"))
    assert "row" not in rows_of(tmp_path / "a/curves.csv")[0]


def test_a_changed_study_is_refused(study, tmp_path):
    place = study.save(tmp_path / "a")
    with h5py.File(place / "study.h5", "r+") as file:
        file["map/bias"][0] = -9.0
    with pytest.raises(UmlpsdError, match="was changed after it was written"):
        um.CurveStudy.load(place)


def test_every_dataset_is_described_and_documented(folder, request):
    described = {field.path for field in FIELDS}
    with h5py.File(folder / "study.h5") as file:
        assert file.attrs["analysis"] == "curves"
        assert file["map/forward/current"].attrs["unit"] == "A"
        file.visititems(
            lambda name, item: isinstance(item, h5py.Group) or item.attrs["description"]
        )
    text = (request.config.rootpath / "docs" / "file_formats.md").read_text("utf-8")
    for path in described:
        for star in ("map/*", "conditioned/*"):
            path = path.replace(star, f"{star[:-1]}<sweep>")
        path = path.replace("lock_in/*", "lock_in/<n>").replace("quantities/*", "quantities/<name>")
        assert f"| `{path.replace('sweeps/*', 'sweeps/<scale>')}` |" in text


def test_tables_have_a_row_for_every_curve_and_cluster(study, folder):
    curves, clusters = rows_of(folder / "curves.csv"), rows_of(folder / "clusters.csv")
    assert [int(row["cluster"]) for row in curves] == study.clustering.labels.tolist()
    gap = study.quantities["zero_bias_conductance"]
    column = [float(row["zero_bias_conductance (S)"] or "nan") for row in curves]
    np.testing.assert_array_equal(column, gap.values)
    assert float(curves[31]["x_m"]) == study.map.positions[31, 0]
    assert (curves[31]["row"], curves[31]["col"]) == ("1", "1")
    assert {row["flag"] for row in curves} == {"", "saturated", "not clustered"}
    assert [int(row["n_curves"]) for row in clusters] == [
        int((study.clustering.labels == k).sum()) for k in (1, 2, 3)
    ]
    members = (study.clustering.labels == 2) & gap.is_valid
    assert float(clusters[1]["zero_bias_conductance_median"]) == pytest.approx(
        np.median(gap.values[members])
    )
    assert float(clusters[0]["area_m2"]) == pytest.approx(int(clusters[0]["n_curves"]) * 1e-16)


def test_the_summary_says_where_everything_is_from(study, folder):
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["analysis"] == "curves"
    assert summary["k_opt"] == 3
    assert summary["n_curves"] == 600
    assert summary["shape"] == [20, 30]
    assert summary["n_clustered"] == int(study.conditioned.is_usable.sum())
    assert summary["pixel_size_m"] == pytest.approx([1e-8, 1e-8])
    assert sum(cluster["n_curves"] for cluster in summary["clusters"]) == summary["n_clustered"]
    assert summary["quantities"]["zero_bias_conductance"]["unit"] == "S"
    assert summary["calibrated_for"]


def test_maps_open_elsewhere(study, folder):
    with tifffile.TiffFile(folder / "maps.ome.tif") as file:
        assert 'PhysicalSizeX="0.01"' in file.ome_metadata
        assert "Zero-bias conductance (S)" in file.ome_metadata
        assert file.asarray().shape[1:] == (20, 30)
    np.testing.assert_array_equal(
        tifffile.imread(folder / "labels.ome.tif"), study.clustering.labels.reshape(20, 30)
    )
    header, values = read_gsf(folder / "gwyddion/height.gsf")
    assert header["ZUnits"] == "m"
    assert float(header["XReal"]) == pytest.approx(30e-8)
    np.testing.assert_allclose(values, study.map.height.reshape(20, 30), rtol=1e-6)


def read_gsf(path):
    """Read a .gsf file by its specification."""
    content = path.read_bytes()
    end = content.index(b"\0")
    lines = content[:end].decode().splitlines()
    assert lines[0] == "Gwyddion Simple Field 1.0"
    header = dict(line.split(" = ", 1) for line in lines[1:])
    start = end + 4 - end % 4
    assert content[end:start] == b"\0" * (start - end)
    values = np.frombuffer(content[start:], "<f4")
    return header, values.reshape(int(header["YRes"]), int(header["XRes"]))


@pytest.mark.parametrize("title", ["", "a", "ab", "abc", "abcd"])
def test_values_of_a_simple_field_begin_at_a_multiple_of_four(tmp_path, title):
    image = np.array([[1.0, np.nan, 3.0]])
    write_gsf(tmp_path / "a.gsf", image, title)
    header, values = read_gsf(tmp_path / "a.gsf")
    np.testing.assert_array_equal(values, image.astype(np.float32))
    assert header.get("Title", "") == title


def test_long_curves_are_averaged_within_each_sweep():
    matrix = np.arange(2 * 2 * 300.0).reshape(2, 600)
    averaged = average_columns(matrix, 300, 2)
    assert averaged.shape == (2, 200)
    np.testing.assert_allclose(averaged[0, [0, 99, 100]], [1, 298, 301])
    assert average_columns(matrix[:, :1], 300, 2).shape == (2, 1)
    assert average_columns(matrix, 100, 6) is matrix


def test_too_few_curves_are_refused(made, tmp_path):
    one = CurveMap(made[0].bias, {"forward": made[0].current["forward"][:1]})
    with pytest.raises(TracesError, match="1 of 1 curve can be clustered, and an analysis needs"):
        um.run_curves(one)


@pytest.mark.parametrize("value", [np.nan, 1e-6])
def test_maps_without_a_usable_curve_are_refused(made, value):
    current = np.full_like(made[0].current["forward"], value)
    with pytest.raises(UmlpsdError) as caught:
        um.run_curves(CurveMap(made[0].bias, {"forward": current}))
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value) or ":" in str(caught.value)


def test_curves_with_gaps_are_left_out(made):
    current = made[0].current["forward"].copy()
    current[3, 7] = np.nan
    found = um.run_curves(
        CurveMap(made[0].bias, {"forward": current}), um.CurveSettings().with_values(QUICK)
    )
    assert found.clustering.labels[3] == 0
    assert (found.clustering.labels > 0).sum() == found.conditioned.is_usable.sum()


def test_check_describes_a_map(map_file):
    shown = call("check", map_file, "--analysis", "curves")
    assert shown.exit_code == 0, shown.output
    for text in ("whole", "600 of 64 points, grid of 20 × 30 pixels", "-1 to 1 V", "forward"):
        assert text in shown.output


def test_run_writes_a_study_with_its_report(map_file, tmp_path):
    shown = call("run", map_file, "--analysis", "curves", "--out", tmp_path / "out", *OPTIONS)
    assert shown.exit_code == 0, shown.output
    assert "3 clusters" in shown.output
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert "Zero-bias conductance" in page
    assert um.CurveStudy.load(tmp_path / "out").clustering.decision.k_opt == 3
    with pytest.raises(UmlpsdError, match="holds a result of the analysis 'curves'"):
        um.Study.load(tmp_path / "out")


def test_a_refused_map_leaves_nothing_behind(map_file, tmp_path):
    with np.load(map_file) as arrays:
        known = {name: arrays[name] for name in arrays.files if name != "current_unit"}
    np.savez(tmp_path / "b.npz", **known)
    shown = call("run", tmp_path / "b.npz", "--analysis", "curves", "--out", tmp_path / "out")
    assert isinstance(shown.exception, um.CurvesError)
    assert shown.exception.exit_code == 2
    assert "unit of the current is unknown" in str(shown.exception)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_folder_of_maps_is_a_batch(made, tmp_path):
    archive = tmp_path / "maps"
    archive.mkdir()
    write_map(archive / "a.npz", made[0])
    write_map(archive / "b.npz", simulated_map(n_points=64, seed=1)[0])
    (archive / "c.npz").write_bytes(b"damaged")
    # one study with figures is in the test of `run`
    begun = call(
        *("batch", "init", archive, tmp_path / "out", "--analysis", "curves", "--no-figures"),
        *OPTIONS,
    )
    assert begun.exit_code == 0, begun.output
    done = call("batch", "run", tmp_path / "out", "--workers", "1")
    # c.npz failed
    assert done.exit_code == 1, done.output
    reported = call("batch", "report", tmp_path / "out")
    assert reported.exit_code == 0, reported.output
    (table,) = (tmp_path / "out").rglob("movies.csv")
    rows = {row["movie"]: row for row in rows_of(table)}
    assert [rows[name]["k_opt"] for name in ("a.npz", "b.npz")] == ["3", "3"]
    assert (rows["c.npz"]["state"], rows["c.npz"]["k_opt"]) == ("failed", "")
    assert float(rows["a.npz"]["current_offset_a"]) == pytest.approx(5e-12, rel=0.2)


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("a.3ds", True),
        ("a.ibw", True),
        ("x--4_1.I(V)_mtrx", True),
        ("a.gwy", True),
        ("a.npz", False),
    ],
)
def test_files_of_microscopes_are_claimed(tmp_path, name, claimed):
    assert um.get_analysis("curves").claims(str(tmp_path / name)) is claimed


def test_only_spectra_among_dat_files_are_claimed(tmp_path):
    (tmp_path / "a.dat").write_text("0 1\n1 2\n")
    (tmp_path / "b.dat").write_text("Experiment\tbias spectroscopy\n\n[DATA]\nV (V)\tI (A)\n0\t1\n")
    curves = um.get_analysis("curves")
    assert [curves.claims(str(tmp_path / name)) for name in ("a.dat", "b.dat")] == [False, True]


def test_a_cluster_of_very_few_curves_is_a_group_of_outliers(study):
    usable = study.conditioned.is_usable
    whole = study.clustering
    labels = whole.labels.copy()
    grouped = np.flatnonzero(labels == 3)[:3]
    labels[grouped] = 4
    outliers = replace(
        whole.outliers, score=whole.outliers.score[usable], labels=whole.outliers.labels[usable]
    )
    of_usable = replace(
        whole,
        decision=replace(whole.decision, k_opt=4),
        labels=labels[usable],
        label_uncertainty=whole.label_uncertainty[usable],
        silhouette=whole.silhouette[usable],
        outliers=outliers,
    )
    found = call_small_clusters_outliers(of_usable).spread_over(usable)
    assert np.array_equal(found.labels, np.where(labels == 4, 0, labels))
    assert found.outliers.is_outlier[grouped].all()
    assert (found.outliers.labels[grouped] == 0).all()
    assert np.isnan(found.silhouette[grouped]).all()
    assert np.isnan(found.label_uncertainty[grouped]).all()
    assert len(found.tests.gap) == 3
    with_group = replace(study, clustering=found)
    assert headline(with_group).endswith("3 clusters in 581 curves, and 1 group of outliers")
    assert (with_group.n_classes, with_group.n_outlier_groups) == (3, 1)
    (note,) = list_group_notes(found, usable, "curves")
    assert "1 of the K = 4 clusters holds less than 1 % of the curves (3 of 581 in all)" in note
    rows = list(table_rows(with_group))
    assert [row.cluster for row in rows] == [1, 2, 3]
    assert page_of(with_group).sections


def test_large_clusters_stay(study):
    usable = study.conditioned.is_usable
    assert list_group_notes(study.clustering, usable, "curves") == []
    assert (study.clustering.labels[usable] > 0).all()


def test_whole_analysis_on_the_device_finds_what_the_cpu_finds(on_cpu):
    curves, _ = simulated_map(n_rows=8, n_cols=10, n_points=64, n_grains=4)
    few = {"k_max": 3, "n_epochs": 4, "n_resamples": 2}
    here, there = (um.run_curves(curves, **few, device=device) for device in ("cpu", "gpu"))
    assert there.device == "gpu"
    assert there.clustering.decision.k_opt == here.clustering.decision.k_opt
    np.testing.assert_array_equal(there.clustering.labels, here.clustering.labels)
    for name, quantity in here.quantities.items():
        np.testing.assert_array_equal(there.quantities[name].values, quantity.values)


def test_clicking_a_pixel_shows_its_curve(study, browser, tmp_path):
    visit = visit_result(browser, study, tmp_path)
    n_cols = study.map.shape[1]
    pixel = 5 * n_cols + 12
    assert study.conditioned.is_usable[pixel]
    visit.click("map", 12, 5)
    assert visit.page.locator("#explorer-number").input_value() == str(pixel)
    assert visit.values()["Cluster"] == f"cluster {study.clustering.labels[pixel]}"
    for panel, sweeps in enumerate((study.map.current, study.conditioned.current)):
        for place, values in enumerate(sweeps.values()):
            shown = np.array(visit.column(f"panel-{panel}-{place}", "y"))
            expected = values[pixel]
            factor = np.nanmax(np.abs(shown)) / np.nanmax(np.abs(expected))
            assert factor in (pytest.approx(1e9, rel=1e-3), pytest.approx(1e12, rel=1e-3))
            np.testing.assert_allclose(shown / factor, expected, atol=2e-4 * np.ptp(expected))
            np.testing.assert_allclose(
                visit.column(f"panel-{panel}-{place}", "x"),
                (study.map.bias, study.conditioned.bias)[panel],
                atol=1e-6,
            )
    conductance = study.quantities["zero_bias_conductance"]
    said = visit.values()["Zero-bias conductance"].replace("−", "-").split(" ± ")
    scale = 1e9 if said[1].endswith("nS") else 1e12
    assert float(said[0]) == pytest.approx(scale * conductance.values[pixel], rel=1e-3)
    error = float(said[1].split()[0])
    assert error == pytest.approx(scale * conductance.errors[pixel], rel=0.06)
    assert visit.complaints == []


def test_exports_are_read_back(study, tmp_path):
    contents = contents_of(study)
    currents = next(curves for curves in contents.curves if curves.name == "currents")
    np.testing.assert_array_equal(currents.values[0].values, study.conditioned.current["forward"])
    (places,) = contents.places
    assert places.nearest(3.2, 7.8) == 3 * 30 + 8
    assert contents.frames[0].pixel_size == pytest.approx((10.0, 10.0))
    check_exports(contents, tmp_path)
    check_ome_zarr(contents, tmp_path / "zarr")
