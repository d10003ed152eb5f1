"""Mean and covariance of estimates against sums over all pairs of frames, and against noise."""

import numpy as np
import pytest
import scipy.signal

from tests.support import tolerances
from tests.support.ensembles import noise, traces_of
from umlpsd_gpu.spectrum.bands import Bands, logarithmic_bands, single_bands
from umlpsd_gpu.spectrum.estimators import METHODS, power_spectrum
from umlpsd_gpu.spectrum.log_welch import log_grid
from umlpsd_gpu.spectrum.ranges import trusted_range_hz
from umlpsd_gpu.spectrum.result import Spectrum
from umlpsd_gpu.spectrum.uncertainty.covariance import log_covariance
from umlpsd_gpu.spectrum.uncertainty.sampling import LEAKAGE_BETAS, sampling_of

N_LONG = 4  # the period of the noise, in lengths of a trace


def spectrum_of(method, n_frames, n_traces=2, **options):
    return power_spectrum(traces_of(noise(n_traces, n_frames)), method, **options)


def sampling(method, n_frames, **options):
    return sampling_of(spectrum_of(method, n_frames, **options), slice(0, None))


def kernels_of(method, n_frames, nperseg=0, step=1):
    """What a trace is multiplied by: for each frequency (n_windows, n_frames), scaled to Σ|h|² = 1.

    The mean of the trace, or of a window of ``welch``, is taken off the kernel instead.
    """
    time = np.arange(n_frames)
    if method == "periodogram":
        freqs = np.fft.rfftfreq(n_frames)[1:]
        return [np.exp(-2j * np.pi * f * time)[None] / np.sqrt(n_frames) for f in freqs]
    found = []
    if method == "welch":
        taper = scipy.signal.get_window("hann", nperseg)
        for f in np.fft.rfftfreq(nperseg)[1:]:
            wave = taper * np.exp(-2j * np.pi * f * np.arange(nperseg))
            starts = range(0, n_frames - nperseg + 1, step)
            rows = np.zeros((len(starts), n_frames), dtype=complex)
            for row, start in zip(rows, starts, strict=True):
                row[start : start + nperseg] = wave - wave.mean()
            found.append(rows / np.sqrt(np.sum(taper**2)))
        return found
    grid = log_grid(n_frames)
    for k, w, n in zip(grid.cycles, grid.windows, grid.n_windows, strict=True):
        rows = np.zeros((n, n_frames), dtype=complex)
        for j, row in enumerate(rows):
            start = j * w // 2
            part = np.exp(2j * np.pi * k * np.arange(start, start + w) / n_frames)
            row[start : start + w] = np.hamming(w) * part
            row -= row.mean()
        found.append(rows / np.sqrt(np.sum(np.hamming(w) ** 2)))
    return found


def exact(kernels, covariance_of_frames):
    """Means and relative covariance of the estimates of Gaussian noise (Isserlis' theorem)."""
    seen = [rows.conj() @ covariance_of_frames for rows in kernels]
    means = np.array(
        [np.einsum("at,at->a", s, rows).real.mean() for s, rows in zip(seen, kernels, strict=True)]
    )
    covariance = np.empty((len(kernels),) * 2)
    for i, left in enumerate(seen):
        for j, rows in enumerate(kernels):
            pairs = np.abs(left @ rows.T) ** 2 + np.abs(left @ rows.conj().T) ** 2
            covariance[i, j] = pairs.mean() / (means[i] * means[j])
    return means, covariance


def frames_of_power_law(beta, n_frames):
    """Covariance of the frames of f^(−β) noise, and its one-sided density at all frequencies."""
    n = N_LONG * n_frames
    density = np.zeros(n // 2 + 1)
    density[1:] = (np.arange(1, n // 2 + 1) / n) ** -beta
    autocovariance = np.fft.irfft(density, n)
    delays = np.abs(np.subtract.outer(np.arange(n_frames), np.arange(n_frames)))
    return autocovariance[delays]


CASES = [
    ("periodogram", 100, {}),
    ("periodogram", 101, {}),
    ("welch", 400, {"nperseg": 100}),
    ("welch", 300, {"nperseg": 101, "noverlap": 70}),
    ("log_welch", 420, {}),
]


def kernels_for(method, n_frames, options):
    nperseg = options.get("nperseg", 0)
    step = nperseg - options.get("noverlap", nperseg // 2)
    return kernels_of(method, n_frames, nperseg, step)


@pytest.mark.parametrize(("method", "n_frames", "options"), CASES)
def test_kernels_make_the_estimates(method, n_frames, options):
    """The loops above are of our estimators: |h·x|², averaged over windows, is the density."""
    values = noise(1, n_frames)
    spectrum = power_spectrum(traces_of(values), method, **options)
    kernels = kernels_for(method, n_frames, options)
    power = np.array([np.mean(np.abs(rows @ values[0]) ** 2) for rows in kernels])
    ratio = spectrum.psd[0] / power
    if method == "periodogram" and n_frames % 2 == 0:
        ratio[-1] *= 2
    if method == "welch" and options["nperseg"] % 2 == 0:
        ratio[-1] *= 2
    np.testing.assert_allclose(ratio, ratio[0], rtol=tolerances.PSD_FLOAT64)


@pytest.mark.parametrize(("method", "n_frames", "options"), CASES)
def test_covariance_of_white_noise_is_the_exact_one(method, n_frames, options):
    found = sampling(method, n_frames, **options)
    _, expected = exact(kernels_for(method, n_frames, options), np.eye(n_frames))
    ours = found.of_freqs.toarray() if hasattr(found.of_freqs, "toarray") else found.of_freqs
    # that the mean is taken off is left out, which Hann windows feel at their lowest frequency
    rough = np.abs(ours - expected) / expected.max()
    assert rough.max() < 0.2
    assert rough[1:, 1:].max() < 0.02
    assert rough[3:, 3:].max() < 0.01


@pytest.mark.parametrize(("method", "n_frames", "options"), CASES)
@pytest.mark.parametrize("beta", [0.0, 1.0, 1.5])
def test_expected_estimates_are_the_exact_ones(method, n_frames, options, beta):
    found = sampling(method, n_frames, **options)
    exact_means, _ = exact(
        kernels_for(method, n_frames, options), frames_of_power_law(beta, n_frames)
    )
    exact_means[found.freqs == 0.5] /= 2  # one-sided densities but for the Nyquist frequency
    expected = found.bands.means(exact_means)
    ours = found.response @ found.nodes**-beta
    # the noise here has nothing below 1/(4N), ours goes on: felt by the lowest frequencies alone
    np.testing.assert_allclose(ours[3:], expected[3:], rtol=0.015)
    np.testing.assert_allclose(ours, expected, rtol=0.12)


@pytest.mark.parametrize("n_frames", [61, 75])
@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
def test_leakage_through_the_ends_is_the_exact_one(n_frames, beta):
    """Traces so short that every frequency is sampled."""
    found = sampling("periodogram", n_frames)
    _, expected = exact(kernels_of("periodogram", n_frames), frames_of_power_law(beta, n_frames))
    _, white = exact(kernels_of("periodogram", n_frames), np.eye(n_frames))
    dense = np.stack([found.bands.means(row) for row in expected - white])
    banded = np.stack([found.bands.means(row) for row in dense.T]).T
    np.testing.assert_allclose(found.excess_at(beta), banded, atol=0.01)


def test_leakage_through_sidelobes_is_about_the_exact_one():
    """What it means for the slope of steep noise: tests/spectrum/test_uncertainty.py."""
    n_frames = 1000
    found = sampling("log_welch", n_frames)
    kernels = kernels_of("log_welch", n_frames)
    for beta, atol in ((1.0, 0.01), (1.75, 0.02), (2.0, 0.05)):
        _, expected = exact(kernels, frames_of_power_law(beta, n_frames))
        ours = found.covariance + found.excess_at(beta)
        np.testing.assert_allclose(ours[2:, 2:], expected[2:, 2:], atol=atol)


@pytest.mark.parametrize(("method", "options"), [("periodogram", {}), ("welch", {"nperseg": 40})])
def test_the_nyquist_frequency_has_half_the_density(method, options):
    found = sampling(method, 80, **options)
    share = 2 / found.bands.weights[found.bands.starts[-1] :].sum()
    assert found.response[:-1].sum(axis=1)[1:] == pytest.approx(1, abs=0.01)
    assert found.response[-1].sum() == pytest.approx(
        1 - found.bands.weights[-1] * share / 4, rel=1e-3
    )


def test_bands_average_by_their_degrees_of_freedom():
    bands = Bands(np.array([0, 1, 3]), np.array([2.0, 2.0, 1.0, 4.0]))
    values = np.array([[5.0, 1.0, 4.0, 7.0], [1.0, 0.0, 3.0, 0.0]])
    np.testing.assert_allclose(bands.means(values), [[5, 2, 7], [1, 1, 0]])
    np.testing.assert_allclose(bands.powers(values), [[5, 2, 7], [1, 3, np.nan]])
    assert bands.sizes.tolist() == [1, 2, 1]
    assert bands.owner.tolist() == [0, 1, 1, 2]


def test_logarithmic_bands_are_a_twentieth_of_a_decade():
    freqs = np.arange(1, 5001) / 10_000
    bands = logarithmic_bands(freqs, np.full(5000, 2.0))
    assert bands.starts[:8].tolist() == list(range(8))
    ends = np.append(freqs[bands.starts[1:]], freqs[-1])
    assert (np.log10(ends[8:] / freqs[bands.starts[8:]]) < 0.1).all()
    assert bands.sizes.sum() == 5000
    samples = bands.pick_frequencies(6)
    assert max(map(len, samples)) == 6
    for sample, start, size in zip(samples, bands.starts, bands.sizes, strict=True):
        assert sample[0] >= start
        assert sample[-1] < start + size
        assert len(set(sample.tolist())) == len(sample)


def test_logarithms_of_chi_squared_scatter_as_their_covariance_says():
    rng = np.random.default_rng(4)
    shared, *own = rng.normal(size=(3, 4, 200_000))
    # pairs of χ²_4 variables of relative variance 1/2 and correlation 0.8⁴
    estimates = [np.sum((0.8 * shared + 0.6 * part) ** 2, axis=0) for part in own]
    found = log_covariance(np.array([[0.5, 0.5 * 0.8**4], [0.5 * 0.8**4, 0.5]]))
    sample = np.cov(np.log(estimates))
    np.testing.assert_allclose(np.diag(found), np.pi**2 / 6 - 1, rtol=tolerances.SUM_FLOAT64)
    np.testing.assert_allclose(sample, found, rtol=0.03)


def test_a_cut_or_foreign_spectrum_is_taken_for_independent_estimates():
    spectrum = spectrum_of("log_welch", 1000)
    assert sampling_of(spectrum, slice(0, None)).is_known
    cut = Spectrum(
        spectrum.freqs_hz[::2], spectrum.psd[:, ::2], "log_welch", spectrum.dof[::2], 0.03, 1000
    )
    for foreign in (cut, Spectrum(*list(vars(spectrum).values())[:5])):
        found = sampling_of(foreign, slice(0, None))
        assert not found.is_known
        np.testing.assert_allclose(found.of_freqs.diagonal(), 2 / foreign.dof)
        np.testing.assert_allclose(
            found.response @ found.nodes**-1.3, foreign.freqs_hz**-1.3 * (0.03**-1.3), rtol=1e-12
        )
        assert not found.excess.any()


def test_a_part_of_the_range_is_that_part_of_the_whole():
    for method in METHODS:
        spectrum = spectrum_of(method, 1000)
        whole, part = (sampling_of(spectrum, cut) for cut in (slice(0, None), slice(4, 20)))
        np.testing.assert_allclose(part.freqs, whole.freqs[4:20])
        ours = part.of_freqs if method == "log_welch" else part.of_freqs.toarray()
        theirs = whole.of_freqs if method == "log_welch" else whole.of_freqs.toarray()
        np.testing.assert_allclose(ours, theirs[4:20, 4:20])
        assert part.excess.shape == (len(LEAKAGE_BETAS), *part.covariance.shape)


def test_the_trusted_range_has_three_periods_in_a_window():
    assert trusted_range_hz(spectrum_of("periodogram", 1000)) == pytest.approx((0.1, 0.4 / 0.03))
    welch = spectrum_of("welch", 1000, nperseg=100)
    assert trusted_range_hz(welch) == pytest.approx((1.0, 0.4 / 0.03))
    log_welch = spectrum_of("log_welch", 1000)
    assert trusted_range_hz(log_welch) == pytest.approx((log_welch.freqs_hz[0], 0.4 / 0.03))
    foreign = Spectrum(np.array([0.5, 1.0]), np.ones((1, 2)), "made", np.full(2, 2.0), 0.1)
    assert trusted_range_hz(foreign) == pytest.approx((0.5, 4))


def test_bands_of_one_frequency_change_nothing():
    values = np.arange(12.0).reshape(2, 6) + 1
    np.testing.assert_array_equal(single_bands(np.full(6, 2.0)).powers(values), values)


def test_long_windows_respond_as_calculated_in_full(monkeypatch):
    from umlpsd_gpu.spectrum.uncertainty import covariance, response

    n_frames = 30_000
    grid, edges = log_grid(n_frames), response.cell_edges(n_frames)
    full = covariance.log_welch_covariance(grid)
    exact = response.window_response(np.hamming(9999), np.array([3 / 9999, 0.01]), edges)
    monkeypatch.setattr(covariance, "_LONGEST_WINDOW", 1 << 12)
    monkeypatch.setattr(covariance, "_MOST_STARTS", 300)
    monkeypatch.setattr(response, "LONGEST_WINDOW", 1 << 12)
    response._long_hamming.cache_clear()
    coarse = covariance.log_welch_covariance(grid)
    found = response.hamming_response(9999, np.array([3 / 9999, 0.01]), edges)
    response._long_hamming.cache_clear()
    assert np.diag(coarse) == pytest.approx(np.diag(full), rel=3e-3)
    assert coarse == pytest.approx(full, abs=2e-3 * full.max())
    assert found == pytest.approx(exact, abs=1e-3)
    assert found.sum(axis=1) == pytest.approx(exact.sum(axis=1), abs=1e-5)
