"""Factorisations: against scikit-learn, exact answers, and what must not change them."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF

from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.factorisation.canonical import match
from umlpsd_gpu.factorisation.divergences import divergence_of
from umlpsd_gpu.factorisation.factorise import FactorisationOptions, factorise
from umlpsd_gpu.factorisation.hals import minimise
from umlpsd_gpu.factorisation.problem import Problem
from umlpsd_gpu.factorisation.starts import first_maps, random_components
from umlpsd_gpu.factorisation.subspace import project


def mixture(seed, n_samples=120, n_features=80, k=3, noise=0.2):
    rng = np.random.default_rng(seed)
    maps, components = rng.gamma(0.4, size=(n_samples, k)), rng.gamma(0.3, size=(k, n_features))
    values = maps @ components
    return values * rng.gamma(1 / noise**2, noise**2, size=values.shape), maps, components


@pytest.mark.parametrize("seed", range(4))
def test_fits_as_well_as_the_best_of_many_runs_of_scikit_learn(seed):
    matrix, _, _ = mixture(seed, k=4)
    found = factorise(matrix, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # runs that stop at max_iter
        best = min(
            NMF(4, init="random", random_state=run, max_iter=1000, tol=1e-6)
            .fit(matrix)
            .reconstruction_err_
            for run in range(6)
        )
    assert np.linalg.norm(matrix - found.maps @ found.components) < 1.001 * best
    assert found.is_converged
    assert found.kkt_residual < 1e-6


@settings(max_examples=10, deadline=None)
@given(exponent=st.floats(-6, 6), seed=st.integers(0, 99))
def test_unit_of_the_data_changes_the_unit_of_the_maps_and_nothing_else(exponent, seed):
    matrix, _, _ = mixture(seed)
    factor = 10**exponent
    plain, scaled = factorise(matrix, 3), factorise(matrix * factor, 3)
    np.testing.assert_allclose(
        scaled.components, plain.components, atol=1e-6 * plain.components.max()
    )
    np.testing.assert_allclose(scaled.maps / factor, plain.maps, atol=1e-6 * plain.maps.max())


def test_finds_exact_factors_where_each_has_samples_and_features_of_its_own():
    rng = np.random.default_rng(0)
    maps = np.vstack([np.eye(3).repeat(5, axis=0) * 4, rng.random((60, 3))])
    components = np.hstack([np.eye(3).repeat(4, axis=1) * 2, rng.random((3, 30))])
    found = factorise(maps @ components, 3)
    _, cosine = match(components, found.components)
    assert cosine.min() > 1 - 1e-6
    assert found.relative_error < 1e-5


def test_canonical_form_has_unit_sums_and_falling_totals():
    found = factorise(mixture(5)[0], 3)
    np.testing.assert_allclose(found.components.sum(axis=1), 1)
    assert (np.diff(found.maps.sum(axis=0)) <= 0).all()
    assert (found.maps >= 0).all()
    assert (found.components >= 0).all()


def test_same_seed_gives_the_same_bits_in_any_layout_of_the_data():
    matrix, _, _ = mixture(6)
    plain, again = factorise(matrix, 3), factorise(np.asfortranarray(matrix), 3)
    np.testing.assert_array_equal(plain.components, again.components)
    np.testing.assert_array_equal(plain.maps, again.maps)


def test_turning_the_matrix_turns_the_factors():
    matrix, _, _ = mixture(7)
    found, turned = factorise(matrix, 3), factorise(matrix.T, 3)
    _, cosine = match(found.components, turned.maps.T)
    assert cosine.min() > 1 - 1e-6


@pytest.mark.parametrize("loss", ["poisson", "itakura_saito"])
def test_divergence_falls_to_an_optimum(loss):
    rng = np.random.default_rng(8)
    maps, components = rng.gamma(2.0, size=(150, 3)), rng.gamma(0.3, size=(3, 60))
    expected = maps @ components
    matrix = (
        rng.poisson(5 * expected) if loss == "poisson" else expected * rng.gamma(1, size=(150, 60))
    )
    scaling = "keenan_kotula" if loss == "poisson" else "none"
    squares = factorise(matrix, 3, FactorisationOptions(scaling=scaling))
    options = FactorisationOptions(
        loss=loss, scaling=scaling, polish_tolerance=1e-6, polish_iterations=3000
    )
    found = factorise(matrix, 3, options)
    assert found.objective < divergence_of(matrix, squares.maps, squares.components, loss)
    rng = np.random.default_rng(9)
    for _ in range(20):  # no nearby factors are better
        near = found.components * rng.normal(1, 1e-3, found.components.shape).clip(0)
        value = divergence_of(matrix, found.maps, near, loss)
        assert value > found.objective * (1 - 1e-9)


def test_poisson_components_sum_to_the_counts_of_every_sample_and_feature():
    rng = np.random.default_rng(10)
    matrix = rng.poisson(rng.gamma(1.0, size=(80, 2)) @ rng.gamma(0.5, size=(2, 50)) * 20)
    options = FactorisationOptions(
        loss="poisson", scaling="keenan_kotula", polish_tolerance=1e-7, polish_iterations=5000
    )
    found = factorise(matrix, 2, options)
    expected = found.maps @ found.components
    np.testing.assert_allclose(expected.sum(axis=0), matrix.sum(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(expected.sum(axis=1), matrix.sum(axis=1), rtol=1e-3, atol=1e-3)


def test_keenan_kotula_scaling_gives_poisson_noise_unit_variance():
    rng = np.random.default_rng(11)
    expected = np.outer(rng.uniform(20, 400, 300), rng.dirichlet(np.ones(100)))
    subspace = project(rng.poisson(expected), 5, "keenan_kotula")
    edge = np.sqrt(300) + np.sqrt(100)
    assert subspace.values[1] == pytest.approx(edge, rel=0.05)


def test_rows_and_columns_without_counts_stay_zero():
    matrix, _, _ = mixture(12)
    matrix[3], matrix[:, 7] = 0, 0
    found = factorise(matrix, 3, FactorisationOptions(scaling="keenan_kotula"))
    assert (found.maps[3] == 0).all()
    assert (found.components[:, 7] == 0).all()


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.array([[1.0, -2.0], [1.0, 1.0]]), "negative"),
        (np.array([[1.0, np.nan], [1.0, 1.0]]), "NaN"),
        (np.zeros((3, 4)), "zero everywhere"),
        (np.ones(5), r"shape \(5,\)"),
        (np.ones((0, 4)), r"shape \(0, 4\)"),
    ],
)
def test_refuses_what_has_no_components(matrix, words):
    with pytest.raises(TracesError, match=words):
        factorise(matrix, 1)


def test_refuses_a_number_of_components_that_the_matrix_cannot_have():
    with pytest.raises(SettingsError, match="choose 1 to 4"):
        factorise(np.random.default_rng(0).random((9, 4)), 5)


def test_refuses_the_itakura_saito_divergence_of_zeros():
    matrix, _, _ = mixture(13)
    matrix[0, 0] = 0
    with pytest.raises(SettingsError, match="has zeros"):
        factorise(matrix, 2, FactorisationOptions(loss="itakura_saito"))


def test_exact_sums_are_found_without_samples_or_features_of_their_own():
    rng = np.random.default_rng(0)
    found = factorise(rng.random((60, 3)) @ rng.random((3, 40)), 3)
    assert found.relative_error < 1e-4
    assert found.is_converged


def test_fit_of_no_start_gets_worse():
    matrix, _, _ = mixture(14, k=4)
    subspace = project(matrix, 20)
    components = np.stack(
        [random_components(subspace, 4, np.random.default_rng(n)) for n in range(5)]
    )
    problem = Problem.of_subspace(subspace, np.float64)
    maps = first_maps(subspace, components)
    objectives = [
        minimise(problem, maps, components, n, 0.0).objectives for n in range(10, 120, 10)
    ]
    # the last extrapolation of the maps is not in the objective
    assert (np.diff(objectives, axis=0) < 1e-6 * objectives[0]).all()
