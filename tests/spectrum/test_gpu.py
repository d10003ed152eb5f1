"""Spectra and exponents of CuPy's traces against those of NumPy's, SciPy's and published ones."""

import numpy as np
import pytest

from tests.support import tolerances
from tests.support.ensembles import noise
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.simulate.models import simulate_power_law_noise
from umlpsd_gpu.spectrum import gpu as device
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.fit import MODELS, fit_power_law
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.traces.traces import Traces


def both(cupy, values, method, **options):
    """The spectra of NumPy's and of CuPy's values, the latter brought down."""
    host, on_device = (
        power_spectrum(Traces.without_place(v, 0.03), method, **options)
        for v in (values, cupy.asarray(values))
    )
    assert isinstance(on_device.psd, cupy.ndarray)
    assert on_device.psd.dtype == np.float64
    for name in ("freqs_hz", "dof", "method", "dt_s", "n_frames", "nperseg", "noverlap"):
        np.testing.assert_array_equal(getattr(host, name), getattr(on_device, name))
    return host.psd, cupy.asnumpy(on_device.psd)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_frames", [303, 400, 997, 1000])
def test_spectra_equal_the_hosts(cupy, method, n_frames):
    host, found = both(cupy, noise(5, n_frames), method)
    np.testing.assert_allclose(found, host, rtol=tolerances.PSD_DEVICE)


@pytest.mark.parametrize("n_frames", [2, 3, 100, 101])
def test_periodograms_of_short_traces(cupy, n_frames):
    host, found = both(cupy, noise(3, n_frames), "periodogram")
    np.testing.assert_allclose(found, host, rtol=tolerances.PSD_DEVICE)


@pytest.mark.parametrize(
    ("n_frames", "nperseg", "noverlap"),
    [(1000, 100, 50), (1000, 101, 0), (997, 997, 30), (64, 7, 6), (64, 2, 1), (100, 60, 10)],
)
def test_welch_with_any_windows(cupy, n_frames, nperseg, noverlap):
    host, found = both(cupy, noise(3, n_frames), "welch", nperseg=nperseg, noverlap=noverlap)
    np.testing.assert_allclose(found, host, rtol=tolerances.PSD_DEVICE)


def test_log_welch_equals_its_authors_output_on_a_real_dot(cupy, shared_data):
    counts = np.loadtxt(shared_data / "qd_CdSeS_ZnS_blinking_10ms.txt")[None, :, 1]
    freqs_hz, psd, _ = np.loadtxt(shared_data / "qd_CdSeS_ZnS_psd_reference.txt").T
    # float32 rounds a density of so many frames at 1e-6
    for dtype, tolerance in ((np.float64, tolerances.PSD_PUBLISHED), (np.float32, 2e-5)):
        traces = Traces.without_place(cupy.asarray(counts.astype(dtype)), 0.01)
        spectrum = power_spectrum(traces)
        np.testing.assert_allclose(spectrum.freqs_hz, freqs_hz, rtol=tolerances.PSD_PUBLISHED)
        np.testing.assert_allclose(cupy.asnumpy(spectrum.psd)[0], psd, rtol=tolerance)
        fit = fit_power_law(spectrum, (0.02, 5))
        assert fit.beta[0] == pytest.approx(1.2983, abs=tolerances.BETA_PUBLISHED)


@pytest.mark.parametrize("n_frames", [6000, 10_000])
@pytest.mark.parametrize("offset", [1000, 50_000])
@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_float32_moves_no_exponent(cupy, dtype, offset, n_frames):
    """The requirement is 1e-4."""
    found = []
    for beta in (0, 0.5, 1, 1.5):
        values = simulate_power_law_noise(beta, n_traces=8, n_frames=n_frames, seed=3).values
        scale = 150 / values.std(axis=1, keepdims=True)
        counts = (offset + scale * values).astype(dtype)
        for method in METHODS:
            traces = Traces.without_place(counts, 0.03)
            on_device = traces.with_values(cupy.asarray(counts), "sent up")
            host, ours = (fit_power_law(power_spectrum(t, method)) for t in (traces, on_device))
            found += [abs(host.beta - ours.beta), abs(host.beta_stderr - ours.beta_stderr)]
    assert 0 < np.max(found) <= tolerances.BETA_DEVICE_FLOAT32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["bool", "float16", "uint16", "int32", "int64", "float32"])
def test_every_type_of_counts(cupy, method, dtype):
    values = noise(3, 400)
    values = values > 300 if dtype == "bool" else values.astype(dtype)
    host, found = both(cupy, values, method)
    exact = dtype in ("int32", "int64")
    # a density may be small beside those of its trace, whose rounding it takes
    np.testing.assert_allclose(
        found,
        host,
        rtol=tolerances.PSD_DEVICE if exact else tolerances.PSD_DEVICE_FLOAT32,
        atol=0 if exact else 1e-7 * host.max(),
    )


@pytest.mark.parametrize("method", METHODS)
def test_bad_traces_are_nan_constant_ones_0_and_others_untouched(cupy, method):
    values = noise(6, 400)
    clean = both(cupy, values, method)[1]
    values[1, 7], values[2, 0], values[3] = np.nan, -np.inf, 0.1
    for dtype in (np.float64, np.float32):
        host, found = both(cupy, values.astype(dtype), method)
        assert np.isnan(found[[1, 2]]).all()
        assert np.isnan(host[[1, 2]]).all()
        assert not found[3].any()
        if dtype is np.float64:
            np.testing.assert_array_equal(found[[0, 4, 5]], clean[[0, 4, 5]])


@pytest.mark.parametrize("method", METHODS)
def test_arrays_of_other_orders_and_none_at_all(cupy, method):
    values = noise(400, 6)
    expected = both(cupy, np.ascontiguousarray(values.T[1:]), method)[1]
    turned = Traces.without_place(cupy.asarray(values).T[1:], 0.03)
    found = power_spectrum(turned, method)
    np.testing.assert_array_equal(cupy.asnumpy(found.psd), expected)
    _, nobody = both(cupy, np.empty((0, 400)), method)
    assert nobody.shape == (0, expected.shape[1])


@pytest.mark.parametrize("method", ["welch", "periodogram"])
def test_blocks_change_nothing(cupy, method, monkeypatch):
    values = noise(11, 401)
    whole = both(cupy, values, method)[1]
    for most in (1, 401 * 3, 4000):
        monkeypatch.setattr(device, "MOST_FFT_VALUES", most)
        np.testing.assert_allclose(
            both(cupy, values, method)[1], whole, rtol=tolerances.SUM_FLOAT64
        )


def test_a_device_out_of_memory_goes_on_with_smaller_blocks(on_cpu, caplog):
    values = noise(40, 1000)
    whole = both(on_cpu, values, "welch")[1]
    on_cpu.DEVICE.largest_allocation = values.nbytes  # the segments of all need more
    found = both(on_cpu, values, "welch")[1]
    np.testing.assert_allclose(found, whole, rtol=tolerances.SUM_FLOAT64)
    assert "ran out of memory" in caplog.text


def test_what_does_not_fit_is_refused_as_on_the_host(cupy):
    short = Traces.without_place(cupy.asarray(noise(2, 302)), 0.03)
    with pytest.raises(TracesError, match="at least 303 frames, got 302"):
        power_spectrum(short)
    with pytest.raises(SettingsError, match="nperseg is 303, but must be from 2 to 302"):
        power_spectrum(short, "welch", nperseg=303)


@pytest.mark.parametrize("model", [*MODELS, "auto"])
@pytest.mark.parametrize("f_range_hz", [None, (0.5, 8), (None, 3)])
def test_fits_equal_the_hosts(cupy, model, f_range_hz):
    freqs_hz = np.geomspace(0.01, 10, 50)
    rng = np.random.default_rng(3)
    psd = (freqs_hz**-1.4 + 0.5) * rng.chisquare(10, size=(9, 50)) / 10
    psd[1] = np.nan
    psd[2, ::3] = 0
    psd[3, 2:] = 0
    dof = np.full(50, 10.0)
    host, found = (
        fit_power_law(Spectrum(freqs_hz, p, "made", dof, 0.03), f_range_hz, model)
        for p in (psd, cupy.asarray(psd))
    )
    assert host.f_range_hz == found.f_range_hz
    assert found.model == model
    assert host.trace_models == found.trace_models
    arrays = [name for name, value in vars(host).items() if isinstance(value, np.ndarray)]
    assert len(arrays) == 8
    for name in arrays:
        ours = getattr(found, name)
        assert isinstance(ours, np.ndarray)
        np.testing.assert_allclose(ours, getattr(host, name), rtol=tolerances.OLS_FLOAT64)


@pytest.mark.parametrize("model", [*MODELS, "auto"])
def test_no_spectra_have_no_exponents(cupy, model):
    freqs_hz = np.geomspace(0.1, 10, 12)
    psd = cupy.asarray(np.empty((0, 12)))
    fit = fit_power_law(Spectrum(freqs_hz, psd, "made", np.full(12, 2.0), 0.03), model=model)
    assert fit.beta.shape == fit.floor.shape == (0,)
