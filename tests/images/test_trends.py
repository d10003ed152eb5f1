"""Trends of brightness and contrast across an image."""

import numpy as np
import pytest

from umlpsd_gpu import Micrograph, run_micrograph
from umlpsd_gpu.images.trends import describe_brightness, describe_contrast, fit_trend
from umlpsd_gpu.images.windowed_fft import windowed_spectra

SIZE = 384
QUICK = {"window": 64, "n_restarts": 2, "n_phase_surrogates": 6}
ACROSS = np.linspace(0, 1, SIZE)


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=(SIZE, SIZE))


def notes_of(image):
    study = run_micrograph(Micrograph(image.astype(np.float32)), **QUICK)
    return study, " ".join(study.notes)


def test_a_trend_is_fitted_with_its_share():
    row, column = np.mgrid[:5, :7]
    trend = fit_trend((2.0 + 3.0 * column + 0.5 * row**2).ravel(), (5, 7))
    assert trend.change == pytest.approx(18 + 8)
    assert trend.share == pytest.approx(1)
    assert fit_trend(np.ones(35), (5, 7)).share == 0.0


def test_a_gradient_of_contrast_is_named_and_not_local():
    study, notes = notes_of(noise() * (0.7 + 0.6 * ACROSS))
    assert study.decision.k == 1
    assert "contrast of windows varies" in notes
    assert "smooth trend" in notes


def test_contrast_from_place_to_place_is_no_trend():
    patches = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((SIZE // 4, SIZE // 4)))
    study, notes = notes_of(noise() * (1 + 0.5 * patches))
    assert study.decision.k == 1
    assert "not as a smooth trend" in notes


def test_a_gradient_of_brightness_is_named_and_not_local():
    study, notes = notes_of(noise() + 5 * ACROSS)
    assert study.decision.k == 1
    assert "brightness changes smoothly" in notes
    assert "contrast" not in notes


def test_noise_has_no_trend():
    for seed in range(5):
        image = noise(seed)
        assert describe_brightness(image, windowed_spectra(image, 64, 32)) is None
    _, notes = notes_of(noise())
    assert "contrast" not in notes


def test_few_windows_are_not_judged():
    image = noise()[:160, :160] + 50 * ACROSS[:160]
    assert describe_brightness(image, windowed_spectra(image, 64, 64)) is None
    assert describe_contrast(np.array([1.0, 9.0]), [np.ones(2)] * 3, (1, 2)) is None
