"""A spectrum image from file to report, and back from disk."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.support.browser import visit_result
from tests.support.export_checks import check_exports, check_ome_zarr
from umlpsd_gpu import SpectrumImage, SpectrumImageStudy, run_spectrum_image, write_report
from umlpsd_gpu.analyses.spectrum_images import explore
from umlpsd_gpu.analyses.spectrum_images.contents import contents_of
from umlpsd_gpu.analyses.spectrum_images.element_search import name_missing_lines
from umlpsd_gpu.analyses.spectrum_images.result import RecordedSpectra
from umlpsd_gpu.analyses.spectrum_images.standard_files import read_standard_files
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.factorisation.residuals import find_residuals
from umlpsd_gpu.simulate.spectrum_images import (
    simulate_spectrum_image,
    write_simulated_spectrum_image,
)
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

RECIPE = {"n_rows": 40, "n_columns": 36, "n_wires": 4, "seed": 1}
QUICK = {"n_restarts": 4, "k_max": 5, "n_noise_draws": 20}


@pytest.fixture(scope="module")
def truth():
    return simulate_spectrum_image(**RECIPE)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "wires.npz"
    write_simulated_spectrum_image(path, **RECIPE)
    return run_spectrum_image(path, **QUICK, elements=("C", "In", "Sb", "Au"))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return write_report(study, tmp_path_factory.mktemp("out") / "study")


def of_element(study, symbol):
    """Return the composition of the component with the most of an element."""
    shares = [
        dict(zip(each.elements, each.atomic_fractions, strict=True)).get(symbol, 0.0)
        for each in study.quantified
    ]
    return study.quantified[int(np.argmax(shares))]


def test_number_of_components_is_found(study):
    assert study.decision.k == study.k == 3
    assert study.decision.probability > 0.9


def test_maps_are_those_of_the_phases(study, truth):
    order, cosine = match(truth.spectra, study.factors.components)
    assert cosine.min() > 0.95  # carbon is nowhere pure, and so never separated well
    wires = np.corrcoef(study.maps[order[1]].ravel(), truth.maps[1].ravel())[0, 1]
    assert wires > 0.95


@pytest.mark.parametrize(
    ("symbol", "atoms"), [("Au", {"Au": 1 / 3, "In": 2 / 3}), ("Sb", {"In": 0.5, "Sb": 0.5})]
)
def test_compositions_are_those_of_the_phases(study, symbol, atoms):
    found = of_element(study, symbol)
    for element, fraction in atoms.items():
        at = found.elements.index(element)
        assert abs(found.atomic_fractions[at] - fraction) < 0.05
        assert abs(found.atomic_fractions[at] - fraction) < 3 * found.atomic_errors[at]


def test_what_unmixing_took_is_given_back(study):
    assert any("was given back" in note for note in study.notes)


def test_elements_are_found_in_recorded_spectra(truth):
    image = SpectrumImage(truth.counts, truth.axis, truth.conditions)
    study = run_spectrum_image(image, **QUICK, k=3)
    found = {symbol for each in study.quantified for symbol in each.elements}
    assert {"In", "Sb", "Au"} <= found <= {"In", "Sb", "Au", "C"}
    assert not study.missing


def test_phase_in_few_pixels_is_named_as_missing(truth):
    """Iron in 3 of 1,440 pixels, which no component has."""
    counts = truth.counts.reshape(-1, truth.counts.shape[2]).copy()
    energies = truth.axis.energies_kev
    iron = sum(
        weight * np.exp(-0.5 * ((energies - energy) / 0.04) ** 2)
        for energy, weight in ((0.705, 1.0), (0.718, 0.15), (6.404, 0.5))
    )
    rng = np.random.default_rng(0)
    for pixel in (7, 700, 1300):
        counts[pixel] += rng.poisson(400 * iron / iron.sum()).astype(np.uint16)
    maps = truth.maps.reshape(3, -1).T
    residuals = find_residuals(counts, maps, truth.spectra)
    assert {7, 700, 1300} <= set(np.argsort(-residuals.sample_z)[:3])
    recorded = RecordedSpectra(
        counts.sum(axis=1), counts.sum(axis=0), truth.axis, truth.conditions, None, ()
    )
    missing = name_missing_lines(residuals, ("C", "In", "Sb", "Au"), recorded)
    assert any(name.startswith("Fe ") for name in missing)


def test_study_is_the_same_after_saving(study, folder):
    again = SpectrumImageStudy.load(folder)
    np.testing.assert_array_equal(again.factors.maps, study.factors.maps)
    np.testing.assert_array_equal(again.residuals.sample_z, study.residuals.sample_z)
    assert again.recorded.axis == study.recorded.axis
    assert again.recorded.conditions == study.recorded.conditions
    assert [each.formula for each in again.quantified] == [e.formula for e in study.quantified]
    assert [each.notes for each in again.quantified] == [e.notes for e in study.quantified]


def test_folder_holds_tables_and_report(study, folder):
    with (folder / "spectra.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    total = sum(float(row["component_1"]) for row in rows)
    assert total == pytest.approx(study.factors.maps[:, 0].sum())
    with (folder / "compositions.csv").open(encoding="utf-8") as file:
        elements = {row["element"] for row in csv.DictReader(file)}
    assert {"In", "Sb", "Au"} <= elements
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["k_opt"] == 3
    assert summary["conditions"]["beam_kev"] == 6.5
    assert "3 components in the spectrum image" in (folder / "report.html").read_text("utf-8")


def test_without_a_beam_energy_nothing_is_quantified_but_all_is_unmixed(truth):
    image = SpectrumImage(truth.counts, truth.axis)
    study = run_spectrum_image(image, **QUICK, k=3)
    assert study.k == 3
    assert not any(each.elements for each in study.quantified)
    assert any("beam energy is unknown" in note for note in study.notes)


def test_few_counts_are_not_decided():
    rng = np.random.default_rng(3)
    axis = EnergyAxis(0.0, 0.02, 128)
    counts = rng.poisson(0.002, size=(16, 16, 128)).astype(np.uint8)
    counts[0, 0, 5] = 1
    study = run_spectrum_image(
        SpectrumImage(counts, axis, Conditions(beam_kev=10.0)), **QUICK, method="none"
    )
    assert study.decision.k is None
    assert any("can't be decided" in note for note in study.notes)


def test_same_seed_gives_the_same_bits(truth):
    image = SpectrumImage(truth.counts[:16, :16], truth.axis, truth.conditions)
    first, second = (run_spectrum_image(image, **QUICK, method="none") for _ in range(2))
    np.testing.assert_array_equal(first.factors.maps, second.factors.maps)
    np.testing.assert_array_equal(
        first.uncertainty.component_errors, second.uncertainty.component_errors
    )


def test_names_of_standards_are_their_formulas(tmp_path):
    (tmp_path / "std.msa").write_text("")
    with pytest.raises(SettingsError, match="must begin with its formula"):
        read_standard_files([str(tmp_path / "std.msa")])
    with pytest.raises(SettingsError, match="there is no file"):
        read_standard_files([str(tmp_path / "SiO2.msa")])


def test_standards_of_real_glass_are_read(shared_data):
    folder = shared_data / "edx_quantification" / "K412"
    found = read_standard_files([str(folder / f"{name} std.msa") for name in ("SiO2", "MgO", "Fe")])
    assert set(found) == {"Si", "O", "Mg", "Fe"}
    assert found["Si"].mass_fractions["Si"] == pytest.approx(0.4674, abs=1e-3)


def test_real_map_is_unmixed(shared_data):
    path = shared_data / "edx" / "88_ES-LP_G8_stem_edx_80x80x1917.hspy"
    settings = {**QUICK, "bin_pixels": 2, "rebin_energy": 2, "method": "none"}
    study = run_spectrum_image(path, **settings)
    assert study.factors.is_converged
    assert 2 <= study.k <= 4
    assert study.recorded.total_image.shape == (40, 40)
    assert replace(study.recorded.conditions, origins={}).beam_kev is not None


def test_clicking_a_pixel_shows_its_spectrum(study, browser, tmp_path):
    visit = visit_result(browser, study, tmp_path)
    row, col = 7, 21
    pixel = row * study.recorded.total_image.shape[1] + col
    visit.click("map", col, row)
    counts = study.factors.maps[pixel]
    parts = [visit.column(f"panel-0-{place}", "y") for place in range(study.k + 1)]
    np.testing.assert_allclose(parts[0], counts @ study.factors.components, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.sum(parts[1:], axis=0), parts[0], rtol=1e-9)
    energies = study.recorded.axis.energies_kev
    np.testing.assert_allclose(visit.column("panel-0-0", "x"), energies, rtol=1e-5)
    values = visit.values()
    assert values["Component"] == f"component {1 + counts.argmax()}"
    assert values["All counts"] == f"{study.recorded.total_image[row, col]:.4g} counts"
    assert visit.complaints == []


def test_large_images_are_shown_in_squares(study, monkeypatch):
    monkeypatch.setattr(explore, "MOST_ITEMS", 400)
    found = explore.explore_spectrum_image(study)
    assert found.item == "square of 2 × 2 pixels"
    assert found.pictures[0].layers[0].values.shape == (20, 18)
    counts = next(column for column in found.columns if column.name == "All counts")
    total = study.recorded.total_image
    assert counts.values[18 + 2] == total[2:4, 4:6].sum()
    assert counts.values.sum() == pytest.approx(total.sum())


def test_exports_are_read_back(study, tmp_path):
    contents = contents_of(study)
    values = {image.name: image.values for image in contents.images}
    name = next(name for name in values if name.startswith("component 2"))
    np.testing.assert_array_equal(values[name], study.maps[1])
    check_exports(contents, tmp_path)
    check_ome_zarr(contents, tmp_path / "zarr")
