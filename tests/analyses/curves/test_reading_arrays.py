"""Arrays of curves, and the formats of the extra ``spm``, written with known values."""

import sys

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from tests.support.matrix_files import write_matrix
from umlpsd_gpu import CurvesError, read_curves

BIAS = np.linspace(-0.5, 0.5, 7)
VOLUME = np.arange(2 * 3 * 7, dtype=float).reshape(2, 3, 7)


def test_a_volume_in_an_npz_file(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, bias_mV=1000 * BIAS, current_nA=VOLUME, height_nm=np.arange(6.0))
    curves = read_curves(path)
    assert curves.shape == (2, 3)
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], VOLUME.reshape(6, 7) * 1e-9)
    np.testing.assert_allclose(curves.height, np.arange(6) * 1e-9)


def test_both_sweeps_and_units_as_texts(tmp_path):
    path, rows = tmp_path / "a.npz", VOLUME.reshape(6, 7)
    np.savez(
        path,
        bias=BIAS[::-1],
        forward=rows,
        backward=2 * rows,
        current_unit="pA",
        bias_unit="V",
        shape=[2, 3],
        positions_m=np.zeros((6, 2)),
    )
    curves = read_curves(path)
    # the names say the direction, whatever the order of the bias
    np.testing.assert_allclose(curves.current["forward"], rows[:, ::-1] * 1e-12)
    np.testing.assert_allclose(curves.current["backward"], 2 * rows[:, ::-1] * 1e-12)
    assert curves.shape == (2, 3)
    assert curves.positions.shape == (6, 2)


def test_an_npy_file_needs_units_and_the_ends_of_the_bias(tmp_path):
    np.save(tmp_path / "a.npy", VOLUME)
    with pytest.raises(CurvesError, match="no axis of the bias; name one with --bias-array, or"):
        read_curves(tmp_path / "a.npy")
    ends = {"bias_from_v": -0.5, "bias_to_v": 0.5}
    with pytest.raises(CurvesError, match="unit of the current is unknown"):
        read_curves(tmp_path / "a.npy", **ends)
    curves = read_curves(tmp_path / "a.npy", current_unit="nA", **ends)
    np.testing.assert_allclose(curves.bias, BIAS)
    assert curves.origins["bias"].source == "--bias-from-v and --bias-to-v"


def test_an_hdf5_file_with_units_as_attributes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data/current"] = np.moveaxis(VOLUME, -1, 0)
        file["data/current"].attrs["unit"] = "µA"
        file["data/bias"] = BIAS
        file["data/bias"].attrs["units"] = "V"
        file["data/lockin"] = np.moveaxis(VOLUME, -1, 0)
    curves = read_curves(tmp_path / "a.h5")
    # the bias is the first axis here
    np.testing.assert_allclose(curves.current["forward"], VOLUME.reshape(6, 7) * 1e-6)
    np.testing.assert_allclose(curves.lock_in["lockin forward"], VOLUME.reshape(6, 7))


def test_a_matlab_file(tmp_path):
    savemat(tmp_path / "a.mat", {"V": BIAS, "I": VOLUME.reshape(6, 7)})
    curves = read_curves(tmp_path / "a.mat", current_unit="A", bias_unit="V", n_rows=2)
    np.testing.assert_allclose(curves.current["forward"], VOLUME.reshape(6, 7))
    assert curves.shape == (2, 3)


def test_several_arrays_are_asked_for(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, bias_V=BIAS, a=VOLUME, b=VOLUME)
    with pytest.raises(CurvesError, match="several arrays could hold the currents; name one with"):
        read_curves(path)
    assert read_curves(path, array="b", current_unit="A").n_curves == 6
    with pytest.raises(CurvesError, match="no array 'c'; its arrays are bias_V, a, b"):
        read_curves(path, array="c")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"bias_V": BIAS[:5], "current_A": VOLUME}, "no axis of 5 points"),
        ({"bias_V": BIAS, "current_A": VOLUME[0], "shape": [2, 2]}, "2 × 2 doesn't fit 3 curves"),
        ({"bias_V": BIAS, "current_A": VOLUME, "positions_m": np.zeros((2, 2))}, "positions have"),
        ({"bias_V": BIAS}, "no array could hold the currents"),
        ({"bias_V": BIAS, "v": BIAS, "current_A": VOLUME}, "several axes of the bias"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(CurvesError, match=said):
        read_curves(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5", ".mat"])
def test_complex_currents_are_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    arrays = {"bias_V": BIAS, "current_A": VOLUME[0] * (1 + 2j)}
    if suffix == ".npy":
        np.save(path, arrays["current_A"])
    elif suffix == ".npz":
        np.savez(path, **arrays)
    elif suffix == ".mat":
        savemat(path, arrays)
    else:
        with h5py.File(path, "w") as file:
            file.update(arrays)
    ends = {"bias_from_v": -0.5, "bias_to_v": 0.5} if suffix == ".npy" else {}
    with pytest.raises(CurvesError, match="has complex numbers, but curves are real; save its"):
        read_curves(path, current_unit="A", **ends)


@pytest.mark.parametrize("other", ["bias_V", "lockin"])
def test_other_complex_arrays_are_refused_where_they_are_needed(tmp_path, other):
    arrays = {"bias_V": BIAS, "lockin": VOLUME, "current_A": VOLUME}
    np.savez(tmp_path / "a.npz", **{**arrays, other: arrays[other] * 1j})
    with pytest.raises(CurvesError, match=f"the array {other} has complex numbers"):
        read_curves(tmp_path / "a.npz")


def test_a_square_array_notes_which_axis_is_the_bias(tmp_path):
    square = np.arange(49.0).reshape(7, 7)
    np.savez(tmp_path / "a.npz", bias_V=BIAS, current_A=square)
    curves = read_curves(tmp_path / "a.npz")
    np.testing.assert_allclose(curves.current["forward"], square)
    (note,) = curves.notes
    assert note.startswith("The array current_A has 7 × 7 values: its last axis was read as the")
    np.savez(tmp_path / "b.npz", bias_V=BIAS, current_A=square[:6])
    assert read_curves(tmp_path / "b.npz").notes == ()


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_python_objects_are_refused_without_advice_to_load_them(tmp_path, name):
    values = np.array([{}], dtype=object)
    if name == "a.npy":
        np.save(tmp_path / name, values)
    else:
        np.savez(tmp_path / name, bias_V=BIAS, current_A=values)
    with pytest.raises(CurvesError, match=r"\(it holds no arrays of numbers\); write it again"):
        read_curves(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.mat", "a.ibw", "a.gwy"])
def test_a_damaged_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(CurvesError, match=r"a\.\w+: it (can't be read|is no)"):
        read_curves(tmp_path / name)


def write_wave(
    path, values, steps, starts, units, data_unit="A", name="I(V) Forward", is_complex=False
):
    """Write an Igor wave of version 5, as its technical note describes the file."""
    shape = [*values.shape, 0, 0, 0, 0][:4]
    head = np.zeros(1, dtype=WAVE)[0]
    head["npnts"], head["type"], head["whVersion"] = values.size, 4 + is_complex, 1
    head["bname"], head["dataUnits"], head["nDim"] = name.encode(), data_unit.encode(), shape
    head["sfA"][: len(steps)], head["sfB"][: len(starts)] = steps, starts
    for i, unit in enumerate(units):
        head["dimUnits"][i] = unit.encode()
    data = values.ravel(order="F").astype("<c16" if is_complex else "<f8").tobytes()
    start = np.zeros(1, dtype=START)[0]
    start["version"], start["wfmSize"] = 5, WAVE.itemsize + len(data)
    words = np.frombuffer(start.tobytes() + head.tobytes(), dtype="<i2")
    start["checksum"] = -np.int16(words.sum(dtype=np.int16))
    path.write_bytes(start.tobytes() + head.tobytes() + data)
    return path


START = np.dtype(
    [("version", "<i2"), ("checksum", "<i2"), ("wfmSize", "<i4"), ("sizes", "<i4", 14)]
)
WAVE = np.dtype(
    [
        *(("next", "<u4"), ("created", "<u4"), ("modified", "<u4"), ("npnts", "<i4")),
        *(("type", "<i2"), ("dLock", "<i2"), ("pad1", "S6"), ("whVersion", "<i2")),
        *(("bname", "S32"), ("pad2", "<i4"), ("dFolder", "<u4"), ("nDim", "<i4", 4)),
        *(("sfA", "<f8", 4), ("sfB", "<f8", 4), ("dataUnits", "S4"), ("dimUnits", "S4", 4)),
        *(("fsValid", "<i2"), ("pad3", "<i2"), ("top", "<f8"), ("bottom", "<f8")),
        *(("rest", "<u4", 26), ("end", "<i2", 2), ("more", "<u4", 6)),
    ]
)


def test_a_volume_in_an_igor_wave(tmp_path):
    pytest.importorskip("igor2")
    values = np.transpose(VOLUME, (1, 0, 2))  # x, y, bias
    steps, starts = (1e-9, 2e-9, 1 / 6), (0.0, 0.0, -0.5)
    path = write_wave(tmp_path / "a.ibw", values, steps, starts, ("m", "m", "V"))
    curves = read_curves(path)
    assert curves.shape == (2, 3)
    np.testing.assert_allclose(curves.bias, BIAS)
    # the row of largest y is the top one
    np.testing.assert_allclose(curves.current["forward"], VOLUME[::-1].reshape(6, 7))
    np.testing.assert_allclose(curves.positions[[0, 5]], [[0, 2e-9], [2e-9, 0]])
    back = write_wave(tmp_path / "b.ibw", values, steps, starts, ("m", "m", "V"), name="Retrace")
    assert list(read_curves(back).current) == ["backward"]


def test_a_complex_igor_wave_is_refused(tmp_path):
    pytest.importorskip("igor2")
    values, steps, starts = np.transpose(VOLUME, (1, 0, 2)), (1e-9, 2e-9, 1 / 6), (0, 0, -0.5)
    units = ("m", "m", "V")
    path = write_wave(tmp_path / "a.ibw", values * 1j, steps, starts, units, is_complex=True)
    with pytest.raises(CurvesError, match="the wave has complex numbers"):
        read_curves(path)


def test_curves_as_columns_of_an_igor_wave(tmp_path):
    pytest.importorskip("igor2")
    path = write_wave(
        tmp_path / "a.ibw", VOLUME[0].T, (1000 / 6, 1.0), (-500.0, 0.0), ("mV", ""), "nA"
    )
    curves = read_curves(path)
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], VOLUME[0] * 1e-9)


def test_a_volume_in_a_gwyddion_file(tmp_path):
    objects = pytest.importorskip("gwyfile.objects")

    def unit(text):
        return objects.GwyObject("GwySIUnit", {"unitstr": text}, {"unitstr": "s"})

    brick = objects.GwyObject(
        "GwyBrick",
        {
            **{"xres": 3, "yres": 2, "zres": 7, "xreal": 3e-9, "yreal": 2e-9, "zreal": 7 / 6},
            **{"zoff": -0.5, "data": np.moveaxis(VOLUME, -1, 0).ravel()},
            **{"si_unit_x": unit("m"), "si_unit_z": unit("V"), "si_unit_w": unit("A")},
        },
    )
    container = objects.GwyContainer({"/brick/0": brick, "/brick/0/title": "Current"})
    container.tofile(str(tmp_path / "a.gwy"))
    curves = read_curves(tmp_path / "a.gwy")
    assert curves.shape == (2, 3)
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], VOLUME.reshape(6, 7))
    np.testing.assert_allclose(curves.positions[0], [0.5e-9, -0.5e-9])
    (tmp_path / "b.gwy").write_bytes(b"GWYO")
    with pytest.raises(CurvesError, match="of Gwyddion 1; open it with Gwyddion 2"):
        read_curves(tmp_path / "b.gwy")


def lawn_file(path, lengths=(7, 7, 0, 7, 7, 7), labels=("Bias", "Current"), units=("mV", "nA")):
    """Write a curve map of 2 × 3 pixels as Gwyddion does, with gwyfile."""
    objects = pytest.importorskip("gwyfile.objects")
    made = [
        np.concatenate([1e3 * BIAS[:n], *([curve[:n]] * (len(labels) - 1))])
        for n, curve in zip(lengths, VOLUME.reshape(6, 7), strict=True)
    ]
    si_units = [objects.GwyObject("GwySIUnit", {"unitstr": u}, {"unitstr": "s"}) for u in units]
    lawn = objects.GwyObject(
        "GwyLawn",
        {
            **{"xres": 3, "yres": 2, "xreal": 3e-9, "yreal": 2e-9, "ncurves": len(labels)},
            **{"curvelengths": np.array(lengths, np.int32), "data": np.concatenate(made)},
            **{"si_units_curves": si_units, "curve_labels": list(labels), "nsegments": 0},
        },
        {"curve_labels": "S", "si_units_curves": "O"},
    )
    container = objects.GwyContainer({"/lawn/0": lawn, "/lawn/0/title": "Sweeps"})
    container.tofile(str(path))
    return path


def test_a_curve_map_in_a_gwyddion_file(tmp_path):
    curves = read_curves(lawn_file(tmp_path / "a.gwy"))
    assert curves.shape == (2, 3)
    np.testing.assert_allclose(curves.bias, BIAS)
    expected = VOLUME.reshape(6, 7) * 1e-9
    expected[2] = np.nan
    np.testing.assert_allclose(curves.current["forward"], expected)
    assert curves.is_recorded.tolist() == [True, True, False, True, True, True]
    np.testing.assert_allclose(curves.positions[0], [0.5e-9, -0.5e-9])
    assert curves.origins["bias"].source == "curve 'Bias' of the map"
    assert curves.origins["current"].value == "Sweeps, Current (nA)"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"lengths": (7, 5, 7, 7, 7, 7)}, "unequal lengths: curve 2 has 5 points, the longest 7"),
        ({"lengths": (0,) * 6}, "the curve map 'Sweeps' has no points"),
        ({"labels": ("Z", "Current"), "units": ("m", "A")}, "none of its curves is the bias"),
        ({"labels": ("U1", "U2"), "units": ("V", "V")}, "several of its curves could be the bias"),
        ({"labels": ("Bias", "Z"), "units": ("V", "m")}, "no channel is called Current"),
    ],
)
def test_a_curve_map_that_is_not_clear_is_refused(tmp_path, changed, says):
    with pytest.raises(CurvesError, match=says):
        read_curves(lawn_file(tmp_path / "a.gwy", **changed))


def test_a_gwyddion_file_without_curves_is_refused(tmp_path):
    objects = pytest.importorskip("gwyfile.objects")
    objects.GwyContainer({"/0/data/title": "Topography"}).tofile(str(tmp_path / "a.gwy"))
    with pytest.raises(CurvesError, match="neither volume data nor a curve map"):
        read_curves(tmp_path / "a.gwy")


def test_a_matrix_file_without_its_parameters_is_refused(tmp_path):
    pytest.importorskip("access2thematrix")
    (tmp_path / "x--4_1.I(V)_mtrx").write_bytes(b"ONTMATRX0101")
    with pytest.raises(CurvesError, match=r"put its parameter file …_0001\.mtrx into the same"):
        read_curves(tmp_path / "x--4_1.I(V)_mtrx")
    (tmp_path / "x_0001.mtrx").write_bytes(b"ONTMATRX0101")
    with pytest.raises(CurvesError, match="it holds the parameters; give the file of the curves"):
        read_curves(tmp_path / "x_0001.mtrx")


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("a.ibw", "igor2.binarywave", "igor2"),
        ("a.gwy", "gwyfile", "gwyfile"),
        ("a--4_1.I(V)_mtrx", "access2thematrix", "access2thematrix"),
    ],
)
def test_a_missing_package_is_named(tmp_path, monkeypatch, name, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"GWYP")
    with pytest.raises(CurvesError, match=f"need the package {package}; install it with pip inst"):
        read_curves(tmp_path / name)


def test_a_curve_of_matrix(tmp_path):
    bias = np.linspace(-1, 1, 21)
    current = 2e-9 * bias + 1e-9 * bias**3
    path = write_matrix(tmp_path, current, bias, place=(1.5e-9, 2.5e-9))
    curves = read_curves(path)
    np.testing.assert_allclose(curves.bias, bias)
    np.testing.assert_allclose(curves.current["forward"][0], current, atol=1e-12)
    np.testing.assert_allclose(curves.positions, [[1.5e-9, 2.5e-9]])
    assert list(curves.current) == ["forward"]


def test_a_curve_of_matrix_there_and_back(tmp_path):
    bias = np.linspace(-1, 1, 21)
    current = 2e-9 * bias
    both = np.concatenate([current, 1.1 * current[::-1]])
    curves = read_curves(write_matrix(tmp_path, both, bias, reversal=True))
    np.testing.assert_allclose(curves.current["forward"][0], current, atol=1e-12)
    np.testing.assert_allclose(curves.current["backward"][0], 1.1 * current, atol=1e-12)


def test_a_volume_of_matrix(tmp_path):
    bias, n_rows, n_cols = np.linspace(-1, 1, 15), 4, 6
    slopes = 1e-9 * (1 + np.arange(n_rows * n_cols).reshape(n_rows, n_cols))
    scanner = {"Points": 12, "Lines": 8, "Subgrid_X": 2, "Subgrid_Y": 2, "Subgrid_Match_Mode": 1}
    scanner |= {"X_Retrace": True, "Y_Retrace": False, "Width": 6e-8, "Height": 4e-8}
    currents = slopes[:, :, None] * bias
    path = write_matrix(tmp_path, currents[:3], bias, scanner=scanner)
    curves = read_curves(path)
    assert curves.shape == (n_rows, n_cols)
    found = curves.current["forward"].reshape(n_rows, n_cols, -1)
    # the scan begins at the bottom; its last line was not recorded
    np.testing.assert_allclose(found[:0:-1], currents[:3], atol=1e-12)
    assert np.isnan(found[0]).all()
    assert any("stopped after 18 of 24 pixels" in note for note in curves.notes)
    steps = np.ptp(curves.positions, axis=0)
    assert steps == pytest.approx([5e-8, 3e-8])
