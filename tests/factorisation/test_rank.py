"""The number of components of counts, and of data with unknown noise."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.factorisation.binning import binned_spectra
from umlpsd_gpu.factorisation.count_splitting import count_splitting_loss
from umlpsd_gpu.factorisation.cross_validation import cross_validation_loss
from umlpsd_gpu.factorisation.noise_edges import largest_of_noise, noise_edge, optimal_threshold
from umlpsd_gpu.factorisation.rank_of_counts import decide_rank_of_counts


def spectrum_image(k, counts, seed, size=32, n_channels=128, smoothness=3.0):
    """Counts of k components with lines of their own and smooth maps."""
    rng = np.random.default_rng(seed)
    channels = np.arange(n_channels)
    lines = np.zeros((k, n_channels))
    for component in lines:
        for centre in rng.uniform(5, n_channels - 5, size=3):
            component += rng.uniform(0.3, 1) * np.exp(-0.5 * ((channels - centre) / 2) ** 2)
        component += 0.1
    lines /= lines.sum(axis=1, keepdims=True)
    fields = gaussian_filter(rng.normal(size=(k, size, size)), (0, smoothness, smoothness))
    shares = np.exp(2 * fields / fields.std(axis=(1, 2), keepdims=True))
    shares = (shares / shares.sum(axis=0)).reshape(k, -1)
    return rng.poisson(counts * shares.T @ lines), (size, size)


@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("counts", [8, 60, 400])
def test_number_of_components_is_right_from_few_counts_to_many(k, counts):
    image, shape = spectrum_image(k, counts, seed=[k, counts])
    decision = decide_rank_of_counts(image, shape)
    assert decision.k == k
    assert decision.probability > 0.5


def test_bins_show_components_that_single_pixels_hide():
    image, shape = spectrum_image(4, 8, seed=3)
    decision = decide_rank_of_counts(image, shape)
    assert decision.estimates["singular values"] < 4
    assert decision.k == 4


def test_samples_without_neighbours_are_not_binned():
    image, _ = spectrum_image(3, 200, seed=1)
    order = np.random.default_rng(0).permutation(image.shape[0])
    decision = decide_rank_of_counts(image[order])
    assert decision.k == 3
    assert decision.estimates["count splitting"] == 3


def test_hardly_any_counts_are_not_decided():
    rng = np.random.default_rng(2)
    decision = decide_rank_of_counts(rng.poisson(2e-3, size=(400, 64)), (20, 20))
    assert decision.k is None
    assert decision.probability < 0.5


def test_noise_has_one_component():
    rng = np.random.default_rng(4)
    rates = np.outer(rng.uniform(20, 200, 900), rng.dirichlet(np.ones(100)))
    found = [decide_rank_of_counts(rng.poisson(rates), (30, 30)).k for _ in range(10)]
    assert found == [1] * 10


def test_refuses_what_are_no_counts():
    with pytest.raises(TracesError, match="negative"):
        decide_rank_of_counts(np.array([[1.0, -1.0], [2.0, 3.0]]))


def test_singular_values_in_bins_are_those_of_the_summed_and_scaled_counts():
    image, shape = spectrum_image(2, 50, seed=5)
    image[5], image[:, 9] = 0, 0
    for spectrum in binned_spectra(image, shape):
        size, channels = spectrum.pixels, spectrum.channels
        cube = image.reshape(32 // size, size, 32 // size, size, 128 // channels, channels)
        summed = cube.sum(axis=(1, 3, 5)).reshape(-1, 128 // channels)
        summed = summed[summed.sum(axis=1) > 0][:, summed.sum(axis=0) > 0]
        assert spectrum.shape == summed.shape
        of_rows, of_columns = summed.sum(axis=1), summed.sum(axis=0)
        scaled = summed / np.sqrt(np.outer(of_rows, of_columns / summed.sum()))
        direct = np.linalg.svd(scaled, compute_uv=False)
        np.testing.assert_allclose(spectrum.values[:4], direct[:4], rtol=1e-5)


def test_largest_singular_value_of_noise_hardly_exceeds_its_bound():
    rng = np.random.default_rng(6)
    largest = [np.linalg.norm(rng.normal(size=(120, 60)), 2) for _ in range(100)]
    assert max(largest) < largest_of_noise(120, 60)
    # the mean of the Tracy–Widom distribution is -1.21
    edge = noise_edge(120, 60)
    spread = edge * (120**-0.5 + 60**-0.5) ** (1 / 3)
    assert np.mean(np.square(largest)) == pytest.approx(edge**2 - 1.21 * spread, rel=0.01)


@pytest.mark.parametrize(("shape", "published"), [((400, 400), 4 / 3**0.5), ((400, 200), 1.98)])
def test_optimal_threshold_is_the_published_one(shape, published):
    # Gavish and Donoho, table 1: 2.3094 for square matrices, 1.9786 for half as many columns
    assert optimal_threshold(*shape) / 400**0.5 == pytest.approx(published, rel=2e-3)


def test_split_counts_and_blocks_left_out_agree_with_the_truth():
    image, _ = spectrum_image(3, 300, seed=7)
    assert np.argmin(count_splitting_loss(image[:, image.sum(axis=0) > 0], 6)) == 2
    rng = np.random.default_rng(8)
    matrix = rng.random((90, 3)) @ rng.random((3, 70)) + 0.02 * rng.normal(size=(90, 70))
    assert np.argmin(cross_validation_loss(matrix, 6)) == 2


def test_features_with_common_noise_are_left_out_together():
    rng = np.random.default_rng(3)
    noise = np.repeat(rng.normal(size=(60, 12)), 6, axis=1)
    groups = np.repeat(np.arange(12), 6)
    assert cross_validation_loss(noise, 3).min() < 1
    assert cross_validation_loss(noise, 3, groups=groups).min() > 1
