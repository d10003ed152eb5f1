"""Quantities of simulated maps: bias, coverage of the errors, validity."""

from dataclasses import replace

import numpy as np
import pytest

from tests.analyses.curves.maps import simulated_map
from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.quantities.quantities import curve_quantities
from umlpsd_gpu.analyses.curves.quantities.transport_models import MODELS
from umlpsd_gpu.analyses.curves.settings import QuantitySettings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.curves import RICHARDSON_A_M2_K2, currents_of

SCHOTTKY, OHMIC, SCLC = 0, 1, 2
BARRIER = QuantitySettings(area_m2=1e-15, richardson_a_m2_k2=RICHARDSON_A_M2_K2)
BIAS = np.linspace(-1, 1, 256)


def noisy(current, noise=1e-12, seed=0):
    return current + np.random.default_rng(seed).normal(0, noise, np.shape(current))


def quantities_of(current, **settings):
    curves = CurveMap(BIAS, {"forward": current})
    return curve_quantities(condition_curves(curves), QuantitySettings(**settings))


@pytest.fixture(scope="module")
def found():
    curves, made = simulated_map(n_rows=30, n_cols=40, n_points=256, seed=4)
    conditioned = condition_curves(curves)
    return curve_quantities(conditioned, BARRIER), made.truth, conditioned, made.recipe


class TestASimulatedMap:
    def deviations(self, found, name, truth_name):
        quantity, truth = found[0][name], found[1][truth_name]
        use = quantity.is_valid & np.isfinite(truth)
        return quantity.values[use] - truth[use], quantity.errors[use], truth[use]

    @pytest.mark.parametrize(
        ("name", "truth_name"),
        [
            ("ideality", "ideality"),
            ("saturation_current", "saturation_current_a"),
            ("series_resistance", "series_resistance_ohm"),
            ("barrier_height", "barrier_ev"),
            ("ohmic_conductance", "conductance_s"),
            ("space_charge_coefficient", "sclc_a_per_v2"),
        ],
    )
    def test_bias_and_coverage(self, found, name, truth_name):
        deviation, error, truth = self.deviations(found, name, truth_name)
        assert deviation.size > 250
        assert abs(np.mean(deviation / truth)) < 0.02
        # of about 400 curves: within three standard errors of 95 %
        assert 0.91 < np.mean(np.abs(deviation) < 1.96 * error) < 0.99

    def test_barriers_are_right_to_10_mev(self, found):
        deviation, _, _ = self.deviations(found, "barrier_height", "barrier_ev")
        assert abs(deviation.mean()) < 0.010

    def test_models_are_those_simulated(self, found):
        names = np.array(["none"] + [model.name for model in MODELS])
        chosen = names[np.nan_to_num(found[0]["transport_model"].values).astype(int)]
        for kind, name in ((0, "thermionic"), (1, "ohmic"), (2, "space-charge-limited")):
            assert np.mean(chosen[found[1]["kind"] == kind] == name) > 0.97

    @pytest.mark.parametrize(("sign", "name"), [(1, "positive"), (-1, "negative")])
    def test_turn_on_is_right_to_half_a_step(self, found, sign, name):
        quantities, truth, conditioned, recipe = found
        fine = sign * np.linspace(0, 1, 1001)
        sizes = np.abs(currents_of(truth, fine, recipe))
        thresholds = 5 * conditioned.noise
        turn_on = quantities[f"turn_on_{name}"]
        step = conditioned.bias[1] - conditioned.bias[0]
        for kind in (SCHOTTKY, OHMIC, SCLC):
            use = np.flatnonzero(turn_on.is_valid & (truth["kind"] == kind))
            true_v = [np.interp(thresholds[i], sizes[i], fine) for i in use]
            deviation = turn_on.values[use] - true_v
            assert abs(np.mean(deviation)) < step / 2
            # of about 400 curves: within three standard errors of 95 %
            assert 0.91 < np.mean(np.abs(deviation) < 1.96 * turn_on.errors[use]) < 0.99

    def test_dead_pixels_have_no_values(self, found):
        dead = found[1]["kind"] < 0
        assert dead.any()
        for quantity in found[0].values():
            assert np.isnan(quantity.values[dead]).all()
            assert not quantity.is_valid[dead].any()

    def test_every_value_has_an_error(self, found):
        for quantity in found[0].values():
            assert np.array_equal(np.isfinite(quantity.values), np.isfinite(quantity.errors))
            assert np.isfinite(quantity.values[quantity.is_valid]).all()


class TestAtABias:
    def test_of_a_straight_line(self):
        found = quantities_of(noisy(np.full((300, 1), 2e-9) * BIAS), read_voltages_v=(0.4, -0.3))
        for name, truth in (
            ("current_at_0.4v", 0.8e-9),
            ("current_at_-0.3v", -0.6e-9),
            ("conductance_at_0.4v", 2e-9),
            ("zero_bias_conductance", 2e-9),
            ("exponent_at_0.4v", 1.0),
        ):
            pull = (found[name].values - truth) / found[name].errors
            assert found[name].is_valid.all()
            assert abs(pull.mean()) < 0.25
            assert pull.std() == pytest.approx(1, abs=0.12)

    def test_rectification(self):
        current = noisy(1e-9 * np.expm1(2 * np.log(4) * BIAS) * np.ones((50, 1)))
        found = quantities_of(current)["rectification"]
        assert found.values == pytest.approx(4, rel=0.02)

    def test_an_exponent_within_the_noise_is_not_valid(self):
        current = noisy(np.where(BIAS > 0.6, 1e-8 * (BIAS - 0.6), 0) * np.ones((20, 1)))
        found = quantities_of(current, read_voltages_v=(0.3,))
        assert not found["exponent_at_0.3v"].is_valid.any()
        assert found["current_at_0.3v"].is_valid.all()

    def test_saturated_readings_are_not_valid(self):
        current = np.minimum(noisy(np.full((20, 1), 1e-9) * BIAS), 4e-10)
        found = quantities_of(current, read_voltages_v=(0.5, -0.5))
        assert not found["current_at_0.5v"].is_valid.any()
        assert found["current_at_-0.5v"].is_valid.all()

    def test_a_bias_outside_is_refused(self):
        with pytest.raises(SettingsError, match="read_voltages_v must be between -1 and 1 V"):
            quantities_of(noisy(np.full((20, 1), 1e-9) * BIAS), read_voltages_v=(3.0,))


class TestTurnOn:
    def test_at_a_given_current(self):
        current = noisy(np.where(BIAS > 0.3, 1e-8 * (BIAS - 0.3), 0) * np.ones((100, 1)))
        found = quantities_of(current, turn_on_current_a=1e-9)
        assert np.mean(found["turn_on_positive"].values) == pytest.approx(0.4, abs=0.001)
        assert not found["turn_on_negative"].is_valid.any()

    def test_of_an_inverting_amplifier(self):
        current = -noisy(np.full((20, 1), 1e-9) * BIAS)
        found = quantities_of(current, turn_on_current_a=4e-10)
        assert found["turn_on_positive"].values == pytest.approx(0.4, abs=0.01)


class TestTransport:
    def test_none_fits_a_staircase(self):
        stairs = 1e-9 * np.floor(4 * BIAS) * np.ones((10, 1))
        found = quantities_of(noisy(stairs))
        assert (found["transport_model"].values == 0).all()
        assert not found["ideality"].is_valid.any()

    def test_without_area_there_is_no_barrier(self):
        assert "barrier_height" not in quantities_of(noisy(np.full((5, 1), 1e-9) * BIAS))

    def test_a_diode_the_other_way_round(self):
        curves, made = simulated_map(kinds=("schottky",), n_points=256)
        turned = {"forward": -curves.current["forward"][:, ::-1]}
        found = curve_quantities(condition_curves(replace(curves, current=turned)))["ideality"]
        assert np.median(found.values[found.is_valid]) == pytest.approx(1.3, abs=0.01)
        assert found.is_valid.sum() > 0.9 * (made.truth["kind"] == 0).sum()


class TestGap:
    def spectra(self, low=-0.35, high=0.55, n=100, noise=2e-12):
        slope = 2e-8 * (np.maximum(BIAS - high, 0) + np.maximum(low - BIAS, 0))
        current = np.cumsum(slope) * (BIAS[1] - BIAS[0])
        current = current - current[np.argmin(np.abs(BIAS))]
        return noisy(current * np.ones((n, 1)), noise)

    def test_edges_gap_and_middle(self):
        found = quantities_of(self.spectra())
        for name, truth in (
            ("edge_negative", -0.35),
            ("edge_positive", 0.55),
            ("gap", 0.9),
            ("midgap", 0.1),
        ):
            assert found[name].is_valid.mean() > 0.9
            assert np.median(found[name].values) == pytest.approx(truth, abs=0.02)
        assert np.abs(np.median(found["gap_conductance"].values)) < 5e-12

    def test_a_metal_has_none(self):
        assert not quantities_of(noisy(np.full((20, 1), 1e-9) * BIAS))["gap"].is_valid.any()


class TestHysteresis:
    def both(self, forward, backward):
        curves = CurveMap(BIAS, {"forward": forward, "backward": backward})
        return curve_quantities(condition_curves(curves))

    def test_set_and_reset_of_a_memristor(self):
        high, low = 1e-8, 2e-10
        # set at 0.6 V on the way up, reset at −0.5 V on the way down
        forward = noisy(np.where(BIAS > 0.6, high, low) * BIAS * np.ones((20, 1)))
        backward = noisy(np.where(BIAS > -0.5, high, low) * BIAS * np.ones((20, 1)), seed=1)
        found = self.both(forward, backward)
        assert found["set_voltage_positive"].is_valid.all()
        assert found["set_voltage_positive"].values == pytest.approx(0.6, abs=0.02)
        assert found["reset_voltage_negative"].values == pytest.approx(-0.5, abs=0.02)
        assert not found["reset_voltage_positive"].is_valid.any()
        assert not found["set_voltage_negative"].is_valid.any()
        # ∫(high − low) V dV from 0 to 0.6 V, and from −0.5 to 0 V
        area = (high - low) * (0.6**2 + 0.5**2) / 2
        assert found["hysteresis_area"].values == pytest.approx(area, rel=0.03)

    def test_shifted_curves_do_not_switch(self):
        curves, _ = simulated_map(hysteresis_v=0.02, n_points=256)
        found = curve_quantities(condition_curves(curves))
        for name in ("set", "reset"):
            for side in ("positive", "negative"):
                assert found[f"{name}_voltage_{side}"].is_valid.mean() < 0.01
        assert np.nanmedian(found["hysteresis_shift"].values) == pytest.approx(0.02, abs=0.001)

    def test_one_sweep_has_none(self):
        assert "hysteresis_area" not in quantities_of(noisy(np.full((5, 1), 1e-9) * BIAS))
