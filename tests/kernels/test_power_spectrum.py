"""power_spectrum: against plain sums, the Nyquist frequency, ugly coefficients, same bits."""

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.compute.kernel_loader import kernel

REAL = {"complex64": "float", "complex128": "double"}


def coefficients(n_traces, n_segments, n_bins, dtype=np.complex128, seed=0):
    parts = np.random.default_rng(seed).normal(size=(2, n_traces, n_segments, n_bins))
    return (parts[0] + 1j * parts[1]).astype(dtype)


def density(cupy, spectra, nyquist, scale=0.7, block=64, n_blocks=None):
    """Launch the kernel on a NumPy array, into NaN."""
    n_traces, n_segments, n_bins = spectra.shape
    psd = cupy.full((n_traces, n_bins - 1), np.nan)
    kernel("power_spectrum", REAL=REAL[spectra.dtype.name])(
        n_blocks or -(-psd.size // block),
        block,
        cupy.asarray(spectra),
        *(n_traces, n_segments, n_bins - 1, int(nyquist), scale, psd),
    )
    return cupy.asnumpy(psd)


def plain(spectra, nyquist, scale=0.7):
    wide = spectra.astype(np.complex128)
    power = (wide.real**2 + wide.imag**2).mean(axis=1)[:, 1:] * scale
    power[:, : -1 if nyquist else None] *= 2
    return power


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("nyquist", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 1, 98), (7, 5, 33), (2, 31, 101), (40, 3, 64)])
def test_equals_plain_sums(cupy, shape, nyquist, dtype):
    spectra = coefficients(*shape, dtype=dtype)
    found = density(cupy, spectra, nyquist)
    np.testing.assert_allclose(found, plain(spectra, nyquist), rtol=SUM_FLOAT64)


def test_squares_of_float32_do_not_overflow(cupy):
    spectra = np.full((1, 2, 3), 3e30 + 4e30j, dtype=np.complex64)
    np.testing.assert_allclose(density(cupy, spectra, False, 1.0), 5e61, rtol=1e-6)


def test_the_mean_has_no_say_and_nan_stays_in_its_place(cupy):
    spectra = coefficients(3, 2, 9)
    clean = density(cupy, spectra, True)
    spectra[:, :, 0] = 1e9
    np.testing.assert_array_equal(density(cupy, spectra, True), clean)
    spectra[1, 1] = np.nan
    found = density(cupy, spectra, True)
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2]], clean[[0, 2]])


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    spectra = coefficients(5, 11, 60)
    expected = density(cupy, spectra, True)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 2, 9):
            found = density(cupy, spectra, True, block=block, n_blocks=n_blocks)
            np.testing.assert_array_equal(found, expected)
    for seed in (1, 2):
        monkeypatch.setitem(ORDER, "seed", seed)
        np.testing.assert_array_equal(density(cupy, spectra, True), expected)
