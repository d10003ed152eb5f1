"""Components that lie as films: found by number or element, on a formula or another component."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from umlpsd_gpu import SpectrumImagesSettings, SpectrumImageStudy
from umlpsd_gpu.analyses.spectrum_images.films import find_films, quantify_with_films
from umlpsd_gpu.analyses.spectrum_images.settings import QuantificationSettings
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.spectrum_images import write_simulated_spectrum_image
from umlpsd_gpu.simulate.xray_spectra import simulate_xray_spectrum
from umlpsd_gpu.xrays.material import ideal_density, material_by_atoms
from umlpsd_gpu.xrays.samples import Film
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

AXIS, BEAM = EnergyAxis(0.0, 0.01, 700), Conditions(beam_kev=6.5, take_off_deg=35.0)
SUBSTRATE, WIRE = material_by_atoms({"In": 1, "Sb": 1}), material_by_atoms({"Au": 1, "In": 2})
THICKNESS_NM = 30.0
FILM = {
    "method": "film",
    "films": ("Au",),
    "substrate": "InSb",
    "film_thickness_nm": THICKNESS_NM,
}


@pytest.fixture(scope="module")
def solids(spectra):
    return quantify(spectra)[0]


@pytest.fixture(scope="module")
def spectra():
    film = Film(ideal_density(WIRE) * THICKNESS_NM * 1e-7, SUBSTRATE)
    of_wire = simulate_xray_spectrum(WIRE, AXIS, BEAM, n_counts=1e6, sample=film, seed=1)
    return [simulate_xray_spectrum(SUBSTRATE, AXIS, BEAM, n_counts=2e6, seed=2), of_wire]


def quantify(spectra, **settings):
    variances = [np.maximum(each.counts, 1.0) for each in spectra]
    chosen = QuantificationSettings(**settings)
    return quantify_with_films(spectra, variances, ["In", "Sb", "Au"], chosen, {})


def gold(quantified):
    return quantified[1].atomic_fraction_of("Au")[0]


def test_a_film_is_quantified_as_one_and_a_solid_is_warned_of(spectra, solids):
    assert abs(gold(solids) - 1 / 3) > 0.02
    assert any("larger than the volume" in note for note in solids[1].notes)
    found, notes = quantify(spectra, **FILM)
    assert notes == []
    assert gold(found) == pytest.approx(1 / 3, abs=0.012)
    assert "film" in found[1].method
    assert "30 nm on InSb" in found[1].notes[0]
    assert not any("larger than the volume" in note for note in found[1].notes)
    # the substrate stays a solid, with its warning
    assert found[0].formula == solids[0].formula
    assert any("larger than the volume" in note for note in found[0].notes)


@pytest.mark.parametrize("films", [("2",), ("Au", "2")])
def test_numbers_of_components_do_as_well(solids, films):
    settings = QuantificationSettings(**FILM | {"films": films, "substrate": "1"})
    (film,), notes = find_films(solids, settings)
    assert notes == []
    assert film.place == 1
    below = film.film.substrate
    assert below.z.tolist() == [49, 51]
    np.testing.assert_allclose(below.mass_fractions, SUBSTRATE.mass_fractions, atol=0.02)
    assert "on component 1" in film.note


def test_a_given_density_is_used(solids):
    settings = QuantificationSettings(**FILM, film_density=9.7)
    ((film,), _) = find_films(solids, settings)
    assert film.place == 1
    assert film.film.mass_thickness == pytest.approx(9.7 * 30e-7)
    assert "9.7 g/cm³ (given)" in film.note


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"films": ("7",)}, "The film 7 is no component"),
        ({"films": ("Fe",)}, "The film Fe is no component"),
        ({"films": ("1",), "substrate": "1"}, "is the substrate itself"),
        ({"substrate": "5"}, "The substrate 5 is no component"),
    ],
)
def test_what_can_not_be_done_is_noted_and_stays_a_solid(solids, changes, reason):
    films, notes = find_films(solids, QuantificationSettings(**FILM | changes))
    assert films == []
    assert len(notes) == 1
    assert reason in notes[0]


def test_the_density_of_oxides_must_be_given(solids):
    shares = np.array([0.2, 0.4, 0.4])
    oxide = replace(
        solids[1],
        elements=("O", "In", "Au"),
        mass_fractions=shares,
        atomic_fractions=shares,
        atomic_errors=shares,
    )
    films, notes = find_films([solids[0], oxide], QuantificationSettings(**FILM))
    assert films == []
    assert "give quantification.film_density" in notes[0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"method": "film"}, "needs films, substrate, film_thickness_nm"),
        ({"substrate": "InSb"}, "set method to film"),
        (FILM | {"substrate": "glass"}, "is no formula"),
        (FILM | {"films": ("Xy",)}, "no chemical element"),
        (FILM | {"film_thickness_nm": -1.0}, "greater than 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused_early(values, reason):
    wanted = {f"quantification.{name}": value for name, value in values.items()}
    with pytest.raises(SettingsError, match=reason):
        SpectrumImagesSettings().with_values(wanted)


def test_the_command_line_and_toml_take_films(tmp_path):
    path = tmp_path / "wires.npz"
    write_simulated_spectrum_image(
        path, n_rows=14, n_columns=12, n_wires=2, counts_per_pixel=3000, wire_nm=30.0
    )
    words = ["run", path, "--analysis", "spectrum_images", "--unmix", "3", "--out", tmp_path / "s"]
    words += ["--elements", "In,Sb,Au,C", "--sample", "film", "--films", "Au"]
    words += ["--substrate", "InSb", "--film-nm", "30", "--k-max", "3"]
    words += ["--set", "unmixing.n_restarts=2", "--set", "unmixing.n_noise_draws=2"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    study = SpectrumImageStudy.load(tmp_path / "s")
    films = [each for each in study.quantified if "film" in each.method]
    assert len(films) == 1
    assert films[0].atomic_fraction_of("Au")[0] == pytest.approx(1 / 3, abs=0.03)
    again = SpectrumImagesSettings.from_toml(tmp_path / "s/settings.toml")
    assert again.quantification.films == ("Au",)
    assert again.quantification.film_thickness_nm == 30
