import numpy as np
import pytest

from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.msa import read_msa

HEADER = """#FORMAT      : EMSA/MAS Spectral Data File
#TITLE       : glass
#NPOINTS     : 4
#XUNITS      : eV
#DATATYPE    : Y
#XPERCHAN    : 10.0
#OFFSET      : -20.5
#BEAMKV   -kV: 20
#ELEVANGLE-dg: 35
#LIVETIME  -s: 12.5
#PROBECUR -nA: 1.25
#SPECTRUM    : Spectral Data Starts Here
"""


def written(folder, text):
    path = folder / "a.msa"
    path.write_text(text, encoding="latin-1")
    return path


def test_counts_axis_and_conditions(tmp_path):
    found = read_msa(written(tmp_path, HEADER + "1, 2,\n3,\n4.5\n#ENDOFDATA :\n"))
    np.testing.assert_array_equal(found.counts, [1, 2, 3, 4.5])
    np.testing.assert_allclose(found.axis.energies_kev, [-0.0205, -0.0105, -0.0005, 0.0095])
    conditions = found.conditions
    assert (conditions.beam_kev, conditions.take_off_deg) == (20, 35)
    assert (conditions.live_time_s, conditions.probe_current_na) == (12.5, 1.25)
    assert conditions.resolution_ev is None
    assert "resolution_ev" not in conditions.origins
    assert conditions.origins["beam_kev"] == "file"
    assert found.name == "glass"


def test_pairs_of_energy_and_counts_in_kev(tmp_path):
    text = HEADER.replace(": Y", ": XY").replace(": eV", ": keV")
    found = read_msa(written(tmp_path, text + "0.0, 7\n0.02, 8\n0.04, 9\n0.06, 1\n"))
    np.testing.assert_array_equal(found.counts, [7, 8, 9, 1])
    assert found.axis.step_kev == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADER + "1 2 3", "states 4 channels and has 3"),
        (HEADER, "no counts"),
        (HEADER + "1 2 x 4", "only numbers"),
        (HEADER + "1 2 nan 4", "finite"),
        (HEADER.replace("XPERCHAN", "STEP") + "1 2 3 4", "XPERCHAN"),
        ("hello\n1 2", "only numbers"),
        ("1 2 3", "EMSA"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path, text, reason):
    with pytest.raises(XraySpectrumError, match=reason):
        read_msa(written(tmp_path, text))


def test_a_real_spectrum(shared_data):
    found = read_msa(shared_data / "edx_quantification/K412/Fe std.msa")
    assert found.counts.shape == (4096,)
    energies = found.axis.energies_kev
    peak = energies[np.argmax(np.where(energies > 3, found.counts, 0))]
    assert peak == pytest.approx(6.40, abs=0.02)
