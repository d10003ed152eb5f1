"""MATLAB files are read as SciPy reads them, and their limits hold."""

import io

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.support.tables import TIME_S, VALUES
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.matlab import Cells, Text, read_matlab5
from umlpsd_gpu.traces.tables import read_traces

TYPES = ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
MATRICES = st.sampled_from(TYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=2, max_dims=4, max_side=5))
)
COMPLEX = arrays.arrays("c16", arrays.array_shapes(min_dims=2, max_dims=2, max_side=4))


def saved(path, variables, **options):
    scipy.io.savemat(path, variables, **options)
    return path


@given(value=st.one_of(MATRICES, COMPLEX), is_packed=st.booleans())
def test_numbers_are_those_of_scipy(value, is_packed, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "m.mat"
    saved(path, {"name": value}, do_compression=is_packed)
    found, expected = read_matlab5(path)["name"], scipy.io.loadmat(path)["name"]
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def test_structs_cells_and_texts(tmp_path):
    cell = np.empty((2, 3), dtype=object)
    cell[:] = [[np.eye(2), "text", 3.0], [np.arange(3), {"a": 1}, np.empty((0, 0))]]
    variables = {"s": {"x": np.eye(3), "t": "dots", "deep": {"y": 5}}, "c": cell, "long_name_": 1}
    found = read_matlab5(saved(tmp_path / "m.mat", variables, do_compression=True))
    assert list(found) == ["s", "c", "long_name_"]
    assert np.array_equal(found["s"]["x"], np.eye(3))
    assert found["s"]["t"] == Text((1, 4))
    assert found["s"]["deep"]["y"].item() == 5
    assert isinstance(found["c"], Cells)
    assert found["c"].shape == (2, 3)
    kinds = [type(value).__name__ for value in found["c"].values]
    assert kinds == ["ndarray", "ndarray", "Text", "dict", "ndarray", "ndarray"]


def test_both_byte_orders(tmp_path):
    little = saved(tmp_path / "little.mat", {"traces": VALUES.astype(float)}).read_bytes()
    assert little[126:128] == b"IM"
    big = bytearray(little[:124] + b"\1\0MI")
    head = np.frombuffer(little, "<u4", 2 + 4 + 4, 128).astype(">u4").tobytes()
    name = little[128 + 40 : 128 + 56]
    tag = np.frombuffer(little, "<u4", 2, 128 + 56).astype(">u4").tobytes()
    numbers = np.frombuffer(little, "<f8", VALUES.size, 128 + 64).astype(">f8").tobytes()
    order = np.frombuffer(name[:8], "<u4").astype(">u4").tobytes()
    (tmp_path / "big.mat").write_bytes(bytes(big) + head + order + name[8:] + tag + numbers)
    found = read_traces(tmp_path / "big.mat", dt_s=0.1)
    assert np.array_equal(found.values, VALUES)


def test_what_holds_no_traces_is_left_out(tmp_path):
    sparse = scipy.sparse.csc_matrix(np.eye(3))
    records = np.zeros((1, 3), dtype=[("a", object)])
    path = saved(tmp_path / "m.mat", {"sparse": sparse, "records": records, "F": VALUES})
    assert [name for name, value in read_matlab5(path).items() if value is not None] == ["F"]
    assert np.array_equal(read_traces(path, dt_s=0.1).values, VALUES)


def test_a_cut_file_names_its_byte(tmp_path):
    path = saved(tmp_path / "m.mat", {"traces": VALUES, "time": TIME_S})
    blob = path.read_bytes()
    for stop in range(129, len(blob), 4001):
        path.write_bytes(blob[:stop])
        with pytest.raises(TracesError, match=r"m\.mat: .*(at byte \d+|is needed)"):
            read_traces(path, dt_s=0.1)


def test_a_file_of_nothing(tmp_path):
    stream = io.BytesIO()
    scipy.io.savemat(stream, {})
    (tmp_path / "m.mat").write_bytes(stream.getvalue())
    assert read_matlab5(tmp_path / "m.mat") == {}
