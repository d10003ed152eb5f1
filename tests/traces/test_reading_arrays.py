"""Array files and workbooks: which array or sheet, and which way round."""

import h5py
import numpy as np
import pytest
import scipy.io
from openpyxl import Workbook

from tests.support.hostile_files import workbook_tables
from tests.support.studies import small_study
from tests.support.tables import DT_S, TIME_S, VALUES, cells
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.tables import read_traces

TALL = np.random.default_rng(1).poisson(100, (40, 400))


def assert_right(found, values=VALUES, dt_s=DT_S):
    assert found.dt_s == pytest.approx(dt_s)
    assert np.array_equal(found.values, values)


def test_times_tell_which_way_round(tmp_path):
    np.savez(tmp_path / "a.npz", F=TALL.T, t=TIME_S)
    found = read_traces(tmp_path / "a.npz")
    assert_right(found, TALL)
    assert "Columns of a.npz were taken as traces" in found.notes[0]
    np.savez(tmp_path / "b.npz", F=TALL, time_ms=1e3 * TIME_S)
    assert_right(read_traces(tmp_path / "b.npz"), TALL)
    np.savez(tmp_path / "c.npz", F=TALL, t=TIME_S[:77])
    with pytest.raises(TracesError, match="77 times, which fits neither side"):
        read_traces(tmp_path / "c.npz")


@pytest.mark.parametrize("times", [TIME_S, TIME_S + 3, np.round(np.arange(400) / 30, 2)])
def test_times_in_the_first_column_or_row(times, tmp_path):
    dt_s = (times[-1] - times[0]) / 399
    with_times = np.vstack([times, TALL])
    scipy.io.savemat(tmp_path / "columns.mat", {"Data": with_times.T})
    np.save(tmp_path / "rows.npy", with_times)
    for name, line in (("columns.mat", "column"), ("rows.npy", "row")):
        found = read_traces(tmp_path / name)
        assert_right(found, TALL, dt_s)
        assert f"The first {line} of {name} rises evenly" in found.notes[0]


def test_frame_numbers_in_the_first_column(tmp_path):
    np.save(tmp_path / "t.npy", np.column_stack([np.arange(400), TALL.T]))
    with pytest.raises(TracesError, match="--dt-s"):
        read_traces(tmp_path / "t.npy")
    assert_right(read_traces(tmp_path / "t.npy", dt_s=0.1), TALL, 0.1)


def test_more_traces_than_frames_are_told(tmp_path):
    np.save(tmp_path / "t.npy", TALL.T)
    found = read_traces(tmp_path / "t.npy", dt_s=DT_S)
    assert found.n_traces == 400
    assert "--layout columns" in found.notes[0]
    assert_right(read_traces(tmp_path / "t.npy", dt_s=DT_S, layout="columns"), TALL)
    np.save(tmp_path / "t.npy", VALUES.T)
    with pytest.raises(TracesError, match="axes seem to be swapped"):
        read_traces(tmp_path / "t.npy", dt_s=DT_S)
    assert read_traces(tmp_path / "t.npy", dt_s=DT_S, layout="rows").n_traces == 400


def test_structs_and_cells_of_matlab(tmp_path):
    scipy.io.savemat(tmp_path / "struct.mat", {"data": {"traces": VALUES, "time": TIME_S}})
    assert_right(read_traces(tmp_path / "struct.mat"))
    vectors = np.empty(12, dtype=object)
    vectors[:] = [row.astype(float) for row in VALUES]
    scipy.io.savemat(tmp_path / "cell.mat", {"traces": vectors})
    assert_right(read_traces(tmp_path / "cell.mat", dt_s=DT_S))
    with h5py.File(tmp_path / "cell73.mat", "w") as file:
        parts = [
            file.create_dataset(f"#refs#/{i}", data=row[None].T) for i, row in enumerate(VALUES)
        ]
        file["traces"] = np.array([[part.ref for part in parts]], dtype=h5py.ref_dtype)
    assert_right(read_traces(tmp_path / "cell73.mat", dt_s=DT_S))
    with h5py.File(tmp_path / "text.mat", "w") as file:
        file["S/F"], file["S/dt_s"] = VALUES.T, [[DT_S]]
        file["S/names"] = np.ones((6, 12), np.uint16)
        file["S/names"].attrs["MATLAB_class"] = np.bytes_("char")
    assert_right(read_traces(tmp_path / "text.mat"))


def test_vectors_and_records_are_a_trace_each(tmp_path):
    np.savez(tmp_path / "v.npz", t=TIME_S, **{f"QD{i}": row for i, row in enumerate(VALUES)})
    found = read_traces(tmp_path / "v.npz")
    assert_right(found)
    assert found.ids[1] == "v.npz:QD1"
    records = np.rec.fromarrays([TIME_S, *VALUES], names=["time", *(f"QD{i}" for i in range(12))])
    np.save(tmp_path / "r.npy", np.asarray(records))
    assert_right(read_traces(tmp_path / "r.npy"))
    with h5py.File(tmp_path / "locs.h5", "w") as file:
        locs = np.rec.fromarrays([np.arange(99) // 3, np.ones(99), np.ones(99), np.arange(99)],
                                 names=["frame", "x", "y", "photons"])  # fmt: skip
        file["locs"] = np.asarray(locs)
    with pytest.raises(TracesError, match="it is a long table"):
        read_traces(tmp_path / "locs.h5", dt_s=1)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"F": VALUES, "Fneu": VALUES}, "arrays here: F, Fneu; choose one with --array"),
        ({"traces": VALUES[..., None]}, r"traces \(12 × 400 × 1, 3 dimensions\)"),
        ({"traces": VALUES > 99}, "true or false"),
        ({"traces": VALUES + 1j}, "complex numbers"),
        ({f"a{i}": VALUES for i in range(18)}, "a0, a1, a10, a11, a12 and 13 more"),
    ],
)
def test_what_was_found_is_named(arrays, says, tmp_path):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(TracesError, match=says):
        read_traces(tmp_path / "t.npz", dt_s=1)


def test_an_array_by_name(tmp_path):
    np.savez(tmp_path / "t.npz", F=VALUES, Fneu=TALL, spks=VALUES[..., None])
    assert_right(read_traces(tmp_path / "t.npz", dt_s=DT_S, array="Fneu"), TALL)
    with pytest.raises(TracesError, match="no array is called 'G'; it contains 'F', 'Fneu'"):
        read_traces(tmp_path / "t.npz", dt_s=DT_S, array="G")
    with pytest.raises(TracesError, match=r"'spks' .* is not a matrix"):
        read_traces(tmp_path / "t.npz", dt_s=DT_S, array="spks")


def test_float32_times(tmp_path):
    times = (np.arange(400) * 0.01 + 9000).astype(np.float32)
    np.savez(tmp_path / "t.npz", traces=VALUES, t=times)
    assert_right(read_traces(tmp_path / "t.npz"), dt_s=pytest.approx(0.01, rel=1e-3))


def test_a_study_is_read_back(tmp_path):
    study = small_study()
    study.save(tmp_path / "study")
    found = read_traces(tmp_path / "study" / "study.h5")
    assert np.array_equal(found.values, study.traces.values, equal_nan=True)
    assert found.dt_s == study.traces.dt_s


def book(path, **sheets):
    made = Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        page = made.create_sheet(title)
        for row in rows:
            page.append(row)
    made.save(path)
    return path


def numbers(rows):
    return [rows[0], *([float(cell) for cell in row] for row in rows[1:])]


def test_sheets(tmp_path):
    table = numbers(cells())
    info = book(tmp_path / "info.xlsx", Info=[["Operator", "NN"], ["gain", 300]], Data=table)
    found = read_traces(info)
    assert_right(found)
    assert found.notes == ("Of info.xlsx the sheet 'Data' was read; 'Info' has no traces.",)
    assert_right(read_traces(book(tmp_path / "empty.xlsx", Empty=[], Data=table)))
    two = book(tmp_path / "two.xlsx", A=table, B=table)
    with pytest.raises(
        TracesError, match=r"2 sheets contain rows of numbers \('A', 'B'\).*--sheet"
    ):
        read_traces(two)
    assert_right(read_traces(two, sheet="B"))
    with pytest.raises(TracesError, match="no sheet 'C'; its sheets are 'A', 'B'"):
        read_traces(two, sheet="C")


def test_cells_of_a_sheet(tmp_path):
    table = numbers(cells())
    shifted = [[], [], *([None, None, *row] for row in table)]
    assert_right(read_traces(book(tmp_path / "c3.xlsx", A=shifted)))
    shifted[9][4] = "bad"
    with pytest.raises(TracesError, match="cell E10 of 'A' contains 'bad'"):
        read_traces(book(tmp_path / "bad.xlsx", A=shifted))
    titled = [["Experiment 7"], *table, [], ["Mean", 5.0]]
    assert_right(read_traces(book(tmp_path / "titled.xlsx", A=titled)))
    comma = [[cell.replace(".", ",") for cell in row] for row in cells()]
    assert_right(read_traces(book(tmp_path / "comma.xlsx", A=comma)))


def test_nothing_is_printed_about_a_broken_workbook(tmp_path, capfd):
    (broken,) = [case for case in workbook_tables.CASES if "cell style" in case.name]
    with pytest.raises(TracesError, match="cell style 'Normal' refers to format 99 of 1"):
        read_traces(broken.write(tmp_path))
    assert capfd.readouterr() == ("", "")
