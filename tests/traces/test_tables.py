"""Finished traces from files, and pooling."""

import itertools

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io

from umlpsd_gpu.errors import SettingsError, TracesError
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


def test_vectors_beside_the_matrix_of_a_matlab_file(tmp_path):
    beside = {"row": np.arange(50.0)[None], "column": np.arange(3.0)[:, None]}
    scipy.io.savemat(tmp_path / "t.mat", {"X": VALUES, "Time": TIME_S[:, None], **beside})
    found = read_traces(tmp_path / "t.mat")
    assert np.array_equal(found.values, VALUES)
    assert found.dt_s == pytest.approx(0.03)
    scipy.io.savemat(tmp_path / "v.mat", {"x": VALUES[0][:, None], "t": TIME_S[None]})
    found = read_traces(tmp_path / "v.mat")
    assert np.array_equal(found.values, VALUES[:1])
    assert found.dt_s == pytest.approx(0.03)


@pytest.mark.parametrize("shape", [(200, 3), (190, 19), (199, 20), (3, 50)])
def test_an_array_the_wrong_way_round(tmp_path, shape):
    np.save(tmp_path / "t.npy", np.random.default_rng(0).normal(size=shape))
    if shape in [(200, 3), (190, 19)]:
        with pytest.raises(TracesError, match="axes seem to be swapped; traces must be rows"):
            read_traces(tmp_path / "t.npy", dt_s=1)
    else:
        assert read_traces(tmp_path / "t.npy", dt_s=1).values.shape == shape


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


def time_table(**columns):
    """Return a pandas table of the given columns, followed by three traces."""
    return pd.DataFrame({**columns, "a": VALUES[0], "b": VALUES[1], "c": VALUES[2]})


def test_tables_as_pandas_writes_them(tmp_path):
    named = time_table(time=TIME_S)
    unnamed = named.set_axis(range(4), axis="columns")
    narrow = unnamed[[0, 1]]
    written = {
        "index_then_time.csv": (named, True),
        "numbered.csv": (unnamed, False),
        "index_and_numbered.csv": (unnamed, True),
        "narrow.csv": (narrow, False),
        "time_as_index.csv": (unnamed.set_index(0), True),
        "nameless_index.csv": (unnamed.set_index(0).rename_axis(None), True),
    }
    for name, (table, index) in written.items():
        table.to_csv(tmp_path / name, index=index)
        found = read_traces(tmp_path / name)
        assert found.dt_s == pytest.approx(0.03), name
        assert np.array_equal(found.values, VALUES[: found.n_traces]), name
        assert found.n_traces == (1 if name == "narrow.csv" else 3), name


def test_traces_as_pandas_writes_them_ask_for_dt(tmp_path):
    pd.DataFrame(VALUES.T).to_csv(tmp_path / "bare.csv")
    with pytest.raises(TracesError, match="no time column"):
        read_traces(tmp_path / "bare.csv")
    found = read_traces(tmp_path / "bare.csv", dt_s=0.1)
    assert np.array_equal(found.values, VALUES)
    assert found.ids == ("bare.csv:0", "bare.csv:1", "bare.csv:2")


def test_a_counted_heading_over_traces_alone(tmp_path):
    table = time_table(d=VALUES[0]).set_axis(range(4), axis="columns")
    table.to_csv(tmp_path / "t.csv", index=False)
    found = read_traces(tmp_path / "t.csv", dt_s=1)
    assert np.array_equal(found.values, table.to_numpy().T)


def test_whole_numbers_that_the_rows_continue_are_samples(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0,512\n2,498\n4,505\n6,507\n")
    found = read_traces(path)
    assert found.dt_s == 2
    assert found.values.tolist() == [[512, 498, 505, 507]]


@pytest.mark.parametrize("heading", ["", "x,a,b\n", "Unnamed: 0,a,b\n", ",a,b\n"])
def test_a_first_column_that_counts_is_no_time(tmp_path, heading):
    path = tmp_path / "t.csv"
    path.write_text(heading + "1,7,5\n2,3,4\n3,6,2\n4,1,9\n")
    with pytest.raises(TracesError, match="--dt-s"):
        read_traces(path)
    assert read_traces(path, dt_s=0.1).values.tolist() == [[7, 3, 6, 1], [5, 4, 2, 9]]


def test_time_that_is_called_so_may_count_seconds(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time_ms,a\n1,7\n2,3\n3,6\n")
    assert read_traces(path).dt_s == pytest.approx(1e-3)


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
        ("t,a\n0,1\n1,two\n2,3\n", "row 3, column 2 contains 'two'"),
        ("0,1\n1,2\n5,3\n6,4\n7,1\n", "uneven: the step after row 2"),
        ("", "can't be read"),
        ("Time,a\n0,1\n,2\n2,3\n3,1\n", "missing in its row 3"),
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
    with pytest.raises(TracesError, match="is not a known format"):
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


@pytest.mark.parametrize(
    "content", ["t;a\n0,03;5,5\n0,06;6\n", "0,03;5,5\n0,06;6\n", "0,03 5,5\n0,06 6\n"]
)
def test_decimal_commas_are_read(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    found = read_traces(tmp_path / "t.csv")
    assert found.dt_s == pytest.approx(0.03)
    assert found.values.tolist() == [[5.5, 6]]


MICROSECONDS = "t / µs,a\n0,1\n1,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_byte_order_mark_tells_the_encoding(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes(MICROSECONDS.encode(encoding))
    found = read_traces(tmp_path / "t.csv")
    assert found.dt_s == pytest.approx(1e-6)
    assert found.values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("utf-16-le", r"without its byte order mark; give --encoding utf-16-le \(enc"),
        ("utf-16-be", r"without its byte order mark; give --encoding utf-16-be \(enc"),
        ("latin-1", r"byte 0xb5 in row 1 is none\); give its encoding, such as --encoding latin-1"),
        ("cp1252", r"save it as 'CSV UTF-8'"),
    ],
)
def test_another_encoding_is_asked_for(tmp_path, encoding, says):
    (tmp_path / "t.csv").write_bytes(MICROSECONDS.encode(encoding))
    with pytest.raises(TracesError, match=says):
        read_traces(tmp_path / "t.csv")
    found = read_traces(tmp_path / "t.csv", encoding=encoding)
    assert found.dt_s == pytest.approx(1e-6)


def test_a_wrong_encoding_is_named(tmp_path):
    (tmp_path / "t.csv").write_bytes(MICROSECONDS.encode("latin-1"))
    with pytest.raises(TracesError, match=r"not ascii text \(byte 0xb5 in row 1 is none\)"):
        read_traces(tmp_path / "t.csv", encoding="ascii")
    with pytest.raises(TracesError, match=r"not utf-16 text .* give another --encoding"):
        read_traces(tmp_path / "t.csv", encoding="utf-16")
    for name in ("hex", "klingon", "\0", ""):
        with pytest.raises(SettingsError, match="encoding must be auto or an encoding of text"):
            read_traces(tmp_path / "t.csv", encoding=name)


def test_messages_of_libraries_become_ours(tmp_path):
    (tmp_path / "ragged.csv").write_text("t,a\n0,1\n1,2,3\n")
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "junk.npz").write_bytes(b"junk" * 20)
    with pytest.raises(TracesError, match="row 3 has 3 cells where the others have 2; write it"):
        read_traces(tmp_path / "ragged.csv")
    for name in ("pickle.npy", "junk.npz"):
        with pytest.raises(TracesError, match="; write it again, or give the traces as") as caught:
            read_traces(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert "trust" not in str(caught.value)


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
