"""Amplitude spectra of windows, and images with random phases."""

import numpy as np
import pytest

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.images.surrogates import Surrogates, periodic_part
from umlpsd_gpu.images.windowed_fft import full_spectrum, windowed_spectra


def test_spectra_are_those_of_a_plain_loop_over_windows():
    image = np.random.default_rng(0).normal(size=(100, 130))
    found = windowed_spectra(image, window=32, step=16)
    taper = np.outer(*2 * [0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)])
    assert found.grid == (5, 7)
    rows, columns = found.centres
    for number, spectrum in enumerate(found.amplitudes):
        row, column = divmod(number, 7)
        part = image[16 * row : 16 * row + 32, 16 * column : 16 * column + 32]
        expected = np.abs(np.fft.fft2((part - part.mean()) * taper))
        whole = full_spectrum(spectrum, 32)
        np.testing.assert_allclose(whole, np.fft.fftshift(expected), rtol=1e-4, atol=1e-4)
        assert (rows[row], columns[column]) == (16 * row + 15.5, 16 * column + 15.5)


@pytest.mark.parametrize("window", [8, 9])
def test_full_spectra_have_the_amplitudes_of_both_half_planes(window):
    values = np.random.default_rng(1).normal(size=(3, window, window))
    half = np.abs(np.fft.rfft2(values)).reshape(3, -1)
    whole = np.fft.fftshift(np.abs(np.fft.fft2(values)), axes=(1, 2))
    np.testing.assert_allclose(full_spectrum(half, window), whole)


def test_spectra_on_the_device_are_those_of_the_cpu(on_cpu):
    image = np.random.default_rng(2).normal(size=(64, 80)).astype(np.float32)
    here = windowed_spectra(image, 32, 16).amplitudes
    there = windowed_spectra(on_cpu.asarray(image), 32, 16).amplitudes.get()
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4)


def test_blocks_of_windows_change_no_bit_on_the_device(on_cpu, monkeypatch):
    from umlpsd_gpu.images import gpu

    image = on_cpu.asarray(np.random.default_rng(4).normal(size=(64, 80)).astype(np.float32))
    whole = windowed_spectra(image, 32, 16).amplitudes.get()
    monkeypatch.setattr(gpu, "MOST_FFT_VALUES", 5 * 32 * 32)
    np.testing.assert_array_equal(windowed_spectra(image, 32, 16).amplitudes.get(), whole)


def test_small_images_are_refused():
    with pytest.raises(TracesError, match="at least 192 pixels"):
        windowed_spectra(np.zeros((500, 150)))


def test_surrogates_keep_the_spectrum_and_lose_the_place():
    rng = np.random.default_rng(3)
    image = rng.normal(size=(96, 128))
    image[:48, :64] += 3 * np.cos(np.arange(64))
    surrogates = Surrogates(image)
    drawn = surrogates.draw(0)
    periodic = periodic_part(image - image.mean())
    np.testing.assert_allclose(
        np.abs(np.fft.fft2(drawn)), np.abs(np.fft.fft2(periodic)), rtol=1e-2, atol=1e-2
    )
    quarters = [part.std() for half in np.split(drawn, 2) for part in np.split(half, 2, axis=1)]
    assert max(quarters) < 1.3 * min(quarters)
    np.testing.assert_array_equal(drawn, surrogates.draw(0))
    assert not np.allclose(drawn, surrogates.draw(1))


def test_a_ramp_has_no_periodic_part_but_its_mean():
    ramp = np.add.outer(np.arange(64.0), 2 * np.arange(80.0))
    assert np.abs(periodic_part(ramp) - ramp.mean()).max() < 0.05 * np.ptp(ramp)
