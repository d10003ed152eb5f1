"""power_law_fit: against its twin and SciPy, spectra with little or no power, same bits."""

import numpy as np
import pytest
import scipy.stats

from tests.support.cupy_on_cpu.raw import ORDER
from tests.support.tolerances import OLS_FLOAT64
from umlpsd_gpu.compute.kernel_loader import kernel
from umlpsd_gpu.spectrum.fit import _ordinary_least_squares

POISON = -7


def spectra(n_traces, freqs_hz, seed=0):
    rng = np.random.default_rng(seed)
    return freqs_hz**-1.2 * rng.chisquare(6, size=(n_traces, len(freqs_hz))) * 1e3


def fitted(cupy, psd, ln_f, first=0, block=64, n_blocks=None):
    """Launch the kernel on NumPy arrays, into POISON: β, its error, the amplitude, points."""
    n_traces, n_freqs = psd.shape
    results = [cupy.full(n_traces, POISON, dtype=kind) for kind in [np.float64] * 3 + [np.int64]]
    kernel("power_law_fit")(
        n_blocks or n_traces,
        block,
        *(cupy.asarray(psd), cupy.asarray(ln_f)),
        *(n_traces, n_freqs, first, len(ln_f), *results),
    )
    return [cupy.asnumpy(result) for result in results]


def assert_close(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=OLS_FLOAT64)


@pytest.mark.parametrize("n_freqs", [3, 4, 31, 32, 33, 49, 1009])
def test_equals_the_twin(cupy, n_freqs):
    freqs_hz = np.geomspace(0.01, 13, n_freqs)
    psd, ln_f = spectra(5, freqs_hz), np.log(freqs_hz)
    assert_close(fitted(cupy, psd, ln_f), _ordinary_least_squares(ln_f, psd))


def test_equals_scipy(cupy):
    freqs_hz = np.geomspace(0.01, 10, 23)
    psd = spectra(4, freqs_hz)
    beta, stderr, amplitude, n_points = fitted(cupy, psd, np.log(freqs_hz))
    for i, row in enumerate(psd):
        line = scipy.stats.linregress(np.log(freqs_hz), np.log(row))
        np.testing.assert_allclose(
            [beta[i], stderr[i], amplitude[i]],
            [-line.slope, line.stderr, np.exp(line.intercept)],
            rtol=OLS_FLOAT64,
        )
    assert (n_points == 23).all()


def test_a_range_of_frequencies(cupy):
    freqs_hz = np.geomspace(0.01, 13, 60)
    psd = spectra(3, freqs_hz)
    chosen, ln_f = slice(7, 45), np.log(freqs_hz)[7:45]
    found = fitted(cupy, psd, ln_f, first=7)
    assert_close(found, _ordinary_least_squares(ln_f, psd[:, chosen]))


def test_what_has_no_power_is_left_out_and_few_points_make_nan(cupy):
    freqs_hz = np.geomspace(0.1, 10, 40)
    psd, ln_f = spectra(8, freqs_hz), np.log(freqs_hz)
    psd[0, [0, 7, 39]] = 0
    psd[1, 20:] = -1
    psd[2, 3:] = 0  # three points are enough
    psd[3, 2:] = 0
    psd[4, 1:] = 0
    psd[5] = 0
    psd[6] = np.nan
    found = fitted(cupy, psd, ln_f)
    assert_close(found, _ordinary_least_squares(ln_f, psd))
    assert found[3].tolist() == [37, 20, 3, 2, 1, 0, 0, 40]
    assert np.isnan(found[:3]).all(axis=0).tolist() == [False] * 3 + [True] * 4 + [False]


@pytest.mark.parametrize("beta", [-0.4, 0, 1.3, 2])
def test_an_exact_power_law_has_no_error(cupy, beta):
    freqs_hz = np.geomspace(0.01, 20, 40)
    found, stderr, amplitude, _ = fitted(cupy, 7 * freqs_hz[None] ** -beta, np.log(freqs_hz))
    np.testing.assert_allclose(found, beta, atol=1e-13)
    np.testing.assert_allclose(amplitude, 7, rtol=1e-12)
    assert stderr[0] < 1e-14


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    freqs_hz = np.geomspace(0.01, 13, 49)
    psd, ln_f = spectra(70, freqs_hz), np.log(freqs_hz)
    psd[3, 10:] = 0
    expected = fitted(cupy, psd, ln_f)
    for block in (32, 96, 256, 1024):
        for n_blocks in (1, 3, 70):
            found = fitted(cupy, psd, ln_f, block=block, n_blocks=n_blocks)
            np.testing.assert_array_equal(found, expected)
    for seed in (1, 2):
        monkeypatch.setitem(ORDER, "seed", seed)
        np.testing.assert_array_equal(fitted(cupy, psd, ln_f), expected)
