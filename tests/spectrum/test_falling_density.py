"""The shape of fitted spectra, which several displays draw."""

import numpy as np

from umlpsd_gpu.spectrum.result import falling_density

FREQS_HZ = np.array([0.5, 1.0, 4.0])


def test_a_knee_makes_low_frequencies_level():
    found = falling_density(FREQS_HZ, np.array(2.0), np.array(1.0))
    np.testing.assert_allclose(found, 1 / (FREQS_HZ**2 + 1))


def test_without_a_knee_a_rising_spectrum_stays_a_power_law():
    found = falling_density(FREQS_HZ, np.array(-0.3), np.array(0.0))
    np.testing.assert_allclose(found, FREQS_HZ**0.3)
