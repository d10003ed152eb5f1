"""Representations are finite, free of units, and not changed by clipping."""

from dataclasses import replace

import numpy as np
import pytest

from tests.analyses.curves.maps import simulated_map
from umlpsd_gpu.analyses.curves.completion import complete_saturated
from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.representations import REPRESENTATIONS, represent_curves
from umlpsd_gpu.errors import SettingsError

ALL = tuple(REPRESENTATIONS)


def in_unit(curves: CurveMap, factor: float) -> CurveMap:
    return replace(curves, current={k: factor * v for k, v in curves.current.items()})


@pytest.fixture(scope="module")
def conditioned():
    return condition_curves(simulated_map(hysteresis_v=0.02)[0])


@pytest.mark.parametrize("name", ALL)
def test_finite_and_only_usable_curves(conditioned, name):
    matrix = represent_curves(conditioned, (name,))[name]
    n_columns = 1 if name == "magnitude" else 2 * conditioned.bias.size
    assert matrix.shape == (conditioned.is_usable.sum(), n_columns)
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("factor", [1e9, 1e12])
def test_the_unit_of_the_current_changes_nothing(name, factor):
    curves, _ = simulated_map()
    first, second = (
        represent_curves(condition_curves(c), (name,))[name]
        for c in (curves, in_unit(curves, factor))
    )
    assert second == pytest.approx(first, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["asinh", "shape", "magnitude"])
def test_clipping_changes_a_curve_less_than_curves_of_a_kind_differ(name):
    matrices = [
        represent_curves(condition_curves(simulated_map(clipped_share=share)[0]), (name,))[name]
        for share in (0.0, 0.05)
    ]
    change = np.abs(matrices[1] - matrices[0]).max()
    assert 0 < change < 0.3 * matrices[0].std(axis=0).max()


def test_asinh_is_the_inverse_of_sinh(conditioned):
    matrix = represent_curves(conditioned, ("asinh",))["asinh"]
    rows = conditioned.is_usable
    sigma = np.median(conditioned.noise[rows])
    free = ~np.concatenate(list(conditioned.is_saturated.values()), axis=1)[rows]
    current = np.concatenate(list(conditioned.current.values()), axis=1)[rows]
    assert 3 * sigma * np.sinh(matrix[free]) == pytest.approx(current[free], rel=1e-9, abs=1e-18)


@pytest.mark.parametrize(("n_points", "n_columns"), [(128, 128), (129, 65), (200, 100), (257, 86)])
def test_long_curves_are_averaged(n_points, n_columns):
    curves, _ = simulated_map(n_points=n_points, hysteresis_v=0.02)
    conditioned = condition_curves(curves)
    whole = represent_curves(conditioned, ("asinh", "magnitude"), most_points=None)
    short = represent_curves(conditioned, ("asinh", "magnitude"))
    assert np.array_equal(short["magnitude"], whole["magnitude"])
    size = -(-n_points // 128)
    assert short["asinh"].shape[1] == 2 * n_columns
    first_of_back = whole["asinh"][:, n_points : n_points + size].mean(axis=1)
    assert short["asinh"][:, n_columns] == pytest.approx(first_of_back)


def test_shape_and_magnitude_give_asinh_back(conditioned):
    found = represent_curves(conditioned, ("asinh", "shape", "magnitude"))
    assert found["shape"] * np.exp(found["magnitude"]) == pytest.approx(found["asinh"], rel=1e-9)


def test_normalised_conductance_of_a_power_law_is_its_exponent():
    bias = np.linspace(-1, 1, 201)
    current = 1e-9 * np.sign(bias) * np.abs(bias) ** 2 * np.ones((5, 1))
    noise = np.random.default_rng(0).normal(0, 1e-14, current.shape)
    curves = CurveMap(bias, {"forward": current + noise})
    found = represent_curves(condition_curves(curves), ("normalised_conductance",), None)
    assert np.median(found["normalised_conductance"][:, -40:-5]) == pytest.approx(2, abs=0.15)


def test_log_conductance_has_the_floor_of_the_noise():
    bias = np.linspace(-1, 1, 201)
    current = np.where(bias > 0.5, 1e-8 * (bias - 0.5), 0) * np.ones((5, 1))
    noise = np.random.default_rng(0).normal(0, 1e-12, current.shape)
    curves = CurveMap(bias, {"forward": current + noise})
    found = represent_curves(condition_curves(curves), ("log_conductance",), None)[
        "log_conductance"
    ]
    assert found.min() == pytest.approx(np.log10(1 / 2))
    assert np.median(found[:, -20:]) == pytest.approx(np.log10(1e-8 / 1e-12), abs=0.1)


def test_completion_predicts_a_power_law_beyond_its_compliance():
    bias = np.linspace(0, 1, 60)
    size = np.random.default_rng(1).normal(0, 0.4, (200, 1))
    values = np.arcsinh(300 * np.exp(size) * bias**2)
    limit = np.quantile(values[:, -1], 0.8)
    mask = values >= limit
    completed = complete_saturated(np.minimum(values, limit), mask)
    assert np.array_equal(completed[~mask], values[~mask])
    assert (completed[mask] >= limit).all()
    assert completed[mask] == pytest.approx(values[mask], abs=0.1)


def test_completion_of_nothing():
    values = np.ones((3, 9))
    assert complete_saturated(values, np.zeros((3, 9), dtype=bool)) is values


def test_completion_where_all_curves_are_saturated_keeps_the_bounds():
    values = np.minimum(np.linspace(0, 5, 30) * np.ones((4, 1)), 3.0)
    completed = complete_saturated(values, values >= 3)
    assert completed == pytest.approx(values, abs=0.5)


def test_on_a_device_the_numbers_are_the_same(conditioned, cupy):
    def moved(values):
        if isinstance(values, np.ndarray):
            return cupy.asarray(values)
        return {k: cupy.asarray(v) for k, v in values.items()}

    names = ("bias", "current", "is_saturated", "noise", "is_usable", "conductance")
    there = ConditionedCurves(
        **(vars(conditioned) | {name: moved(getattr(conditioned, name)) for name in names})
    )
    here, found = (represent_curves(each, ALL, most_points=50) for each in (conditioned, there))
    for name in ALL:
        assert cupy.asnumpy(found[name]) == pytest.approx(here[name], rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("names", [(), ("asinh", "minmax")])
def test_unknown_names(conditioned, names):
    with pytest.raises(SettingsError, match="must be of asinh, shape"):
        represent_curves(conditioned, names)
