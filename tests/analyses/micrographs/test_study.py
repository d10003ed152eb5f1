"""A micrograph from file to report, and back from disk."""

import csv
import json
import re

import numpy as np
import pytest
import tifffile

from tests.support.export_checks import check_exports, check_ome_zarr
from umlpsd_gpu import Micrograph, MicrographStudy, read_micrograph, run_micrograph, write_report
from umlpsd_gpu.analyses.micrographs.contents import contents_of
from umlpsd_gpu.analyses.micrographs.explore import explore_micrograph
from umlpsd_gpu.errors import MovieError, SettingsError, TracesError
from umlpsd_gpu.plotting.drawing_pool import drawing_pool
from umlpsd_gpu.simulate.micrographs import simulate_micrograph, write_simulated_micrograph

QUICK = {"window": 64, "n_restarts": 4, "n_phase_surrogates": 5}
RECIPE = {"n_grains": 3, "size": 384, "signal_to_noise": 1.0, "longest_px": 9.0, "seed": 2}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "grains.tif"
    write_simulated_micrograph(path, **RECIPE)
    return path


@pytest.fixture(scope="module")
def study(image):
    return run_micrograph(image, **QUICK)


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return write_report(study, tmp_path_factory.mktemp("out") / "study")


def test_number_of_grains_is_found(study):
    assert study.decision.k == study.k == 3
    assert study.p_value < 0.01
    assert study.factors.is_converged


def test_maps_are_those_of_the_grains(study):
    grains = simulate_micrograph(**RECIPE).grains
    rows, columns = (32 * np.arange(n) + 32 for n in study.grid)
    truth = grains[np.ix_(rows, columns)]
    found = study.maps.argmax(axis=0)
    table = np.array([[np.sum((truth == g) & (found == c)) for c in range(3)] for g in range(3)])
    assert table.max(axis=1).sum() > 0.9 * truth.size


def test_spacings_and_angles_are_those_of_the_lattices(study):
    lattices = simulate_micrograph(**RECIPE).lattices
    true = [
        pair
        for lattice in lattices
        for pair in zip(lattice.spacings_px, lattice.angles_deg, strict=True)
    ]
    assert len(study.spots) == len(true)
    for spacing, angle in true:
        turned = [abs((spot.angle_deg - angle + 90) % 180 - 90) for spot in study.spots]
        spot = study.spots[int(np.argmin(turned))]
        assert abs(spot.spacing_px - spacing) < 4 * spot.spacing_error_px
        assert min(turned) < 4 * spot.angle_error_deg
        assert spot.spacing_error_px < 0.02 * spacing


def test_noise_has_nothing_local():
    noise = np.random.default_rng(5).normal(size=(320, 320)).astype(np.float32)
    study = run_micrograph(Micrograph(noise), **QUICK)
    assert study.decision.k == 1
    assert study.p_value > 0.02
    assert "nothing" in study.decision.reason
    assert not study.spots


def test_study_is_the_same_after_saving(study, folder):
    again = MicrographStudy.load(folder)
    np.testing.assert_array_equal(again.factors.maps, study.factors.maps)
    np.testing.assert_array_equal(again.micrograph.image, study.micrograph.image)
    assert again.spots == study.spots
    assert again.by_window == study.by_window
    assert again.decision.reason == study.decision.reason


def test_same_seed_gives_the_same_bits_on_any_number_of_threads(image, study):
    again = run_micrograph(image, **QUICK, n_threads=1)
    np.testing.assert_array_equal(again.factors.components, study.factors.components)
    np.testing.assert_array_equal(
        again.decision.curves["surrogates"], study.decision.curves["surrogates"]
    )
    np.testing.assert_array_equal(
        again.uncertainty.component_errors, study.uncertainty.component_errors
    )


def test_folder_holds_tables_maps_and_reports(study, folder):
    rows = list(csv.DictReader((folder / "spots.csv").open(encoding="utf-8")))
    assert len(rows) == len(study.spots)
    assert float(rows[0]["spacing_m"]) == pytest.approx(study.spots[0].spacing_px * 2e-11)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["k_opt"] == 3
    assert summary["is_local"] is True
    assert "3 different local spectra" in (folder / "report.html").read_text(encoding="utf-8")
    pdf = (folder / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 4  # the answer and three figures


def test_images_open_with_their_scales(study, folder):
    with tifffile.TiffFile(folder / "maps.ome.tif") as file:
        np.testing.assert_allclose(file.asarray()[:3], study.maps.astype(np.float32))
        (size,) = re.findall('PhysicalSizeX="([^"]+)"', file.ome_metadata)
        assert float(size) == pytest.approx(32 * 2e-5)  # a step of 32 pixels of 20 pm, in µm
    with tifffile.TiffFile(folder / "spectra.ome.tif") as file:
        assert file.asarray().shape == (3, 64, 64)
        (size,) = re.findall('PhysicalSizeX="([^"]+)"', file.ome_metadata)
        assert float(size) == pytest.approx(1 / (64 * 0.02))  # 1/nm


def test_report_written_twice_is_the_same(study, folder, tmp_path):
    again = write_report(study, tmp_path / "again")
    for name in ("report.pdf", "spectra.ome.tif", "study.h5", "figures/components.svg"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_processes_that_draw_change_no_byte(study, folder, tmp_path):
    with drawing_pool(1) as pool:
        again = write_report(study, tmp_path / "again", pool=pool)
    for name in ("report.pdf", "figures/components.svg", "figures/overview.png"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_other_sizes_of_windows_are_compared_on_request(image):
    study = run_micrograph(image, **QUICK | {"all_windows": True})
    assert list(study.by_window) == [32, 64, 128]
    assert study.by_window[64][0] == 3


def test_number_of_components_can_be_set(image):
    study = run_micrograph(image, **QUICK, k=2)
    assert study.k == 2
    assert any("set to 2" in note for note in study.notes)


def test_long_spacings_are_noted():
    scene = simulate_micrograph(
        n_grains=1, size=320, shortest_px=18, longest_px=25, signal_to_noise=2.0
    )
    study = run_micrograph(Micrograph(scene.image), **QUICK)
    assert any("repeat fewer than 4 times" in note for note in study.notes)


def test_small_images_and_several_files_are_refused(tmp_path):
    small = tmp_path / "small.npy"
    np.save(small, np.random.default_rng(0).normal(size=(100, 300)))
    with pytest.raises(TracesError, match="192 pixels are needed"):
        run_micrograph(small, window=96)
    from umlpsd_gpu.analyses.registry import get_analysis

    analysis = get_analysis("micrographs")
    with pytest.raises(SettingsError, match="2 files were given"):
        analysis.open([str(small), str(small)], analysis.settings())
    with pytest.raises(SettingsError, match="is a folder"):
        analysis.open([str(tmp_path)], analysis.settings())


def test_real_image_in_false_colours_needs_a_word(shared_data):
    path = shared_data / "micrographs" / "re48.tiff"
    with pytest.raises(MovieError, match="colour image"):
        read_micrograph(path)
    study = run_micrograph(path, **QUICK | {"luminance": True})
    assert study.micrograph.image.shape == (687, 772)
    assert any("luminance" in note for note in study.notes)


def test_whole_analysis_on_the_device_finds_what_the_cpu_finds(on_cpu, image, study):
    there = run_micrograph(image, **QUICK, device="gpu")
    assert there.device == "gpu"
    assert there.decision.k == study.decision.k
    variances = there.decision.curves["variance"]
    np.testing.assert_allclose(variances, study.decision.curves["variance"], rtol=1e-3)
    np.testing.assert_allclose(there.maps, study.maps, atol=0.05 * study.maps.max())


def test_each_window_has_its_spectrum(study):
    found = explore_micrograph(study)
    assert found.n_items == len(study.factors.maps)
    window, step = study.settings.micrograph.window, study.settings.micrograph.step_px
    row, col = divmod(17, study.grid[1])
    assert (found.x[17], found.y[17]) == (col * step + window / 2 - 0.5, row * step + 31.5)
    whole = found.panels[0].curves[0]
    profile = whole.y[17] @ whole.parts
    spectrum = np.tensordot(study.factors.maps[17], study.spectra, axes=1)
    rows, cols = np.indices(spectrum.shape) - window // 2
    for ring in (1, 9, 32):
        is_ring = np.rint(np.hypot(rows, cols)) == ring
        assert profile[ring - 1] == pytest.approx(spectrum[is_ring].mean())
    assert whole.x[8] == pytest.approx(9 * study.frequency_step * 1e-9)


def test_exports_are_read_back(study, tmp_path):
    contents = contents_of(study)
    values = {image.name: image.values for image in contents.images}
    name = next(name for name in values if name.startswith("component 2"))
    np.testing.assert_array_equal(values[name], study.maps[1])
    check_exports(contents, tmp_path)
    check_ome_zarr(contents, tmp_path / "zarr")
