"""Finished traces from files, and pooling."""

import itertools

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.pool import pool_traces
from umlpsd_gpu.traces.tables import read_traces

VALUES = np.round(np.random.default_rng(0).normal(100, 10, (3, 50)), 3)
TIME_S = np.arange(50) * 0.03


def text(path, separator=",", heading=""):
    columns = np.column_stack([TIME_S, VALUES.T])
    np.savetxt(path, columns, delimiter=separator, fmt="%.6g", header=heading, comments="")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize("heading", [False, True])
def test_text_with_time_first(tmp_path, separator, heading):
    names = separator.join(["time", "a", "b", "c"]) if heading else ""
    path = text(tmp_path / "traces.csv", separator, names)
    if not heading:
        path.write_text(path.read_text().removeprefix("\n"))
    found = read_traces(path)
    assert found.dt_s == pytest.approx(0.03)
    assert np.array_equal(found.values, VALUES)
    assert found.ids[1] == ("traces.csv:b" if heading else "traces.csv:1")
    assert np.isnan(found.rows).all()


def test_text_without_time_asks_for_it(tmp_path):
    path = tmp_path / "traces.txt"
    np.savetxt(path, VALUES.T, fmt="%.6g")
    with pytest.raises(TracesError, match="--dt-s"):
        read_traces(path)
    found = read_traces(path, dt_s=0.1)
    assert found.dt_s == 0.1
    assert np.array_equal(found.values, VALUES)


def test_dt_of_the_user_beats_the_time_column(tmp_path):
    assert read_traces(text(tmp_path / "t.csv", heading="t,a,b,c"), dt_s=0.5).dt_s == 0.5


def test_excel_in_the_published_layout(tmp_path):
    table = pd.DataFrame(np.column_stack([TIME_S, VALUES.T]))
    table.to_excel(tmp_path / "plain.xlsx", header=False, index=False)
    table.columns = ["Time", "NC 1", "NC 2", "NC 3"]
    table.to_excel(tmp_path / "named.xlsx", index=False)
    for name in ("plain.xlsx", "named.xlsx"):
        found = read_traces(tmp_path / name)
        assert found.dt_s == pytest.approx(0.03)
        assert found.values == pytest.approx(VALUES)
    assert found.ids[0] == "named.xlsx:NC 1"


def test_array_files(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    np.savez(tmp_path / "b.npz", traces=VALUES, dt_s=0.03, other=np.eye(4))
    scipy.io.savemat(tmp_path / "c.mat", {"X": VALUES, "dt_s": 0.03})
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["group/traces"] = VALUES
        file["group/traces"].attrs["dt_s"] = 0.03
    with h5py.File(tmp_path / "e.mat", "w") as file:  # as MATLAB 7.3 writes it
        file["traces"] = VALUES.T
        file["dt_s"] = np.array([[0.03]])
    for name in ("b.npz", "c.mat", "d.h5", "e.mat"):
        found = read_traces(tmp_path / name)
        assert np.array_equal(found.values, VALUES), name
        assert found.dt_s == 0.03
    assert read_traces(tmp_path / "a.npy", dt_s=1).dt_s == 1


@pytest.mark.parametrize(
    ("heading", "dt_s"), [("Time (ms)", 1e-3), ("t / µs", 1e-6), ("time [min]", 60), ("Time", 1)]
)
def test_headings_name_the_unit_of_time(tmp_path, heading, dt_s):
    path = tmp_path / "traces.csv"
    path.write_text(f"{heading},a,b\n0,1,5\n2,3,4\n4,2,2\n")
    found = read_traces(path)
    assert found.dt_s == pytest.approx(2 * dt_s)
    assert found.ids == ("traces.csv:a", "traces.csv:b")


def test_frame_numbers_are_no_time(tmp_path):
    path = tmp_path / "traces.csv"
    path.write_text("frame,x,x\n0,1,5\n1,3,4\n2,2,2\n")
    with pytest.raises(TracesError, match="--dt-s"):
        read_traces(path)
    found = read_traces(path, dt_s=0.03)
    assert found.values.tolist() == [[1, 3, 2], [5, 4, 2]]
    assert found.ids == ("traces.csv:x", "traces.csv:x#2")


def test_missing_cells_are_kept_as_nan(tmp_path):
    path = tmp_path / "holes.csv"
    path.write_text("t,a,b\n0,1,2\n1,,3\n2,nan,4\n3,5,6\n")
    found = read_traces(path)
    assert np.array_equal(np.isnan(found.values[0]), [False, True, True, False])
    assert found.usable().tolist() == [False, True]


def test_a_real_quantum_dot(shared_data):
    found = read_traces(shared_data / "qd_CdSeS_ZnS_blinking_10ms.txt")
    assert found.values.shape == (1, 78030)
    assert found.dt_s == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("t,a\n0,1\n1,two\n2,3\n", "row 3, column 2 holds 'two'"),
        ("0,1\n1,2\n5,3\n6,4\n7,1\n", "uneven: the step after row 2"),
        ("", "can't be read"),
        ("Time,a\n0,1\n,2\n2,3\n3,1\n", "missing in row 2"),
        ("5\n", "at least 2 samples"),
    ],
)
def test_bad_tables_are_named(tmp_path, content, says):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(TracesError, match=says):
        read_traces(path, dt_s=1)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(TracesError, match="no such file"):
        read_traces(tmp_path / "none.csv")
    with pytest.raises(TracesError, match="is no table"):
        read_traces(tmp_path / "movie.avi")
    for name, n_bytes in itertools.product(
        ("bad.npy", "bad.npz", "bad.xlsx", "bad.h5", "bad.mat"), (0, 9)
    ):
        (tmp_path / name).write_bytes(b"not what it says" * n_bytes)
        with pytest.raises(TracesError, match="can't be read"):
            read_traces(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=VALUES, b=VALUES)
    with pytest.raises(TracesError, match="two-dimensional arrays here: a, b"):
        read_traces(tmp_path / "two.npz", dt_s=1)
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(TracesError, match="can't be read"):
        read_traces(tmp_path / "pickle.npy", dt_s=1)


def test_pooling(tmp_path):
    one = read_traces(text(tmp_path / "one.csv", heading="t,a,b,c"))
    cut = one.with_values(one.values[:, :40], "cut")
    pooled = pool_traces([one, one])
    assert pooled.values.shape == (6, 50)
    assert len(set(pooled.ids)) == 6
    with pytest.raises(TracesError, match="--unequal-lengths crop"):
        pool_traces([one, cut])
    assert pool_traces([one, cut], "crop").values.shape == (6, 40)
    with pytest.raises(TracesError, match="dt_s"):
        pool_traces([one, one.with_values(one.values, "slower", dt_s=0.031)])
    with pytest.raises(TracesError, match="no traces to pool"):
        pool_traces([])
