"""Every format of a blinking study, read back by independent libraries."""

import shutil
import subprocess
from dataclasses import replace

import h5py
import numpy as np
import pytest
import roifile

from tests.support.export_checks import check_exports, check_ome_zarr
from tests.support.studies import small_study
from umlpsd_gpu.analyses.blinking.contents import contents_of
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.exports.columnar import ColumnarFiles
from umlpsd_gpu.exports.contents import Column, Contents, Curves, Frame, Image, Places, Table
from umlpsd_gpu.exports.imagej_rois import write_roi_sets
from umlpsd_gpu.exports.matlab5 import write_matlab5
from umlpsd_gpu.exports.matlab73 import write_matlab73
from umlpsd_gpu.exports.names import file_name, matlab_name
from umlpsd_gpu.storage.blocks import spool

OCTAVE = shutil.which("octave-cli") or shutil.which("octave")


@pytest.fixture(scope="module")
def study():
    return small_study()


@pytest.fixture(scope="module")
def contents(study):
    return contents_of(study)


@pytest.mark.parametrize("kind", ["emitters", "pixels", "imported"])
def test_exports_are_read_back(tmp_path, kind):
    check_exports(contents_of(small_study(kind=kind)), tmp_path)


def test_ome_zarr_is_valid(tmp_path):
    check_ome_zarr(contents_of(small_study(kind="pixels")), tmp_path / "zarr")


def test_contents_are_those_of_the_study(study, contents):
    traces = contents.table_of("traces")
    np.testing.assert_array_equal(traces["beta"].values, study.fit.beta)
    np.testing.assert_array_equal(traces["cluster"].values, study.labels)
    curves = {each.name: each for each in contents.curves}
    assert curves["trajectories"].values[0].values is study.traces.values
    assert curves["trajectories"].x.values[1] == study.traces.dt_s
    scaled = curves["scaled_trajectories"]
    np.testing.assert_array_equal(scaled.index, np.flatnonzero(study.labels))
    spectra = curves["power_spectra"]
    middle = spectra.x.values.size // 2
    expected = study.fit.amplitude[3] * spectra.x.values[middle] ** -study.fit.beta[3]
    assert spectra.model(3)[middle] == pytest.approx(expected)
    sources = [places.frame.name for places in contents.places]
    assert sources == [movie.name for movie in study.movies]
    first = contents.places[0]
    assert first.nearest(first.rows[5] + 0.4, first.cols[5] - 0.4) == first.index[5]
    assert first.nearest(-50.0, -50.0) is None


def run_octave(script):
    done = subprocess.run([OCTAVE, "--eval", script], capture_output=True, text=True, timeout=60)
    return [line for line in done.stdout.splitlines() if line.startswith("= ")]


@pytest.mark.skipif(OCTAVE is None, reason="GNU Octave is not installed")
@pytest.mark.parametrize("write", [write_matlab5, write_matlab73])
def test_octave_reads_both_versions(study, contents, tmp_path, write):
    path = tmp_path / "study.mat"
    write(contents, path)
    script = (
        f"s = load('{path}');"
        "printf('= %.17g\\n', s.tables.traces.beta(7), s.curves.power_spectra.psd(3, 5));"
        "printf('= %d\\n', size(s.curves.trajectories.counts), s.tables.traces.cluster(2));"
        "printf('= %s\\n', deblank(char(s.tables.traces.id(7, :))), char(s.units.traces.row));"
        "printf('= %d\\n', isnan(s.tables.traces.beta(end)), s.tables.traces.outlier(4));"
        "printf('= %.17g\\n', s.images.film_1_tif.values.mean_image(3, 8));"
    )
    values = study.traces.values
    assert run_octave(script) == [
        f"= {study.fit.beta[6]:.17g}",
        f"= {study.spectrum.psd[2, 4]:.17g}",
        f"= {values.shape[0]}",
        f"= {values.shape[1]}",
        f"= {study.labels[1]}",
        f"= {study.traces.ids[6]}",
        "= px",
        "= 1",
        f"= {study.outliers.is_outlier[3]:d}",
        f"= {study.movies[0].mean_image[2, 7]:.17g}",
    ]


@pytest.mark.skipif(OCTAVE is None, reason="GNU Octave is not installed")
def test_octave_reads_groups_of_numbers_from_study_h5(study, tmp_path):
    """The example of docs/file_formats.md."""
    folder = study.save(tmp_path / "study")
    script = (
        f"s = load('-hdf5', '{folder}/study.h5', 'clusters', 'outliers');"
        "printf('= %.17g\\n', s.clusters.beta_mean(2), s.outliers.score(3));"
        "printf('= %d\\n', size(s.clusters.psd_mean));"
    )
    psd = study.clusters.psd_mean
    assert run_octave(script) == [
        f"= {study.clusters.beta_mean[1]:.17g}",
        f"= {study.outliers.score[2]:.17g}",
        f"= {psd.shape[1]}",
        f"= {psd.shape[0]}",
    ]


def test_matlab_73_has_the_marks_that_matlab_looks_for(contents, tmp_path):
    path = tmp_path / "study.mat"
    write_matlab73(contents, path)
    head = path.read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file")
    assert head[124:] == b"\x00\x02IM"
    with h5py.File(path) as file:
        assert file.userblock_size == 512
        table = file["tables/traces"]
        assert table.attrs["MATLAB_class"] == b"struct"
        order = [b"".join(name).decode() for name in table.attrs["MATLAB_fields"]]
        assert order[:3] == ["id", "movie", "row"]
        assert table["beta"].attrs["MATLAB_class"] == b"double"
        assert table["outlier"].attrs["MATLAB_class"] == b"logical"
        assert table["id"].attrs["MATLAB_int_decode"] == 2
        assert table["cluster"].attrs["MATLAB_class"] == b"int16"
    again = tmp_path / "again.mat"
    write_matlab73(contents, again)
    assert again.read_bytes() == path.read_bytes()


def test_matlab_5_says_no_time_of_day(contents, tmp_path):
    for name in "ab":
        write_matlab5(contents, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_matlab_5_refuses_variables_of_2_gb(tmp_path):
    large = np.broadcast_to(np.float64(1.0), (20_000, 20_000))
    x = Column("time_s", np.arange(20_000.0), "s")
    curves = Curves("trajectories", x, (Column("counts", large),), ("a",) * 20_000)
    with pytest.raises(SettingsError, match=r"'curves' has 3\.2 GB, .* export to mat, which"):
        write_matlab5(Contents("study", "blinking", curves=(curves,)), tmp_path / "a.mat")


def test_spooled_traces_are_written_in_blocks(contents, tmp_path):
    counts = np.asarray(contents.curves[0].values[0].values)
    spooled = spool(*counts.shape, counts.dtype)
    spooled[:] = counts
    column = replace(contents.curves[0].values[0], values=spooled)
    curves = replace(contents.curves[0], values=(column,))
    write_matlab73(replace(contents, curves=(curves,)), tmp_path / "a.mat")
    with h5py.File(tmp_path / "a.mat") as file:
        np.testing.assert_array_equal(file["curves/trajectories/counts"][()].T, counts)


def test_parquet_has_types_units_and_a_column_for_the_study(contents, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    files = ColumnarFiles(tmp_path, ".parquet", with_study=True)
    for name in ("first", "second"):
        files.add(replace(contents, name=name))
    files.close()
    table = parquet.read_table(tmp_path / "traces.parquet")
    n = contents.table_of("traces").n_rows
    assert table.column("study").to_pylist() == ["first"] * n + ["second"] * n
    assert table.schema.field("row").metadata[b"unit"] == b"px"
    beta = contents.table_of("traces")["beta"].values
    np.testing.assert_array_equal(table.column("beta").to_numpy(), np.tile(beta, 2))
    long = parquet.read_table(tmp_path / "trajectories.parquet")
    assert long.column_names == ["study", "id", "time_s", "counts"]
    counts = np.asarray(contents.curves[0].values[0].values).reshape(-1)
    np.testing.assert_array_equal(long.column("counts").to_numpy(), np.tile(counts, 2))


def test_tables_with_other_columns_get_files_of_their_own(tmp_path):
    files = ColumnarFiles(tmp_path, ".csv", with_study=True)
    for name in ("a", "b"):
        table = Table("quantities", (Column(name, np.array([1.5])),))
        files.add(Contents(name, "curves", tables=(table,)))
    files.close()
    assert (tmp_path / "quantities.csv").read_text() == "study,a\na,1.5\n"
    assert (tmp_path / "quantities_2.csv").read_text() == "study,b\nb,1.5\n"


def test_hostile_names_become_safe_files_and_fields(tmp_path):
    name = "../<script>alert(1)</script>.tif"
    frame = Frame(name, (4, 5))
    table = Table("traces", (Column("id", ("a", "a\nb")), Column("β", np.array([1.0, np.nan]))))
    places = Places(
        "emitters", frame, "traces", np.arange(2), np.ones(2), np.ones(2), np.array([1, 300]), 2.5
    )
    image = Image("8 neighbours", frame, np.zeros((4, 5)))
    contents = Contents("s", "blinking", tables=(table,), images=(image,), places=(places,))
    write_roi_sets(contents, tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == "script_alert_1_script_.tif_emitters_rois.zip"
    first, second = roifile.roiread(path)
    assert (first.group, second.group) == (1, 255)
    assert second.properties["id"] == "a b"
    write_matlab5(contents, tmp_path / "a.mat")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("beta", "beta"),
        ("8 neighbours", "x8_neighbours"),
        ("end", "xend"),
        ("β", "x"),
        ("at_-0.5v", "at_minus_0_5v"),
    ],
)
def test_fields_of_matlab(text, name):
    assert matlab_name(text) == name


def test_long_names_stay_unique():
    first = matlab_name("a" * 80)
    second = matlab_name("a" * 80, {first})
    assert (len(first), len(second), first == second) == (63, 63, False)
    assert file_name("...", ()) == "unnamed"
