import numpy as np
import pytest

from umlpsd_gpu.xrays.attenuation import mass_attenuation, mixture_attenuation
from umlpsd_gpu.xrays.elements import atomic_masses, atomic_number, symbol_of, valence
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.lines import coster_kronig, edge_kev, fluorescence_yield, jump_ratio, lines_of


@pytest.mark.parametrize("symbol", ["C", "O", "Al", "Ca", "Fe", "In", "Sb", "Au", "U"])
def test_the_table_agrees_with_xraydb(symbol):
    xraydb = pytest.importorskip("xraydb")
    z = atomic_number(symbol)
    assert atomic_masses(z) == xraydb.atomic_mass(symbol)
    for level, found in xraydb.xray_edges(symbol).items():
        if level[0] in "KL" or level in ("M1", "M2", "M3", "M4", "M5"):
            assert edge_kev(z, level) == pytest.approx(found.energy / 1000)
            assert fluorescence_yield(z, level) == found.fyield
            assert jump_ratio(z, level) == found.jump_ratio
    ours = {line.name: line for line in lines_of(z) if line.level in ("K", "L1", "L2", "L3")}
    theirs = {k: v for k, v in xraydb.xray_lines(symbol).items() if k[0] in "KL"}
    theirs = {k: v for k, v in theirs.items() if v.energy >= 40}
    assert len(ours) == len(theirs)
    energies = sorted(line.energy_kev for line in ours.values())
    np.testing.assert_allclose(energies, sorted(v.energy / 1000 for v in theirs.values()))
    ratio = theirs["Ka1"].intensity / theirs["Ka2"].intensity
    assert ours["Kα1"].weight / ours["Kα2"].weight == pytest.approx(ratio, rel=1e-6)
    if z not in range(12, 20):  # whose Kβ is corrected
        assert ours["Kα1"].weight == pytest.approx(theirs["Ka1"].intensity, rel=1e-6)


@pytest.mark.parametrize(("z", "ratio"), [(14, 0.029), (18, 0.105), (26, 0.143)])
def test_k_beta_grows_with_the_electrons_that_make_it(z, ratio):
    lines = [line for line in lines_of(z) if line.shell == "K"]
    beta = sum(line.weight for line in lines if line.name.startswith("Kβ"))
    assert beta / (1 - beta) == pytest.approx(ratio, rel=0.02)
    assert sum(line.weight for line in lines) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("z", [6, 8, 26, 79, 98])
def test_attenuation_agrees_with_xraydb(z):
    xraydb = pytest.importorskip("xraydb")
    energies = np.random.default_rng(z).uniform(0.1, 40, 500)
    expected = xraydb.mu_elam(symbol_of(z), energies * 1000, kind="total")
    np.testing.assert_allclose(mass_attenuation(z, energies), expected, rtol=1e-3)


def test_known_figures_without_xraydb():
    names = {line.label: line for line in lines_of(26)}
    assert names["Fe Kα1"].energy_kev == pytest.approx(6.404, abs=0.002)  # Bearden 1967
    assert edge_kev(26, "K") == pytest.approx(7.112, abs=0.001)
    assert coster_kronig(79, "L2", "L3") == pytest.approx(0.122)
    assert edge_kev(6, "M5") == 0
    assert [valence(s) for s in ("Si", "Al", "Fe", "O", "He")] == [4, 3, 2, 0, 0]


def test_the_edge_is_sharp():
    below, above = mass_attenuation(26, [7.1115, 7.1125])
    assert above / below == pytest.approx(jump_ratio(26, "K"), rel=0.15)


def test_a_mixture_is_the_mean_by_mass():
    found = mixture_attenuation(np.array([8, 14]), np.array([0.25, 0.75]), [1.0, 5.0])
    expected = 0.25 * mass_attenuation(8, [1.0, 5.0]) + 0.75 * mass_attenuation(14, [1.0, 5.0])
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("z", [0, 99])
def test_other_elements_are_refused(z):
    with pytest.raises(XraySpectrumError, match="1 to 98"):
        mass_attenuation(z, 1.0)
    with pytest.raises(XraySpectrumError, match="1 to 98"):
        lines_of(z)


def test_symbols_are_written_as_in_the_periodic_table():
    with pytest.raises(XraySpectrumError, match="'fe' is no chemical element"):
        atomic_number("fe")
