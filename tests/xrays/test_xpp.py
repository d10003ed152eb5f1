import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from umlpsd_gpu.xrays.emission import k_ratios, specific_emission
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.lines import edge_kev, lines_of
from umlpsd_gpu.xrays.material import atomic_fractions, material, material_by_atoms
from umlpsd_gpu.xrays.samples import BULK, Film, Foil
from umlpsd_gpu.xrays.xpp import depth_distribution, exponent

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from xray_quantification import named_line, pap_ratios, summarise_ratios

K240 = {"O": 34.0023, "Mg": 3.0154, "Si": 18.6986, "Ti": 5.995, "Zn": 4.0168, "Zr": 7.403}
K240 |= {"Ba": 26.8689}


def of_levels(of, levels, beam_kev):
    z = np.array([one for one, _ in levels])
    edges = np.array([edge_kev(*level) for level in levels])
    shells = np.array([level[0] for _, level in levels])
    return depth_distribution(of, edges, exponent(z, shells), beam_kev)


def test_oxygen_in_glass_k240_as_nexl_calculates_it():
    # NeXLMatrixCorrection.jl, test/xpp.jl: F and φ(0) of O K at 20 kV
    found = of_levels(material(K240), [(8, "K")], 20.0)
    assert found.area[0] == pytest.approx(0.0016734, rel=5e-3)
    assert found.surface[0] == pytest.approx(1.63011, rel=5e-3)


def test_the_integrals_are_those_of_the_curve():
    found = of_levels(material(K240), [(8, "K"), (40, "L3"), (22, "K")], 20.0)
    absorption = np.array([5000.0, 1000.0, 100.0])
    for n in range(3):
        for chi, top, bottom in [(0.0, 0, 0.02), (absorption[n], 0, 0.02), (300.0, 1e-4, 5e-4)]:
            expected = quad(
                lambda d, n=n, chi=chi: found.at(d)[n] * np.exp(-chi * d), top, bottom, limit=200
            )[0]
            ours = found.emitted_between(np.full(3, chi), top, bottom)[n]
            assert ours == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(found.emitted(np.zeros(3)), found.area)
    np.testing.assert_allclose(found.at(0.0), found.surface)
    first_moment = quad(lambda d: d * found.at(d)[0], 0, 0.02)[0]
    assert first_moment / found.area[0] == pytest.approx(found.mean_depth[0], rel=1e-4)


@pytest.mark.parametrize("beam_kev", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("symbol", ["C", "Si", "Au"])
def test_ionisation_is_never_negative(symbol, beam_kev):
    found = of_levels(material({symbol: 1}), [(8, "K"), (13, "K"), (47, "L3")], beam_kev)
    depths = np.linspace(0, 10 * found.mean_depth.max(), 300)
    assert min(found.at(depth).min() for depth in depths) > -1e-9


def test_measured_k_ratios_of_826_binaries(shared_data):
    found = summarise_ratios(pap_ratios(shared_data / "edx_quantification", fluorescence=True))
    assert found["n"] == 826
    assert found["median"] == pytest.approx(1, abs=0.005)
    assert found["robust_sd"] <= 0.019
    assert found["within_5"] >= 0.92


def test_k_ratios_of_pure_elements_are_1():
    lines = [named_line(26, "Kα1"), named_line(26, "Lα1")]
    np.testing.assert_allclose(k_ratios(material({"Fe": 1}), lines, 20, 40), 1)
    assert np.isnan(k_ratios(material({"Fe": 1}), [named_line(26, "Kα1")], 6, 40)).all()


@pytest.mark.parametrize(("low", "high"), [("Fe", "Ni"), ("Cr", "Fe"), ("Ti", "Cr")])
def test_lines_just_above_an_edge_excite_it(low, high):
    line = [named_line(material({low: 1}).z[0], "Kα1")]
    of = material({low: 5, high: 95})
    gain = (
        specific_emission(of, line, 20, 40)
        / specific_emission(of, line, 20, 40, fluorescence=False)
    )[0]
    assert 1.15 < gain < 1.45
    above = [named_line(material({high: 1}).z[0], "Kα1")]
    without = specific_emission(of, above, 20, 40, fluorescence=False)
    assert specific_emission(of, above, 20, 40)[0] == pytest.approx(without[0], rel=1e-3)


def test_a_thick_film_is_a_solid_and_a_thin_one_emits_by_its_thickness():
    of, substrate = material_by_atoms({"Au": 1, "In": 2}), material_by_atoms({"In": 1, "Sb": 1})
    lines = [named_line(49, "Lα1"), named_line(79, "Mα")]
    solid = specific_emission(of, lines, 10, 35, BULK, fluorescence=False)
    np.testing.assert_allclose(specific_emission(of, lines, 10, 35, Film(1.0, substrate)), solid)
    thin, twice = (specific_emission(of, lines, 10, 35, Film(t, substrate)) for t in (1e-6, 2e-6))
    np.testing.assert_allclose(twice / thin, 2, rtol=0.02)


def test_a_foil_absorbs_by_its_thickness():
    of, lines = material({"Al": 1, "Ni": 1}), [named_line(13, "Kα1"), named_line(28, "Kα1")]
    thin = specific_emission(of, lines, 200, 20, Foil())
    thick = specific_emission(of, lines, 200, 20, Foil(1e-4)) / 1e-4
    assert thick[0] < 0.8 * thin[0]
    assert thick[1] == pytest.approx(thin[1], rel=0.02)


def test_masses_and_atoms():
    found = atomic_fractions(material_by_atoms({"Au": 1, "In": 2}))
    assert found == pytest.approx({"Au": 1 / 3, "In": 2 / 3})


@pytest.mark.parametrize("fractions", [{}, {"Fe": -1, "O": 2}, {"Fe": 0}, {"Fe": np.nan}])
def test_fractions_that_are_not_allowed(fractions):
    with pytest.raises(XraySpectrumError, match="numbers of 0 or more"):
        material(fractions)


@pytest.mark.parametrize("thickness", [0, -1, np.inf])
def test_thicknesses_that_are_not_allowed(thickness):
    with pytest.raises(XraySpectrumError, match="number above 0"):
        Foil(thickness)


def test_lines_have_labels():
    assert "Au Lα1" in {line.label for line in lines_of(79)}
