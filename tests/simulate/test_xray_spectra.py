"""Simulated X-ray spectra whose lines differ from the calculated ones, as an instrument's do."""

import numpy as np
import pytest

from umlpsd_gpu.simulate.spectrum_images import simulate_spectrum_image
from umlpsd_gpu.simulate.xray_spectra import draw_line_factors, simulate_xray_spectrum
from umlpsd_gpu.xrays.families import Family
from umlpsd_gpu.xrays.material import material_by_atoms
from umlpsd_gpu.xrays.quantify import quantify_spectrum
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

AXIS, BEAM = EnergyAxis(0.0, 0.01, 1024), Conditions(beam_kev=10.0, take_off_deg=35.0)


def test_factors_scatter_as_quantification_claims():
    rng = np.random.default_rng(1)
    drawn = [draw_line_factors([26, 49, 51], rng) for _ in range(3000)]
    of = {family: np.array([each[family] for each in drawn]) for family in drawn[0]}
    indium, antimony = of[Family(49, "L")], of[Family(51, "L")]
    assert indium.mean() == pytest.approx(1, abs=0.01)
    assert indium.std() == pytest.approx(0.15, rel=0.06)
    # what is common to a shell cancels in the ratio of two L lines
    assert (indium / antimony).std() == pytest.approx(0.09 * np.sqrt(2), rel=0.06)
    assert of[Family(26, "K")].std() == pytest.approx(0.05, rel=0.06)
    assert of[Family(26, "L")].std() == pytest.approx(0.4, rel=0.1)  # below 1 keV
    assert min(values.min() for values in of.values()) > 0


def test_a_stronger_line_is_more_of_an_element():
    factors = {Family(51, "L"): 1.3}
    atoms = material_by_atoms({"In": 1, "Sb": 1})
    found = {
        bool(given): quantify_spectrum(
            simulate_xray_spectrum(atoms, AXIS, BEAM, n_counts=3e5, line_factors=given),
            ["In", "Sb"],
        ).atomic_fraction_of("Sb")
        for given in ({}, factors)
    }
    assert found[False] == pytest.approx(0.5, abs=0.02)
    assert found[True] / (1 - found[True]) == pytest.approx(1.3, rel=0.08)


def test_images_with_model_errors_have_the_same_maps():
    size = {"n_rows": 12, "n_columns": 10, "seed": 4}
    exact, off = (simulate_spectrum_image(**size, model_errors=on) for on in (False, True))
    np.testing.assert_array_equal(exact.maps, off.maps)
    assert np.abs(exact.spectra - off.spectra).sum() > 0.02
    np.testing.assert_allclose(off.spectra.sum(axis=1), 1)
    again = simulate_spectrum_image(**size, model_errors=True)
    np.testing.assert_array_equal(off.counts, again.counts)
