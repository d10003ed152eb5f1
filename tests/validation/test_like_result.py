"""A study of a spectrum image is simulated, and what is found again is counted."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.report.test_page import Page
from umlpsd_gpu import SpectrumImage, run_spectrum_image
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.spectrum_images import simulate_spectrum_image
from umlpsd_gpu.validation.like_result import (
    RecoveredQuantity,
    notes_of_result,
    validate_result,
)
from umlpsd_gpu.validation.result_page import (
    headline_of_result,
    quantity_rows,
    summary_of_result,
)

ANALYSIS = get_analysis("spectrum_images")
QUICK = {"n_restarts": 3, "k_max": 3, "n_noise_draws": 4, "elements": ("In", "Sb", "Au")}


@pytest.fixture(scope="module")
def study():
    made = simulate_spectrum_image(n_rows=20, n_columns=18, counts_per_pixel=500, n_wires=2)
    image = SpectrumImage(made.counts, made.axis, made.conditions)
    return run_spectrum_image(image, **QUICK)


@pytest.fixture(scope="module")
def validation(study):
    return validate_result(study, 2, seed=3, origin="wires")


def test_counts_are_drawn_from_the_components_of_the_study(study):
    first, again, other = (ANALYSIS.simulate_like(study, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.counts, again.counts)
    assert (first.counts != other.counts).any()
    expected = (study.factors.maps @ study.factors.components).sum(axis=0)
    spectrum = first.counts.sum(axis=(0, 1), dtype=float)
    z = (spectrum - expected) / np.sqrt(np.maximum(expected, 1))
    assert abs(z.mean()) < 0.2
    assert 0.8 < z.std() < 1.2


def test_a_study_compared_with_itself_is_found(study):
    recovery = ANALYSIS.compare_with(study, study)
    assert recovery.k_true == study.k
    assert all(each.found == pytest.approx(each.truth) for each in recovery.quantities)
    names = {each.name for each in recovery.quantities}
    assert {"cosine of the spectrum", "share of counts (%)", "In (at%)"} <= names


def test_an_element_that_is_not_found_counts_as_zero(study):
    from dataclasses import replace

    none = np.empty(0)
    without = [
        replace(each, elements=(), atomic_fractions=none, atomic_errors=none)
        for each in study.quantified
    ]
    recovery = ANALYSIS.compare_with(study, replace(study, quantified=tuple(without)))
    atoms = [each for each in recovery.quantities if "at%" in each.name]
    assert atoms
    assert all(each.found == each.error == 0 for each in atoms)


def test_the_number_is_decided_whatever_was_set(study):
    assert ANALYSIS.settings_like(study).unmixing.k == study.k


def test_what_is_found_again(validation, study):
    assert validation.n == 2
    assert validation.k_true == study.k
    assert validation.k_right.n_trials == 2
    cosines = [each for each in validation.quantities if each.name.startswith("cosine")]
    assert len(cosines) == study.k
    assert min(each.found.min() for each in cosines) > 0.9
    assert all(each.found.shape == (2,) for each in validation.quantities)
    assert any("simulate more with" in note for note in notes_of_result(validation))


def test_rates_and_deviations():
    quantity = RecoveredQuantity("a", "b", 10.0, np.array([9.0, 12.0]), np.array([1.0, 1.0]))
    assert quantity.bias == pytest.approx(0.5)
    assert quantity.rms == pytest.approx(np.sqrt(2.5))
    assert (quantity.coverage.n_hits, quantity.coverage.n_trials) == (1, 2)
    without = RecoveredQuantity("a", "b", 1.0, np.ones(2), np.full(2, np.nan))
    assert without.coverage is None


def test_the_command_writes_a_page_with_the_same_numbers(study, validation, tmp_path):
    study.save(tmp_path / "study")
    words = ["validate", "--like", tmp_path / "study", "--out", tmp_path / "trust"]
    done = CliRunner().invoke(
        app, [*map(str, words), "--ensembles", "1", "--seed", "3"], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 0, done.output
    assert "simulated data sets" in done.output
    page = Page((tmp_path / "trust/validation.html").read_text(encoding="utf-8"))
    stored = json.loads((tmp_path / "trust/validation.json").read_text(encoding="utf-8"))
    assert stored["analysis"] == "spectrum_images"
    assert stored["n_ensembles"] == len(stored["k_found"]) == 1
    first = [each["found"][0] for each in summary_of_result(validation)["quantities"]]
    assert [each["found"][0] for each in stored["quantities"]] == first
    assert set(stored["files"]) >= {"validation.html", "figures/recovery.svg"}
    assert "Quantities found again" in page.text
    assert all(not str(each.get("src", "data:")).startswith("http") for _, each in page.tags)


def test_rows_name_a_group_once(validation):
    groups = [row[0] for row in quantity_rows(validation) if row[0]]
    assert len(groups) == len(set(groups)) == validation.k_true
    assert f"of {validation.n} simulated" in headline_of_result(validation)


def test_options_of_blinking_are_refused(study, tmp_path):
    study.save(tmp_path / "study")
    words = ["validate", "--like", tmp_path / "study", "--out", tmp_path / "trust", "--frames", "9"]
    refused = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(refused.exception, SettingsError)
    assert "--frames" in str(refused.exception)
    assert not (tmp_path / "trust").exists()


def test_other_analyses_say_that_they_can_not():
    with pytest.raises(SettingsError, match="'curves' can't be validated yet"):
        get_analysis("curves").simulate_like(None, 0)


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (1, -1)])
def test_numbers_that_are_not_allowed(study, n, seed):
    with pytest.raises(SettingsError, match="must be"):
        validate_result(study, n, seed)
