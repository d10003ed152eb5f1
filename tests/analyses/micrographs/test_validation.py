"""A study of a micrograph is simulated, and what is found again is counted."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from umlpsd_gpu import Micrograph, run_micrograph
from umlpsd_gpu.analyses.micrographs.validation import find_regions
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.images.windowed_fft import windowed_spectra
from umlpsd_gpu.simulate.micrographs import simulate_micrograph
from umlpsd_gpu.validation.like_result import validate_result
from umlpsd_gpu.validation.result_page import quantity_rows, summary_of_result

ANALYSIS = get_analysis("micrographs")
QUICK = {"window": 32, "n_restarts": 3, "n_phase_surrogates": 5, "k_max": 5}
RECIPE = {"n_grains": 3, "size": 256, "signal_to_noise": 0.8, "seed": 8}
SPACINGS = {"shortest_px": 3.5, "longest_px": 7.0}


@pytest.fixture(scope="module")
def scene():
    return simulate_micrograph(**RECIPE, **SPACINGS)


@pytest.fixture(scope="module")
def study(scene):
    return run_micrograph(Micrograph(scene.image, 2e-11, "user"), **QUICK)


@pytest.fixture(scope="module")
def validation(study):
    return validate_result(study, 3, seed=5, origin="grains")


def test_regions_are_the_grains_that_were_simulated(study, scene):
    regions = find_regions(study)
    assert regions.shape == scene.grains.shape
    table = np.histogram2d(scene.grains.ravel(), regions.ravel(), bins=(3, 3))[0]
    assert table.max(axis=1).sum() > 0.9 * regions.size
    assert len(set(table.argmax(axis=1))) == 3


def test_windows_of_the_drawn_image_have_the_spectra_of_the_study(study):
    first, again, other = (ANALYSIS.simulate_like(study, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.micrograph.image, again.micrograph.image)
    assert (first.micrograph.image != other.micrograph.image).any()
    drawn = np.mean(
        [
            windowed_spectra(
                ANALYSIS.simulate_like(study, seed).micrograph.image, 32, 16
            ).amplitudes
            for seed in range(8)
        ],
        axis=0,
    )
    wanted = study.factors.maps @ study.factors.components
    assert drawn.mean() == pytest.approx(wanted.mean(), rel=0.03)
    by_window = drawn.sum(axis=1) / wanted.sum(axis=1)
    assert np.abs(by_window - 1).max() < 0.15
    strongest = np.argsort(-wanted.mean(axis=0))[:6]
    np.testing.assert_allclose(
        drawn.mean(axis=0)[strongest], wanted.mean(axis=0)[strongest], rtol=0.12
    )


def test_a_study_compared_with_itself_is_found(study):
    recovery = ANALYSIS.compare_with(study, study)
    assert recovery.k_true == recovery.k_found == 3
    stated = [each for each in recovery.quantities if "false alarm" not in each.name]
    assert all(each.found == pytest.approx(each.truth) for each in stated)
    spacings = [each for each in stated if each.name.startswith("spacing")]
    assert len(spacings) == len(study.spots) == 6
    assert all(each.error > 0 for each in spacings)


def test_grains_spots_and_their_errors_are_found_again(validation, study):
    assert validation.k_found == (3, 3, 3)
    by_name = {(each.group, each.name): each for each in validation.quantities}
    assert by_name["Image", "pixels right (%)"].found.min() > 90
    found = [each for each in validation.quantities if each.name == "spots found (%)"]
    assert len(found) == 3
    assert all((each.found == 100).all() for each in found)
    for each in validation.quantities:
        if each.name.startswith(("spacing", "angle")):
            assert (np.abs(each.found - each.truth) < 5 * each.errors).all(), each


def test_a_spot_that_is_not_found_is_told_and_has_no_spacing(study):
    lost = study.spots[0]
    found = replace(study, spots=study.spots[1:])
    recovery = ANALYSIS.compare_with(study, found)
    missing = [each for each in recovery.quantities if np.isnan(each.found)]
    assert {each.truth for each in missing} == {lost.spacing_px, lost.angle_deg}
    (share,) = (each.found for each in recovery.quantities if each.found == 50)
    assert share == 50


def test_spots_near_180_degrees_are_near_0(study):
    first = replace(study.spots[0], angle_deg=179.9)
    turned = replace(first, angle_deg=0.1)
    rest = study.spots[1:]
    recovery = ANALYSIS.compare_with(
        replace(study, spots=(first, *rest)), replace(study, spots=(turned, *rest))
    )
    (angle,) = (each for each in recovery.quantities if each.truth == 179.9)
    assert angle.found == pytest.approx(180.1)


def test_noise_gives_no_false_alarm():
    noise = np.random.default_rng(4).normal(size=(224, 224)).astype(np.float32)
    study = run_micrograph(Micrograph(noise), **QUICK)
    validation = validate_result(study, 2, seed=1)
    assert validation.k_true == 1
    assert validation.k_found == (1, 1)
    (alarms,) = (each for each in validation.quantities if "false alarm" in each.name)
    assert alarms.found.tolist() == [0, 0]


def test_what_was_never_found_is_null_in_the_numbers(validation):
    (first, *rest) = (each for each in validation.quantities if each.coverage is not None)
    never = replace(first, found=np.full(3, np.nan))
    stored = summary_of_result(replace(validation, quantities=(never, *rest)))
    assert stored["quantities"][0]["found"] == [None] * 3
    assert stored["quantities"][0]["rms"] is stored["quantities"][0]["coverage"] is None
    json.dumps(stored["quantities"], allow_nan=False)


def test_the_command_writes_a_page(study, tmp_path):
    study.save(tmp_path / "study")
    words = ["validate", "--like", tmp_path / "study", "--out", tmp_path / "trust"]
    done = CliRunner().invoke(app, [*map(str, words), "--ensembles", "1"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "pixels right" in done.output
    stored = json.loads((tmp_path / "trust/validation.json").read_text(encoding="utf-8"))
    assert stored["analysis"] == "micrographs"
    assert "spots are waves" in (tmp_path / "trust/validation.html").read_text(encoding="utf-8")


def test_rows_of_the_table(validation):
    names = [row[1] for row in quantity_rows(validation)]
    assert names[:2] == ["pixels right (%)", "false alarms in noise (%)"]
