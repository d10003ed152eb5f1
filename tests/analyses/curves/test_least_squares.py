"""Fits of many curves at once are those of single fits."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from umlpsd_gpu.analyses.curves.quantities.least_squares import fit_all
from umlpsd_gpu.analyses.curves.quantities.transport_fits import _fit_model
from umlpsd_gpu.analyses.curves.quantities.transport_models import (
    FOWLER_NORDHEIM,
    MODELS,
    OHMIC,
    POOLE_FRENKEL,
    SIMMONS,
    SPACE_CHARGE,
    THERMIONIC,
    Points,
)
from umlpsd_gpu.simulate.curves import simulate_curves

BIAS = np.linspace(-1.5, 1.5, 151)
# parameters of each model whose currents reach about 1 nA
TRUTH = {
    OHMIC: [1e-9],
    SPACE_CHARGE: [5e-10, 1e-10],
    POOLE_FRENKEL: [-21.0, 5.0],
    FOWLER_NORDHEIM: [-20.5, 6.0],
    SIMMONS: [-20.5, 0.4, 1.0],
}


def points_of(model, truth, n=6, noise=1e-12):
    nothing = Points(BIAS, np.zeros((n, BIAS.size)), np.ones((n, 1)), np.ones(n), 300.0)
    current, _ = model.predict(np.tile(np.array(truth), (n, 1)), nothing)
    current = current + np.random.default_rng(1).normal(0, noise, current.shape)
    weight = 1 / np.hypot(noise, 0.03 * current)
    return Points(BIAS, current, weight, np.ones(n), 300.0)


@pytest.mark.parametrize("model", list(TRUTH), ids=lambda model: model.name)
def test_parameters_are_found_again(model):
    fit = _fit_model(model, points_of(model, TRUTH[model]))
    error = np.sqrt(np.einsum("ipp->ip", fit.covariance))
    assert fit.converged.all()
    assert (np.abs(fit.parameters - TRUTH[model]) < 4.5 * error).all()


@pytest.mark.parametrize("model", list(TRUTH), ids=lambda model: model.name)
def test_derivatives_are_those_of_differences(model):
    points = points_of(model, TRUTH[model], n=2)
    at = np.tile(np.array(TRUTH[model]), (2, 1))
    _, slopes = model.predict(at, points)
    for i in range(at.shape[1]):
        step = 1e-5 * abs(at[0, i])
        ahead, behind = at.copy(), at.copy()
        ahead[:, i] += step
        behind[:, i] -= step
        numerical = (model.predict(ahead, points)[0] - model.predict(behind, points)[0]) / (
            2 * step
        )
        assert slopes[:, i] == pytest.approx(
            numerical, rel=1e-4, abs=1e-6 * np.abs(numerical).max()
        )


def test_every_curve_gets_the_minimum_of_a_single_fit():
    """Started at the batched result, SciPy finds no lower sum of squares worth mentioning."""
    made = simulate_curves(n_rows=8, n_cols=8, n_grains=4, kinds=("schottky",), clipped_share=0)
    rows = np.flatnonzero(made.truth["kind"] == 0)[:12]
    current = made.current["forward"][rows] - made.recipe.current_offset_a
    weight = 1 / np.hypot(2e-12, 0.03 * current)
    bias = made.bias - made.recipe.bias_offset_v
    points = Points(bias, current, weight, np.ones(rows.size), 300.0)
    fit = _fit_model(THERMIONIC, points)
    for i in range(rows.size):
        one = points.take(slice(i, i + 1))

        def residuals(x, one=one):
            return (THERMIONIC.predict(x[None], one)[0] * one.weight)[0]

        scale = np.maximum(np.abs(fit.parameters[i]), 1e-3)
        single = least_squares(residuals, fit.parameters[i], x_scale=scale, xtol=1e-12, ftol=1e-12)
        error = np.sqrt(np.diag(fit.covariance[i]))
        assert (np.abs(single.x - fit.parameters[i]) < 0.1 * error).all()
        assert fit.chi2[i] == pytest.approx(2 * single.cost, rel=1e-3)


def test_linear_least_squares_is_exact():
    columns = np.stack([np.ones(40), np.linspace(-1, 1, 40)])
    values = np.random.default_rng(0).normal(size=(5, 40))

    def residuals(parameters, rows):
        slopes = np.broadcast_to(columns, (rows.size, 2, 40))
        return parameters @ columns - values[rows], slopes

    free = np.full(2, np.inf)
    fit = fit_all(residuals, np.zeros((5, 2)), -free, free, np.full(5, 40))
    expected = np.linalg.lstsq(columns.T, values.T, rcond=None)[0].T
    assert fit.parameters == pytest.approx(expected, abs=2e-3)


def test_a_parameter_without_effect_has_no_error():
    def residuals(parameters, rows):
        slopes = np.zeros((rows.size, 2, 10))
        slopes[:, 0] = 1
        return np.repeat(parameters[:, :1], 10, axis=1) - 3, slopes

    free = np.full(2, np.inf)
    fit = fit_all(residuals, np.zeros((1, 2)), -free, free, np.array([10]))
    assert fit.parameters[0, 0] == pytest.approx(3, abs=0.02)
    assert np.isnan(fit.covariance).all()


def test_models_have_different_names():
    assert len({model.name for model in MODELS}) == len(MODELS)
