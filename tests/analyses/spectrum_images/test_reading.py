"""Spectrum images of every format, and one sentence for what is none."""

import builtins
import io
import zipfile

import h5py
import numpy as np
import pytest

import umlpsd_gpu as um
from tests.analyses.spectrum_images.files import (
    SHAPE,
    counts,
    write_hspy,
    write_oxford,
    write_ripple,
)
from umlpsd_gpu.analyses.spectrum_images.reading import em
from umlpsd_gpu.xrays.spectrum import EnergyAxis

ENERGIES = {"energy_offset_kev": 0.1, "energy_step_kev": 0.02}


def refused(path, match, **values):
    with pytest.raises(um.SpectrumImageError, match=match) as caught:
        um.read_spectrum_image(path, **values)
    assert "\n" not in str(caught.value).strip()


def test_hspy(tmp_path):
    image = um.read_spectrum_image(write_hspy(tmp_path / "a.hspy", counts(), live_time=12.0))
    np.testing.assert_array_equal(image.counts, counts())
    assert (image.axis.offset_kev, image.axis.step_kev) == (0.5, 0.02)
    assert image.pixel_size_m == pytest.approx(2e-11)
    found = image.conditions
    assert (found.beam_kev, found.take_off_deg, found.live_time_s) == (15.0, 35.0, 12.0)
    assert found.origins["beam_kev"] == "file"


def test_hspy_with_energies_first(tmp_path):
    turned = counts().transpose(2, 0, 1)
    path = write_hspy(tmp_path / "a.hspy", turned, navigate=(False, True, True))
    np.testing.assert_array_equal(um.read_spectrum_image(path).counts, counts())


def test_hspy_in_ev(tmp_path):
    image = um.read_spectrum_image(write_hspy(tmp_path / "a.hspy", counts(), units="eV"))
    assert image.axis.step_kev == pytest.approx(2e-5)


def test_oxford(tmp_path):
    """By the specification: no file written by AZtec was at hand."""
    image = um.read_spectrum_image(write_oxford(tmp_path / "a.h5oina", counts()))
    np.testing.assert_array_equal(image.counts, counts())
    assert image.axis.offset_kev == pytest.approx(-0.1)
    assert image.axis.step_kev == pytest.approx(0.02)
    assert image.pixel_size_m == pytest.approx(0.25e-6)
    assert image.conditions.take_off_deg == pytest.approx(35)
    assert image.conditions.live_time_s == pytest.approx(15)
    assert image.conditions.window == "SATW"


@pytest.mark.parametrize("record_by", ["vector", "image"])
def test_ripple(tmp_path, record_by):
    path = write_ripple(tmp_path / "a.rpl", counts(), record_by)
    for name in (path, path.with_suffix(".raw")):
        image = um.read_spectrum_image(name)
        np.testing.assert_array_equal(image.counts, counts())
        assert image.counts.dtype == np.uint16
        assert (image.axis.offset_kev, image.axis.step_kev) == (-0.1, 0.02)
        assert image.conditions.beam_kev == 20


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(("name", "factor"), [("energy_keV", 1.0), ("energies_eV", 1e3)])
def test_arrays_with_energies(tmp_path, suffix, name, factor):
    path = tmp_path / f"a{suffix}"
    values = {"counts": counts(), name: factor * (0.1 + 0.02 * np.arange(SHAPE[2]))}
    if suffix == ".npz":
        np.savez_compressed(path, **values, beam_kev=20.0)
    else:
        with h5py.File(path, "w") as file:
            for key, value in (values | {"beam_kev": 20.0}).items():
                file[key] = value
    image = um.read_spectrum_image(path)
    np.testing.assert_array_equal(image.counts, counts())
    assert image.axis.offset_kev == pytest.approx(0.1)
    assert image.axis.step_kev == pytest.approx(0.02)
    assert image.conditions.beam_kev == 20


def test_settings_replace_what_the_file_says(tmp_path):
    path = write_hspy(tmp_path / "a.hspy", counts())
    image = um.read_spectrum_image(path, beam_kev=5.0, energy_offset_kev=0.0, pixel_size_m=1e-6)
    assert (image.conditions.beam_kev, image.axis.offset_kev) == (5.0, 0.0)
    assert image.conditions.origins["beam_kev"] == "setting"
    assert image.pixel_size_m == 1e-6


def test_crops_and_bins(tmp_path):
    np.save(tmp_path / "a.npy", counts())
    image = um.read_spectrum_image(
        tmp_path / "a.npy", **ENERGIES, from_kev=0.195, to_kev=0.6, rebin_energy=2, bin_pixels=2
    )
    part = counts()[:6, :4, 5:25].astype(int)
    expected = part.reshape(3, 2, 2, 2, 10, 2).sum(axis=(1, 3, 5))
    np.testing.assert_array_equal(image.counts, expected)
    assert image.axis.offset_kev == pytest.approx(0.21)
    assert image.axis.step_kev == pytest.approx(0.04)


@pytest.mark.parametrize("values", [counts(), counts()[0]])
def test_counts_that_do_not_fit_the_axis(values):
    with pytest.raises(um.SettingsError, match="don't fit an axis of 41 channels"):
        um.SpectrumImage(values, EnergyAxis(0.0, 0.01, SHAPE[2] + 1))


def test_energies_are_asked_for(tmp_path):
    np.save(tmp_path / "a.npy", counts())
    refused(tmp_path / "a.npy", "--energy-offset-kev.* and .*--energy-step-kev")
    path = write_ripple(tmp_path / "b.rpl", counts(), depth_origin=None)
    refused(path, "energy of the first channel")
    refused(write_oxford(tmp_path / "c.h5oina", counts(), **{"Channel Width": None}), "width of a")
    refused(write_hspy(tmp_path / "d.hspy", counts(), units="<undefined>"), "first channel")
    np.savez(tmp_path / "e.npz", counts=counts(), energy=np.arange(SHAPE[2]))
    refused(tmp_path / "e.npz", "unit of its energies")
    uneven = np.arange(SHAPE[2]) ** 2
    np.savez(tmp_path / "f.npz", counts=counts(), energy_keV=uneven)
    refused(tmp_path / "f.npz", "equal steps")


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (counts().astype(float) - 5, "negative"),
        (np.where(counts() == 0, np.nan, counts()), "NaN"),
        (counts()[:, :, :3], "colour image"),
        (counts()[:, :, 0], "no spectrum image"),
        (counts()[:1, :2], "too few"),
        (np.zeros(SHAPE, np.uint8), "all its counts are zero"),
        (counts().astype(complex), "complex128"),
    ],
)
def test_bad_counts(tmp_path, values, match):
    np.save(tmp_path / "a.npy", values)
    refused(tmp_path / "a.npy", match, **ENERGIES)


def test_empty_pixels_are_kept_and_told(tmp_path):
    values = counts()
    values[0, :3] = 0
    np.save(tmp_path / "a.npy", values)
    image = um.read_spectrum_image(tmp_path / "a.npy", **ENERGIES)
    np.testing.assert_array_equal(image.counts, values)
    assert "3 of 30 pixels have no counts" in image.notes[0]


def test_several_arrays_are_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", first=counts(), second=counts(1))
    refused(tmp_path / "a.npz", "--counts-array: first, second", **ENERGIES)
    image = um.read_spectrum_image(tmp_path / "a.npz", array="second", **ENERGIES)
    np.testing.assert_array_equal(image.counts, counts(1))
    refused(tmp_path / "a.npz", "no array 'third'", array="third", **ENERGIES)


def test_other_files(tmp_path):
    for name, match in (("a.tif", "it is an image"), ("a.msa", "single spectrum")):
        (tmp_path / name).write_bytes(b"x")
        refused(tmp_path / name, match)
    with pytest.raises(um.SettingsError, match="no file"):
        um.read_spectrum_image(tmp_path / "missing.hspy")
    with pytest.raises(um.SettingsError, match="is a folder"):
        um.read_spectrum_image(tmp_path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"width": 10**9}, "announces"),
        ({"depth": 10**10}, "bytes"),
        ({"width": -5}, "whole number"),
        ({"height": None}, "whole number"),
        ({"data_length": 3}, "unknown"),
        ({"data_type": "complex"}, "unknown"),
        ({"record_by": "dont-care"}, "record-by"),
        ({"depth_scale": "wide"}, "must be a number"),
    ],
)
def test_lying_ripple_headers(tmp_path, changes, match):
    refused(write_ripple(tmp_path / "a.rpl", counts(), **changes), match)


def test_half_a_ripple_pair(tmp_path):
    path = write_ripple(tmp_path / "a.rpl", counts())
    path.with_suffix(".raw").unlink()
    refused(path, "other half a.raw is missing")


def test_oxford_headers_that_do_not_fit(tmp_path):
    for header in ({"X Cells": 7}, {"Number Channels": 41}):
        refused(write_oxford(tmp_path / "a.h5oina", counts(), **header), "header announces")
    refused(write_oxford(tmp_path / "a.h5oina", counts(), **{"Y Cells": None}), "lacks 'Y Cells'")


def test_announced_values_that_are_not_stored_are_not_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("counts", (20_000, 20_000, 2000), np.uint16, chunks=(8, 8, 2000))
    refused(tmp_path / "a.h5", "are stored", **ENERGIES)
    path = write_hspy(tmp_path / "b.hspy", counts())
    with h5py.File(path, "a") as file:
        del file["Experiments/map/data"]
        file["Experiments/map"].create_dataset(
            "data", (20_000, 20_000, 2000), np.uint16, chunks=(8, 8, 2000)
        )
        for i, size in enumerate((20_000, 20_000, 2000)):
            file[f"Experiments/map/axis-{i}"].attrs["size"] = size
    refused(path, "are stored")


def test_an_archive_whose_header_lies(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<u2", "fortran_order": False, "shape": (20_000, 20_000, 2000)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("counts.npy", header.getvalue() + b"\0" * 100)
    refused(tmp_path / "a.npz", "announces the shape", **ENERGIES)


@pytest.mark.parametrize("suffix", [".hspy", ".h5oina", ".rpl", ".raw", ".npz", ".npy"])
def test_damaged_files(tmp_path, suffix):
    """A file that is cut or changed is refused by our own error, or read as it is."""
    path = tmp_path / f"a{suffix}"
    if suffix in (".rpl", ".raw"):
        write_ripple(tmp_path / "a.rpl", counts())
    elif suffix == ".npz":
        np.savez_compressed(path, counts=counts())
    elif suffix == ".npy":
        np.save(path, counts())
    else:
        {".hspy": write_hspy, ".h5oina": write_oxford}[suffix](path, counts())
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    n_refused = 0
    for cut in [*rng.integers(0, len(whole), 12), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        n_refused += not readable(path)
    # a header of text can be cut after all that is needed
    assert n_refused >= (5 if suffix == ".rpl" else 12)
    for _ in range(40):
        changed = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 4000), 3):
            changed[place] = rng.integers(256)
        path.write_bytes(changed)
        readable(path)


def readable(path):
    try:
        image = um.read_spectrum_image(path, **ENERGIES)
    except um.UmlpsdError:
        return False
    assert image.counts.size <= 4 * counts().size
    return True


def test_the_extra_is_asked_for(tmp_path, monkeypatch):
    real = builtins.__import__
    path = tmp_path / "a.bcf"
    path.write_bytes(b"x")

    def missing(name, *rest):
        if name.startswith(("rsciio", "sparse")):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(em, "import_module", missing)
    refused(path, r"pip install 'umlpsd_gpu\[em\]'")


def test_a_damaged_file_of_a_microscope(tmp_path):
    pytest.importorskip("rsciio")
    pytest.importorskip("sparse")
    for suffix in em.READERS:
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"no such format" * 100)
        refused(path, "rosettasciio can't read it|holds no spectrum image")


def test_a_real_map_of_bruker(shared_data):
    image = um.read_spectrum_image(shared_data / "edx" / "88_ES-LP_G8_stem_edx_80x80x1917.hspy")
    assert image.counts.shape == (80, 80, 1917)
    assert int(image.counts.sum()) == 716_887
    assert image.axis.offset_kev == pytest.approx(0.8315, abs=1e-4)
    assert image.pixel_size_m == pytest.approx(9.859e-9, rel=1e-3)
    assert (image.conditions.beam_kev, image.conditions.take_off_deg) == (200, 22)


def test_a_real_map_of_velox(shared_data):
    pytest.importorskip("rsciio")
    pytest.importorskip("sparse")
    image = um.read_spectrum_image(shared_data / "edx" / "EMDReader_SpectrumImage_Si.emd")
    assert image.counts.shape == (16, 16, 4096)
    assert int(image.counts.sum()) == 6564
    assert image.axis.step_kev == pytest.approx(0.01)
