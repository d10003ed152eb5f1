"""spectrum_amplitudes: against NumPy, extreme and missing coefficients, same bits."""

import numpy as np

from tests.support.cupy_on_cpu.raw import ORDER
from umlpsd_gpu.compute.kernel_loader import kernel


def amplitudes(cupy, spectra, block=64, n_blocks=None):
    """Launch the kernel on a NumPy array, into NaN."""
    found = cupy.full(spectra.shape, np.nan, dtype="float32")
    n_blocks = n_blocks or -(-spectra.size // block)
    kernel("spectrum_amplitudes")(n_blocks, block, cupy.asarray(spectra), spectra.size, found)
    return cupy.asnumpy(found)


def coefficients(n, seed=0):
    parts = np.random.default_rng(seed).normal(size=(2, n))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_equals_numpy(cupy):
    for n in (1, 31, 1000):
        spectra = coefficients(n)
        np.testing.assert_allclose(amplitudes(cupy, spectra), np.abs(spectra), rtol=2e-7)


def test_squares_neither_overflow_nor_vanish(cupy):
    spectra = np.array([3e30 + 4e30j, 3e-30 + 4e-30j, 0], dtype=np.complex64)
    np.testing.assert_allclose(amplitudes(cupy, spectra), [5e30, 5e-30, 0], rtol=2e-7)


def test_nan_stays_in_its_place(cupy):
    spectra = coefficients(9)
    clean = amplitudes(cupy, spectra)
    spectra[4] = np.nan
    found = amplitudes(cupy, spectra)
    assert np.isnan(found[4])
    np.testing.assert_array_equal(np.delete(found, 4), np.delete(clean, 4))


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    spectra = coefficients(777)
    expected = amplitudes(cupy, spectra)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 2, 9):
            found = amplitudes(cupy, spectra, block=block, n_blocks=n_blocks)
            np.testing.assert_array_equal(found, expected)
    monkeypatch.setitem(ORDER, "seed", 1)
    np.testing.assert_array_equal(amplitudes(cupy, spectra), expected)
