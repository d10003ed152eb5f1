import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from umlpsd_gpu import quantify_spectrum
from umlpsd_gpu.simulate.xray_spectra import simulate_xray_spectrum
from umlpsd_gpu.xrays.composition import Standard
from umlpsd_gpu.xrays.errors import XraySpectrumError
from umlpsd_gpu.xrays.find_elements import find_elements
from umlpsd_gpu.xrays.material import material, material_by_atoms
from umlpsd_gpu.xrays.samples import Film, Foil
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from xray_quantification import K412, quantify_k412, relative_deviations

AXIS = EnergyAxis(0.0, 0.01, 1500)
LONG_AXIS = EnergyAxis(0.0, 0.01, 2048)
BEAM = Conditions(beam_kev=15.0, take_off_deg=35.0, window="ap3.3")


def simulated(atoms, n_counts=1e5, seed=0, beam=BEAM, sample=None, axis=AXIS):
    shape = {} if sample is None else {"sample": sample}
    return simulate_xray_spectrum(
        material_by_atoms(atoms), axis, beam, n_counts=n_counts, seed=seed, **shape
    )


@pytest.mark.parametrize(
    ("atoms", "beam_kev"),
    [({"Au": 1, "In": 2}, 6.5), ({"Mg": 2, "Si": 1, "O": 4}, 15), ({"Cr": 1, "Ni": 3}, 20)],
)
def test_a_simulated_composition_is_found(atoms, beam_kev):
    spectrum = simulated(atoms, beam=replace(BEAM, beam_kev=beam_kev), axis=LONG_AXIS)
    found = quantify_spectrum(spectrum, list(atoms))
    total = sum(atoms.values())
    for symbol, share, error in zip(
        found.elements, found.atomic_fractions, found.atomic_counting_errors, strict=True
    ):
        assert abs(share - atoms[symbol] / total) < 4 * error
        assert error < 0.02
    assert found.atomic_fractions.sum() == pytest.approx(1)
    assert found.mass_fractions.sum() == pytest.approx(1)
    assert found.fit.reduced_chi2 == pytest.approx(1, abs=0.2)


def test_a_film_and_a_foil_are_found_where_a_solid_is_wrong():
    film = Film(2e-5, material({"Si": 1}))
    low = replace(BEAM, beam_kev=10.0)
    thin = simulated({"O": 1, "Ge": 1}, beam=low, sample=film)
    as_film = quantify_spectrum(thin, ["O", "Ge"], sample=film)
    as_solid = quantify_spectrum(thin, ["O", "Ge"])
    assert as_film.atomic_fraction_of("O") == pytest.approx(0.5, abs=0.02)
    assert abs(as_solid.atomic_fraction_of("O") - 0.5) > 0.04
    assert "film" in as_film.method
    assert not any("larger than the volume" in note for note in as_film.notes)
    assert any("larger than the volume" in note for note in as_solid.notes)
    high = replace(BEAM, beam_kev=200.0)
    foil = simulated({"Ni": 3, "Al": 1}, beam=high, sample=Foil())
    found = quantify_spectrum(foil, ["Ni", "Al"], sample=Foil())
    assert found.atomic_fraction_of("Al") == pytest.approx(0.25, abs=0.01)


def test_standards_calibrate_what_the_model_gets_wrong():
    beam = replace(BEAM, live_time_s=10.0, probe_current_na=2.0)
    # what the sum of each spectrum says of currents cancels in the ratio of the two elements
    factor = np.where(AXIS.energies_kev < 1.4, 0.8, 1.0)  # a window that the model doesn't know
    mixed = simulated({"Mg": 1, "Si": 1}, 4e5, beam=beam)
    standards = {
        symbol: Standard(
            replace(simulated({symbol: 1}, 4e5, beam=beam), name=symbol), {symbol: 1.0}
        )
        for symbol in ("Mg", "Si")
    }
    distorted = {
        symbol: replace(s, spectrum=replace(s.spectrum, counts=s.spectrum.counts * factor))
        for symbol, s in standards.items()
    }
    spectrum = replace(mixed, counts=mixed.counts * factor)
    without = quantify_spectrum(spectrum, ["Mg", "Si"])
    found = quantify_spectrum(spectrum, ["Mg", "Si"], distorted)
    assert abs(without.atomic_fraction_of("Mg") - 0.5) > 0.03
    straight = quantify_spectrum(mixed, ["Mg", "Si"], standards)
    assert found.atomic_fraction_of("Mg") == pytest.approx(
        straight.atomic_fraction_of("Mg"), abs=0.01
    )
    assert np.all(found.mass_errors < without.mass_errors)


def test_oxides():
    found = quantify_spectrum(
        simulated({"Fe": 2, "O": 3}), ["Fe", "O"], oxygen="stoichiometry", valences={"Fe": 3}
    )
    assert found.atomic_fraction_of("O") == pytest.approx(0.6)
    assert found.lines == ("stoichiometry", "Fe K")


def test_glass_k412_with_standards(shared_data):
    found = relative_deviations(quantify_k412(shared_data / "edx_quantification", 0, "standards"))
    allowed = {"O": 0.05, "Mg": 0.01, "Al": 0.012, "Si": 0.02, "Ca": 0.01, "Fe": 0.04}
    for symbol, limit in allowed.items():
        assert abs(found[symbol]) < limit, symbol


def test_glass_k412_without_standards(shared_data):
    folder = shared_data / "edx_quantification"
    found = relative_deviations(quantify_k412(folder, 0, "stoichiometry"))
    assert max(abs(value) for value in found.values()) < 0.07


def test_elements_of_glass_k412_are_found(shared_data):
    from umlpsd_gpu.xrays.msa import read_msa

    spectrum = read_msa(shared_data / "edx_quantification/K412/III-E K412[0][4].msa")
    assert [found.symbol for found in find_elements(spectrum)] == list(K412)


@pytest.mark.parametrize(
    ("atoms", "beam_kev"),
    [
        ({"In": 1, "Sb": 1}, 6.5),
        ({"S": 1, "Pb": 1}, 15),
        ({"S": 2, "Mo": 1}, 15),
        ({"O": 3, "Ti": 1, "Ba": 1}, 20),
    ],
)
def test_elements_whose_lines_overlap_are_found(atoms, beam_kev):
    spectrum = simulated(atoms, beam=replace(BEAM, beam_kev=beam_kev), axis=LONG_AXIS)
    assert [found.symbol for found in find_elements(spectrum)] == list(atoms)


def test_an_element_that_is_missing_is_named():
    spectrum = simulated({"Cu": 1, "Zn": 1}, beam=replace(BEAM, beam_kev=20.0))
    found = find_elements(spectrum, known=["Cu"])
    assert {element.symbol for element in found} == {"Cu", "Zn"}


def test_background_alone_shows_no_element():
    from umlpsd_gpu.xrays.continuum import continuum
    from umlpsd_gpu.xrays.detector import Detector
    from umlpsd_gpu.xrays.response import broadened

    spectrum = simulated({"C": 1})
    energies = np.maximum(AXIS.energies_kev, 0.05)
    mean = continuum(material({"C": 1}), energies, 15.0, 35.0) * Detector().efficiency(energies)
    mean = broadened(AXIS, Detector(), mean)
    noise = np.random.default_rng(1).poisson(mean * 1e5 / mean.sum()).astype(float)
    assert find_elements(replace(spectrum, counts=noise)) == ()


def test_the_same_spectrum_gives_the_same_bits():
    spectrum = simulated({"Ga": 1, "As": 1})
    first, second = (quantify_spectrum(spectrum, ["Ga", "As"]) for _ in range(2))
    np.testing.assert_array_equal(first.mass_fractions, second.mass_fractions)
    np.testing.assert_array_equal(first.mass_errors, second.mass_errors)


@pytest.mark.parametrize(
    ("changes", "arguments", "reason"),
    [
        ({"conditions": Conditions()}, {}, "beam energy is None"),
        ({"counts": -np.ones(1500)}, {}, "negative"),
        ({"counts": np.zeros(1500)}, {}, "no counts"),
        ({}, {"elements": ["Xy"]}, "no chemical element"),
        ({}, {"elements": ["H"]}, "no line"),
        ({}, {"oxygen": "guess"}, "'measured' or 'stoichiometry'"),
        ({}, {"elements": []}, "No element"),
        ({}, {"standards": {"Fe": Standard(simulated({"Fe": 1}, 1e4), {"Fe": 1})}}, "live time"),
        ({"conditions": replace(BEAM, window="glass")}, {}, "'glass' is not known"),
        ({"conditions": replace(BEAM, take_off_deg=0.0)}, {}, "1 to 90"),
    ],
)
def test_what_is_not_allowed_is_told(changes, arguments, reason):
    spectrum = replace(simulated({"Fe": 1}, 1e4), **changes)
    with pytest.raises(XraySpectrumError, match=reason):
        quantify_spectrum(spectrum, **{"elements": ["Fe"], **arguments})
