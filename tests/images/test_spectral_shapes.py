"""Shapes of spectra, and frequencies that are the same in all windows."""

import numpy as np
import pytest

from umlpsd_gpu.images.spectral_shapes import coherent_frequencies, spectral_shapes
from umlpsd_gpu.images.windowed_fft import windowed_spectra

SIZE, WINDOW = 384, 64


def noise(seed):
    return np.random.default_rng(seed).normal(size=(SIZE, SIZE))


def wave(period=8.0):
    return np.broadcast_to(np.cos(2 * np.pi * np.arange(SIZE) / period), (SIZE, SIZE))


def spectra_of(image, step=WINDOW // 2):
    return windowed_spectra(image, WINDOW, step)


def test_no_frequency_of_noise_is_coherent():
    assert sum(coherent_frequencies(spectra_of(noise(seed))).sum() for seed in range(10)) <= 5


def test_frequencies_of_a_lattice_that_is_everywhere_are_coherent():
    coherent = coherent_frequencies(spectra_of(noise(0) + wave()))
    plane = coherent.reshape(WINDOW, -1)
    assert plane[0, WINDOW // 8]
    assert plane.sum() < 30
    rows, columns = np.nonzero(plane)
    assert (np.abs(columns - WINDOW // 8) <= 3).all()
    assert (np.minimum(rows, WINDOW - rows) <= 3).all()


def test_a_lattice_in_one_half_is_not_coherent():
    half = np.arange(SIZE) < SIZE // 2
    assert coherent_frequencies(spectra_of(noise(1) + wave() * half[:, None])).sum() <= 1


def test_large_and_small_units_change_nothing():
    image = noise(2) + wave()
    expected = coherent_frequencies(spectra_of(image))
    for unit in (1e-30, 1e30):
        spectra = spectra_of(image * unit)
        np.testing.assert_array_equal(coherent_frequencies(spectra), expected)
        assert np.isfinite(spectral_shapes(spectra.amplitudes, expected).values).all()


def test_few_windows_and_constant_windows_are_not_judged():
    assert not coherent_frequencies(windowed_spectra(noise(3), 128, 128)).any()
    # 81 windows that overlap by 7/8 are as good as 5
    assert not coherent_frequencies(windowed_spectra(noise(3)[:128, :128] + 5, WINDOW, 8)).any()
    assert not coherent_frequencies(spectra_of(np.zeros((SIZE, SIZE)))).any()


def test_shapes_have_mean_1_and_lose_the_contrast():
    spectra = spectra_of(noise(4))
    gains = np.random.default_rng(5).uniform(0.5, 2, spectra.amplitudes.shape[0])
    left_out = np.zeros(spectra.amplitudes.shape[1], dtype=bool)
    left_out[:7] = True
    plain = spectral_shapes(spectra.amplitudes, left_out)
    scaled = spectral_shapes(spectra.amplitudes * gains[:, None].astype(np.float32), left_out)
    assert plain.values.shape[1] == left_out.size - 7
    np.testing.assert_allclose(plain.values.mean(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(scaled.values, plain.values, rtol=1e-5)
    ratio = scaled.contrast / plain.contrast / gains
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_windows_without_contrast_have_no_shape():
    image = noise(6)
    image[: 2 * WINDOW, : 2 * WINDOW] = 3.0
    spectra = spectra_of(image)
    shapes = spectral_shapes(spectra.amplitudes, coherent_frequencies(spectra))
    assert shapes.contrast[0] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(shapes.values).all()


def test_the_device_finds_the_same(on_cpu):
    image = (noise(7) + wave()).astype(np.float32)
    here, there = spectra_of(image), spectra_of(on_cpu.asarray(image))
    coherent = coherent_frequencies(here)
    np.testing.assert_array_equal(coherent_frequencies(there), coherent)
    found = spectral_shapes(there.amplitudes, coherent)
    expected = spectral_shapes(here.amplitudes, coherent)
    np.testing.assert_allclose(found.values.get(), expected.values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.contrast, expected.contrast, rtol=1e-4)
