"""Nanonis grids, spectra and scans, written with known values."""

import numpy as np
import pytest

from tests.analyses.curves.nanonis_files import CHANNELS, write_grid, write_scan, write_spectrum
from umlpsd_gpu import CurvesError, read_curves

SEGMENTS = (
    "Segment Start (V), Segment End (V), Settling (s), Integration (s), Steps (xn), Lockin, "
    "Init. Settling (s)"
)


@pytest.fixture
def values():
    """Return curves of 3 rows, 4 columns, 4 channels and 5 points: all numbers differ."""
    return np.arange(3 * 4 * 4 * 5, dtype=float).reshape(3, 4, 4, 5) * 1e-12 + 1e-12


def test_a_grid_is_read_with_the_top_row_first(tmp_path, values):
    curves = read_curves(write_grid(tmp_path / "a.3ds", values, CHANNELS))
    assert curves.shape == (3, 4)
    np.testing.assert_allclose(curves.bias, np.linspace(-1, 1, 5))
    assert list(curves.current) == ["forward", "backward"]
    top = values[::-1].reshape(12, 4, 5)
    np.testing.assert_allclose(curves.current["forward"], top[:, 0], rtol=1e-6)
    np.testing.assert_allclose(curves.current["backward"], top[:, 2], rtol=1e-6)
    assert list(curves.lock_in) == ["LI Demod 1 X forward", "LI Demod 1 X backward"]
    np.testing.assert_allclose(curves.lock_in["LI Demod 1 X backward"], top[:, 3], rtol=1e-6)
    np.testing.assert_allclose(curves.positions[0], [1e-8 - 1.5e-9, 2e-8 + 1e-9])
    np.testing.assert_allclose(curves.positions[-1], [1e-8 + 1.5e-9, 2e-8 - 1e-9])
    np.testing.assert_allclose(curves.height[[0, -1]], [2e-10, 0], atol=1e-16)
    assert curves.origins["current"].value == "Current (A)"
    assert curves.notes == ()


def test_a_sweep_that_falls_is_turned_round(tmp_path, values):
    curves = read_curves(write_grid(tmp_path / "a.3ds", values, CHANNELS, bias=(1.0, -1.0)))
    top = values[::-1].reshape(12, 4, 5)[:, :, ::-1]
    np.testing.assert_allclose(curves.bias, np.linspace(-1, 1, 5))
    np.testing.assert_allclose(curves.current["backward"], top[:, 0], rtol=1e-6)
    np.testing.assert_allclose(curves.current["forward"], top[:, 2], rtol=1e-6)


def test_a_turned_grid_has_turned_positions(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS, angle=90.0)
    positions = read_curves(path).positions
    # turned clockwise: the upper left corner comes to the upper right
    np.testing.assert_allclose(positions[0], [1e-8 + 1e-9, 2e-8 + 1.5e-9])


@pytest.mark.parametrize("missing", ["Delay before", "Experiment size", "Sweep Signal"])
def test_a_header_may_lack_what_is_not_needed(tmp_path, values, missing):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS, without=[missing])
    assert read_curves(path).n_curves == 12


def test_a_header_that_lacks_the_size_is_refused(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS, without=["Grid dim", "Points"])
    with pytest.raises(CurvesError, match="lacks Grid dim and lacks Points; export"):
        read_curves(path)


@pytest.mark.parametrize("steps", ["2,4,2", "2,3,2"])
def test_segments_give_the_axis_with_and_without_shared_points(tmp_path, steps):
    counts = [int(n) for n in steps.split(",")]
    ends = [(-1.0, -0.1), (-0.1, 0.1), (0.1, 1.0)]
    text = ";".join(f"{a},{b},0.1,0.1,{n},0,0" for (a, b), n in zip(ends, counts, strict=True))
    axis = np.concatenate([np.linspace(a, b, n) for (a, b), n in zip(ends, counts, strict=True)])
    values = np.arange(axis.size, dtype=float)[None, None, None] + 1
    extra = ["Filetype=MLS", f"{SEGMENTS}={text}"]
    curves = read_curves(write_grid(tmp_path / "a.3ds", values, extra=extra))
    once = np.unique(axis)
    last = [np.flatnonzero(axis == bias)[-1] for bias in once]
    np.testing.assert_allclose(curves.bias, once)
    np.testing.assert_allclose(curves.current["forward"][0], np.array(last) + 1)
    shared = read_curves(write_grid(tmp_path / "b.3ds", values[..., : once.size], extra=extra))
    np.testing.assert_allclose(shared.bias, once)


def test_segments_with_another_number_of_points_are_refused(tmp_path, values):
    extra = ["Filetype=MLS", f"{SEGMENTS}=-1,1,0.1,0.1,7,0,0"]
    with pytest.raises(CurvesError, match="7 or 7 points, but 5 were recorded"):
        read_curves(write_grid(tmp_path / "a.3ds", values, CHANNELS, extra=extra))


def test_a_grid_that_stopped_is_padded_and_noted(tmp_path, values):
    curves = read_curves(write_grid(tmp_path / "a.3ds", values, CHANNELS, n_pixels=5))
    recorded = curves.is_recorded.reshape(3, 4)
    # from the lowest row up
    np.testing.assert_array_equal(recorded, [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
    assert curves.notes == ("The recording stopped after 5 of 12 pixels; the others are empty.",)
    assert np.isfinite(curves.positions).all()


def test_zeros_at_the_end_of_a_full_file_are_not_recorded(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS)
    content = bytearray(path.read_bytes())
    content[-2 * 4 * (5 + 20) :] = bytes(2 * 4 * (5 + 20))
    path.write_bytes(content)
    assert read_curves(path).is_recorded.sum() == 10


def test_other_channels_are_chosen_by_name(tmp_path, values):
    names = ("Input 3 (V)", "Current 1 (nA)", "Current 2 (nA)", "Z (m)")
    path = write_grid(tmp_path / "a.3ds", values, names)
    with pytest.raises(CurvesError, match="several channels could be the current"):
        read_curves(path)
    curves = read_curves(path, channel="Current 2")
    np.testing.assert_allclose(curves.current["forward"][0], values[-1, 0, 2] * 1e-9, rtol=1e-6)
    with pytest.raises(CurvesError, match="no channel 'I'; its channels are Input 3"):
        read_curves(path, channel="I")


def test_a_channel_without_a_unit_of_current_needs_one(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, ("Current", "a", "b", "c"))
    with pytest.raises(CurvesError, match="unit of the current is unknown; give it with --current"):
        read_curves(path)
    curves = read_curves(path, current_unit="pA")
    assert curves.origins["current unit"].source == "--current-unit"
    volts = write_grid(tmp_path / "b.3ds", values, ("Current (V)", "a", "b", "c"))
    with pytest.raises(CurvesError, match="'V' is no known unit of the current"):
        read_curves(volts)


def test_a_unit_that_contradicts_the_file_is_refused(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS)
    with pytest.raises(CurvesError, match="in A, but --current-unit says nA; leave out"):
        read_curves(path, current_unit="nA")


def test_a_file_without_the_end_of_its_header_is_refused(tmp_path):
    (tmp_path / "a.3ds").write_bytes(b'Grid dim="2 x 2"\r\n')
    with pytest.raises(CurvesError, match="no Nanonis header"):
        read_curves(tmp_path / "a.3ds")


@pytest.mark.parametrize(
    ("key", "line", "said"),
    [
        ("Grid dim", 'Grid dim="0 x 3"', "header has Grid dim=0 x 3"),
        (
            "Grid dim",
            'Grid dim="99999999 x 99999999"',
            "=99999999 x 99999999, but the file holds 1",
        ),
        ("Grid dim", "", "header lacks Grid dim"),
        ("Points", "Points=0", "header has Points=0"),
        ("Points", "Points=²", "header has Points=²"),
        ("Points", "Points=9999999999999", "no complete pixel|but the file holds 0 pixels"),
        ("# Parameters", "# Parameters (4 byte)=five", "byte\\)=five, where the number"),
        ("# Parameters", "# Parameters (4 byte)=-1", "byte\\)=-1, where the number"),
        ("# Parameters", "# Parameters (4 byte)=99999999999", "where the number"),
        ("Grid settings", "Grid settings=a;b;c;d", "'a;b;c;d' as Grid settings"),
        ("Grid settings", "Grid settings=0,0;0,0;3E-8;2E-8", "numbers with a decimal point belong"),
        ("Grid settings", "Grid settings=0;0;nan;2E-8", "as Grid settings"),
        ("Delay", f"Filetype=MLS\r\n{SEGMENTS}=x,y", "'x;y' as segments"),
        ("Delay", f"Filetype=MLS\r\n{SEGMENTS}=0,1,2", "each needs a start, an end and a number"),
        ("Delay", f"Filetype=MLS\r\n{SEGMENTS}=0,1,0,0,-5", "each needs a start"),
        ("Delay", f"Filetype=MLS\r\n{SEGMENTS}=0,1,0,0,1e15", "1000000000000000 points, but 5"),
    ],
)
def test_a_damaged_header_is_refused_in_one_sentence(tmp_path, values, key, line, said):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS)
    head, end, data = path.read_bytes().partition(b":HEADER_END:")
    lines = [line if each.startswith(key) else each for each in head.decode().split("\r\n")]
    path.write_bytes("\r\n".join(lines).encode("latin-1") + end + data)
    with pytest.raises(CurvesError, match=said) as caught:
        read_curves(path)
    assert ";" in caught.value.reason


@pytest.mark.parametrize("n_values", [0, 24])
def test_a_grid_that_stopped_within_its_first_pixel_is_refused(tmp_path, values, n_values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS, n_pixels=0)
    path.write_bytes(path.read_bytes() + bytes(4 * n_values))
    with pytest.raises(CurvesError, match="it holds no complete pixel"):
        read_curves(path)


def test_a_grid_without_the_ends_of_its_sweeps_needs_them(tmp_path, values):
    path = write_grid(tmp_path / "a.3ds", values, CHANNELS, bias=(np.nan, np.nan))
    with pytest.raises(CurvesError, match="Sweep Start and Sweep End of its pixels are no numbers"):
        read_curves(path)
    curves = read_curves(path, bias_from_v=-1, bias_to_v=1)
    np.testing.assert_allclose(curves.bias, np.linspace(-1, 1, 5))


def test_a_spectrum_has_both_sweeps_and_its_place(tmp_path):
    bias = np.linspace(0.5, -0.5, 6)
    columns = {
        "Current (A)": np.arange(6) * 1e-9,
        "LI Demod 1 X (A)": np.arange(6) * 1e-12,
        "Current [bwd] (A)": np.arange(6) * 2e-9,
        "Current (A) [filt]": np.full(6, 9.0),
    }
    curves = read_curves(write_spectrum(tmp_path / "a.dat", bias, columns))
    np.testing.assert_allclose(curves.bias, bias[::-1])
    # the first sweep falls
    np.testing.assert_allclose(curves.current["backward"][0], np.arange(6)[::-1] * 1e-9)
    np.testing.assert_allclose(curves.current["forward"][0], np.arange(6)[::-1] * 2e-9)
    np.testing.assert_allclose(curves.positions, [[1e-9, 2e-9]])
    np.testing.assert_allclose(curves.height, [5e-9])
    assert list(curves.lock_in) == ["LI Demod 1 X backward"]


def test_a_folder_of_spectra_is_one_map(tmp_path):
    bias = np.linspace(-1, 1, 5)
    for i in (10, 9, 1):
        write_spectrum(tmp_path / f"s{i}.dat", bias, {"Current (A)": i * bias}, place=(i, 0))
    curves = read_curves(tmp_path)
    # natural order
    np.testing.assert_allclose(curves.current["forward"][:, -1], [1, 9, 10])
    np.testing.assert_allclose(curves.positions[:, 0], [1e-9, 9e-9, 10e-9])
    assert [path.name for path in curves.paths] == ["s1.dat", "s9.dat", "s10.dat"]
    assert curves.shape is None


def test_a_sweep_of_something_else_is_refused(tmp_path):
    path = write_spectrum(tmp_path / "a.dat", np.arange(5.0), {"Current (A)": np.arange(5.0)})
    path.write_text(path.read_text().replace("Bias calc (V)", "Z rel (m)"))
    with pytest.raises(CurvesError, match="sweep of 'Z rel \\(m\\)', not of the bias"):
        read_curves(path)


@pytest.mark.parametrize("direction", ["down", "up"])
def test_heights_come_from_a_scan_of_the_same_place(tmp_path, direction):
    height = np.arange(16, dtype=float).reshape(4, 4) * 1e-9
    scan = write_scan(tmp_path / "a.sxm", height, direction)
    bias = np.linspace(-1, 1, 5)
    table = np.column_stack([bias, *(i * bias for i in range(1, 5))])
    np.savetxt(tmp_path / "a.csv", table, delimiter=",", header="V (V)" + ",I (nA)" * 4)
    curves = read_curves(tmp_path / "a.csv", topography=str(scan), n_rows=2, pixel_size_m=2.5e-9)
    # the middle four pixels of the scan
    np.testing.assert_allclose(curves.height, [5e-9, 6e-9, 9e-9, 10e-9], rtol=1e-6)
    assert curves.origins["height"].source == "a.sxm"
    with pytest.raises(CurvesError, match="no positions"):
        read_curves(tmp_path / "a.csv", topography=str(scan))


def test_a_scan_alone_is_refused_with_advice(tmp_path):
    write_scan(tmp_path / "a.sxm", np.zeros((2, 2)))
    with pytest.raises(
        CurvesError, match="it is a scan; give the curves, and the scan with --topo"
    ):
        read_curves(tmp_path / "a.sxm")
