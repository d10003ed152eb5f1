"""Real measurements of others: what is known of them is found."""

import zipfile

import numpy as np
import pytest

from umlpsd_gpu import CurvesError, read_curves
from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves


@pytest.fixture
def real(shared_data):
    folder = shared_data / "curves"
    if not folder.exists():
        pytest.skip("the folder ../shared/data/curves is not on this machine")
    return folder


@pytest.fixture
def igor():
    pytest.importorskip("igor2", reason="the extra spm is not installed")


def current_next_to_zero(curves):
    """Return the median current at the bias nearest to zero."""
    (current,) = curves.current.values()
    return np.nanmedian(current[:, np.abs(curves.bias).argmin()])


def test_a_grid_whose_header_lacks_a_key(real):
    curves = read_curves(real / "NanonisReader_STS_grid_lockin.3ds")
    assert curves.shape == (30, 30)
    assert curves.n_points == 200
    np.testing.assert_allclose(curves.bias[[0, -1]], [-0.22, 0.22], rtol=1e-6)
    assert list(curves.lock_in) == ["LockinX forward", "LockinY forward"]
    assert curves.is_recorded.all()
    # 5 × 5 nm, turned by 45°
    corners = curves.positions.reshape(30, 30, 2)[[0, -1], [0, -1]]
    np.testing.assert_allclose(np.hypot(*(corners[0] - corners[1])), 5e-9 * 2**0.5 * 29 / 30)


def test_clipping_of_a_lock_in_channel_is_told(real):
    conditioned = condition_curves(read_curves(real / "NanonisReader_STS_grid_lockin.3ds"))
    assert any("LockinX" in note and "clipped" in note for note in conditioned.notes)


def test_saturated_curves_and_offset_of_a_map(real, igor):
    curves = read_curves(real / "Ta2NiSe5_1_1_IV_Forward_Up_Retrace.ibw")
    assert curves.shape == (20, 20)
    assert list(curves.current) == ["backward"]
    assert current_next_to_zero(curves) == pytest.approx(-4.2e-12, abs=0.05e-12)
    assert "In 400 of 400 curves of the backward sweep the current falls" in curves.notes[0]
    conditioned = condition_curves(curves)
    assert any(note.startswith("21 curves are saturated") for note in conditioned.notes)
    # 6.7 mV beside zero the current is −4.2 pA; at zero, between two points, +3.6 pA
    assert np.nanmedian(conditioned.current_offset) == pytest.approx(3.6e-12, abs=0.1e-12)


def test_the_offset_of_a_map_with_a_gap(real, igor):
    curves = read_curves(real / "GeS_13_4_IV_Forward_Up_Trace.ibw")
    assert current_next_to_zero(curves) == pytest.approx(7.7e-12, abs=0.05e-12)
    conditioned = condition_curves(curves)
    assert np.nanmedian(conditioned.current_offset) == pytest.approx(7.4e-12, abs=0.1e-12)


def test_a_map_that_stopped_half_way(real, igor):
    curves = read_curves(real / "GeS_13_4_IV_Forward_Down_Trace_partial.ibw")
    assert curves.shape == (10, 10)
    recorded = curves.is_recorded.reshape(10, 10)
    assert recorded[:5].all()
    assert not recorded[5:].any()
    assert curves.notes == (
        "The recording stopped after 5 of 10 rows of 10 pixels; the others are empty.",
    )
    whole = read_curves(real / "GeS_13_4_IV_Forward_Up_Trace.ibw")
    np.testing.assert_allclose(curves.positions, whole.positions)


def test_single_spectra(real):
    both = read_curves(real / "nanonis_i_v.dat")
    assert {sweep: values.shape for sweep, values in both.current.items()} == {
        "forward": (1, 201),
        "backward": (1, 201),
    }
    assert both.current["backward"][0, 0] == pytest.approx(-84.7701e-12)
    one = read_curves(real / "NanonisReader_BiasSpectroscopy.dat")
    assert one.bias[0] == -2.0
    assert one.current["forward"][0, 0] == pytest.approx(-10.0007e-9)


def test_text_exports_in_a_folder(real, tmp_path):
    with zipfile.ZipFile(real / "omicron_IV_text_exports.zip") as archive:
        archive.extractall(tmp_path)
    with pytest.raises(CurvesError, match="the curves have unequal lengths"):
        read_curves(tmp_path)
    same = [path for path in sorted(tmp_path.glob("*2024Jan18*")) if "(V)_10" in path.name]
    curves = read_curves(same)
    assert curves.n_curves == len(same) == 7
    np.testing.assert_allclose(curves.bias[[0, -1]], [-4, 4])
    assert curves.positions.shape == (7, 2)
    assert curves.origins["current unit"].value == "A"
    loop = read_curves(tmp_path / "default_2024Jan24-121905_STM-STM_Spectroscopy--4_1-I(V)_10.txt")
    assert list(loop.current) == ["forward", "backward"]
