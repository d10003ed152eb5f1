"""Images with given local spectra: amplitudes, places and directions are as asked for."""

import numpy as np
import pytest

from umlpsd_gpu.images.windowed_fft import windowed_spectra
from umlpsd_gpu.simulate.local_spectra import (
    LocalSpectrum,
    Wave,
    simulate_local_spectra,
    spread_over_pixels,
)

WINDOW = 32
SHAPE = (256, 320)


def test_a_flat_spectrum_is_white_noise_of_that_strength():
    # in windows tapered by Hann, white noise of variance 1 has this mean amplitude
    flat = np.full((WINDOW, WINDOW), np.sqrt(np.pi) / 2 * 3 / 8 * WINDOW)
    strength = np.full(SHAPE, 3.0)
    strength[:, 160:] = 1.0
    image = simulate_local_spectra([LocalSpectrum(strength, flat, ())], seed=1)
    assert image[:, :160].std() == pytest.approx(3.0, rel=0.03)
    assert image[:, 160:].std() == pytest.approx(1.0, rel=0.03)
    assert abs(np.corrcoef(image[:, :-1].ravel(), image[:, 1:].ravel())[0, 1]) < 0.02


def test_a_wave_runs_counterclockwise_from_the_right():
    wave = Wave(spacing_px=8.0, angle_deg=90.0, amplitude=2.0)
    nothing = np.zeros((WINDOW, WINDOW))
    image = simulate_local_spectra([LocalSpectrum(np.ones(SHAPE), nothing, [wave])], seed=2)
    np.testing.assert_allclose(image, image[:, :1] * np.ones(SHAPE), atol=1e-5)
    np.testing.assert_allclose(image[8:], image[:-8], atol=1e-5)
    assert image.std() == pytest.approx(np.sqrt(2), rel=1e-3)


def test_fields_of_two_kinds_add_their_amplitudes():
    flat = np.full((WINDOW, WINDOW), 10.0)
    halves = [LocalSpectrum(np.full(SHAPE, 0.5), flat, ()) for _ in range(2)]
    image = simulate_local_spectra(halves, seed=3)
    amplitudes = windowed_spectra(image, WINDOW, WINDOW // 2).amplitudes
    inner = amplitudes.reshape(-1, WINDOW, WINDOW // 2 + 1)[:, 3:-3, 3:-3]
    assert inner.mean() == pytest.approx(10.0, rel=0.02)


def test_values_of_windows_are_interpolated_between_their_centres():
    centres = np.array([1.5, 3.5]), np.array([0.5, 4.5])
    spread = spread_over_pixels(np.array([[0.0, 4.0], [2.0, 6.0]]), centres, (6, 6))
    assert spread[0, 0] == 0
    assert spread[5, 5] == 6
    assert spread[2, 0] == pytest.approx(0.5)
    assert spread[0, 2] == pytest.approx(1.5)
