"""Errors, stability, equal fits and residuals of factorisations whose truth is known."""

import numpy as np
import pytest

from umlpsd_gpu.factorisation.canonical import canonical, match
from umlpsd_gpu.factorisation.factorise import FactorisationOptions, factorise
from umlpsd_gpu.factorisation.noise import Noise, NoisyData
from umlpsd_gpu.factorisation.residuals import find_residuals
from umlpsd_gpu.factorisation.subspace import project
from umlpsd_gpu.factorisation.uncertainty import bound_components, purity_of

COUNTS = FactorisationOptions(scaling="keenan_kotula", loss="poisson", n_restarts=6)


def expectation(purity, n_samples=600, n_features=64, k=3, counts=300, seed=0):
    """Maps and components; a share of the samples has one component only."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(k), size=n_samples)
    pure = rng.random(n_samples) < purity
    shares[pure] = np.eye(k)[rng.integers(k, size=np.count_nonzero(pure))]
    components = rng.dirichlet(np.full(n_features, 0.3), size=k)
    components[:, :k] = 0
    components[np.arange(k), np.arange(k)] = 0.1  # a feature of its own for each
    components /= components.sum(axis=1, keepdims=True)
    return counts * shares, components


def unmix(maps, components, seed=0):
    matrix = np.random.default_rng(seed).poisson(maps @ components)
    found = factorise(matrix, components.shape[0], COUNTS)
    return matrix, found, project(matrix, components.shape[0] + 16, "keenan_kotula")


def test_errors_of_maps_and_components_are_the_scatter_of_repeated_measurements():
    maps, components = expectation(purity=0.5)
    found, errors = [], None
    for seed in range(30):
        matrix, one, subspace = unmix(maps, components, seed)
        order, _ = match(components, one.components)
        found.append((one.maps[:, order], one.components[order]))
        if errors is None:
            bounds = bound_components(matrix, one, subspace, COUNTS)
            errors = bounds.map_errors[:, order], bounds.component_errors[order]
    for part in range(2):
        scatter = np.std([each[part] for each in found], axis=0)
        is_large = scatter > 0.3 * scatter.max()
        ratio = errors[part][is_large] / scatter[is_large]
        # 30 measurements know a standard deviation to 13 %, 50 draws to 10 %
        assert np.median(ratio) == pytest.approx(1, abs=0.12)


def test_shares_can_vary_more_at_an_equal_fit_where_nothing_is_pure():
    ranges = {}
    for purity in (0.0, 0.6):
        maps, components = expectation(purity)
        maps = maps + 60 * (purity == 0.0)  # every sample holds much of every component
        matrix, found, subspace = unmix(maps, components)
        bounds = bound_components(matrix, found, subspace, COUNTS)
        order, _ = match(components, found.components)
        shares = (maps.sum(axis=0) / maps.sum())[np.argsort(order)]
        assert (bounds.least_share < shares).all()
        assert (shares < bounds.largest_share).all()
        ranges[purity] = (bounds.largest_share - bounds.least_share).max()
        assert (bounds.lowest_components <= found.components + 1e-12).all()
        assert (bounds.highest_components >= found.components - 1e-12).all()
    assert ranges[0.0] > 1.3 * ranges[0.6]


def test_halves_of_clear_components_agree_and_those_of_noise_do_not():
    maps, components = expectation(purity=0.5)
    matrix, found, subspace = unmix(maps, components)
    assert bound_components(matrix, found, subspace, COUNTS).half_stability.min() > 0.99
    noise = np.random.default_rng(1).poisson(4, size=(300, 64))
    split = factorise(noise, 4, COUNTS)
    bounds = bound_components(noise, split, project(noise, 20, "keenan_kotula"), COUNTS, 5)
    assert bounds.half_stability.min() < 0.95


def test_purity_is_the_mean_share_in_the_purest_samples():
    maps = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0], [0.0, 0.0]])
    np.testing.assert_allclose(purity_of(maps), [1.0, 0.75])


def test_same_seed_gives_the_same_errors():
    maps, components = expectation(purity=0.5, n_samples=100)
    matrix, found, subspace = unmix(maps, components)
    first, second = (bound_components(matrix, found, subspace, COUNTS, 4) for _ in range(2))
    for name in vars(first):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_drawn_noise_has_its_variances_and_is_the_same_from_both_sides():
    rng = np.random.default_rng(2)
    maps, components = rng.random((40, 2)), rng.random((2, 30))
    noise = Noise(rng.uniform(0.5, 2, 40), rng.uniform(0.5, 2, 30))
    data = NoisyData(maps, components, noise)
    drawn = [
        left @ right - maps @ components for left, right in (data.draw(rng) for _ in range(600))
    ]
    basis = data.right_basis
    within = np.array([each @ basis.T for each in drawn])
    expected = noise.of_samples[:, None] ** 2 * np.diag(data.feature_covariance)
    np.testing.assert_allclose(within.var(axis=0).mean(axis=0), expected.mean(axis=0), rtol=0.1)
    within = np.array([data.left_basis.T @ each for each in drawn])
    expected = np.diag(data.sample_covariance)[:, None] * noise.of_features**2
    np.testing.assert_allclose(within.var(axis=0).mean(axis=1), expected.mean(axis=1), rtol=0.1)


def test_canonical_form_keeps_the_product():
    rng = np.random.default_rng(3)
    maps, components = rng.random((9, 3)), rng.random((3, 7))
    components[1] = 0
    new_maps, new_components = canonical(maps, components)
    np.testing.assert_allclose(new_maps @ new_components, maps @ components)
    assert (new_components[-1] == 0).all()


def test_residuals_of_a_true_model_are_noise():
    maps, components = expectation(purity=0.3)
    matrix = np.random.default_rng(4).poisson(maps @ components)
    residuals = find_residuals(matrix, maps, components)
    for z in (residuals.sample_z, residuals.feature_z):
        assert abs(z.mean()) < 4 / np.sqrt(z.size)
        assert z.std() == pytest.approx(1, abs=0.25)


def test_residuals_show_what_few_samples_have_in_addition():
    maps, components = expectation(purity=0.3)
    extra = np.zeros_like(maps @ components)
    extra[[7, 300], 40] = 40
    matrix = np.random.default_rng(5).poisson(maps @ components + extra)
    residuals = find_residuals(matrix, maps, components)
    assert {7, 300} <= set(residuals.worst_samples)
    assert np.argmax(residuals.feature_z) == 40
    assert np.argmax(residuals.worst_residual / np.sqrt(residuals.worst_expected + 1)) == 40
