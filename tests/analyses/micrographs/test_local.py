"""The second opinion on whether something is local: do windows predict each other?"""

import numpy as np
import pytest

from umlpsd_gpu import MicrographsSettings
from umlpsd_gpu.analyses.micrographs import local
from umlpsd_gpu.analyses.micrographs.local import compare_with_surrogates
from umlpsd_gpu.analyses.micrographs.windows_apart import count_predictive
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.images.windowed_fft import WindowedSpectra, windowed_spectra

WINDOW, GRID = 32, (15, 15)
NOTHING_LEFT_OUT = np.zeros(WINDOW * (WINDOW // 2 + 1), bool)


def spectra_of_fields(strength: float) -> WindowedSpectra:
    """Rayleigh-distributed amplitudes; the left windows have more power in some frequencies."""
    rng = np.random.default_rng(4)
    power = np.ones((*GRID, WINDOW, WINDOW // 2 + 1))
    power[:, : GRID[1] // 2, 5:12, 3:9] += strength
    amplitudes = np.sqrt(power) * rng.rayleigh(size=power.shape)
    flat = amplitudes.reshape(GRID[0] * GRID[1], -1).astype(np.float32)
    return WindowedSpectra(flat, GRID, WINDOW, WINDOW // 2)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, 0), (3.0, 1)])
def test_windows_predict_others_where_something_is_local(strength, expected):
    assert count_predictive(spectra_of_fields(strength), NOTHING_LEFT_OUT, 6) == expected


def test_a_random_field_with_long_correlations_predicts_nothing():
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.rfftfreq(256), indexing="ij"))
    noise = np.fft.rfft2(np.random.default_rng(1).standard_normal((256, 256)))
    image = np.fft.irfft2(noise / np.maximum(frequencies, 1 / 256) ** 2, (256, 256))
    assert count_predictive(windowed_spectra(image, WINDOW, 16), NOTHING_LEFT_OUT, 6) == 0


def test_too_few_windows_apart_say_nothing():
    spectra = spectra_of_fields(30.0)
    few = WindowedSpectra(spectra.amplitudes[:25], (5, 5), WINDOW, WINDOW // 2)
    assert count_predictive(few, NOTHING_LEFT_OUT, 6) == 0


@pytest.mark.parametrize(("n_of_image", "n_of_surrogate", "k"), [(0, 0, 1), (4, 0, 2), (4, 1, 1)])
def test_what_surrogates_overlook_is_local_but_its_number_undecided(
    n_of_image, n_of_surrogate, k, monkeypatch
):
    counts = iter([n_of_image, *[n_of_surrogate] * 8])
    monkeypatch.setattr(local, "count_predictive", lambda *_: next(counts))
    image = np.random.default_rng(0).standard_normal((192, 192)).astype(np.float32)
    settings = MicrographsSettings().with_values({"micrograph.window": WINDOW})
    spectra = windowed_spectra(image, WINDOW, WINDOW // 2)
    ((decision, _),) = compare_with_surrogates(image, [spectra], settings, Context("cpu"))
    assert decision.k == k
    assert decision.estimates == {"surrogates": 1, "bi-cross-validation": 5 if k == 2 else 1}
    assert ("can't be decided" in decision.reason) == (k == 2)
    assert (decision.probability == 0.5) == (k == 2)
