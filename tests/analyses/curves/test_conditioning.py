"""Conditioning finds what was put into simulated maps."""

from dataclasses import replace

import numpy as np
import pytest

from tests.analyses.curves.maps import simulated_map
from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.conditioning.derivative import differentiate
from umlpsd_gpu.analyses.curves.conditioning.noise import noise_of_curves
from umlpsd_gpu.analyses.curves.conditioning.saturation import find_saturated
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.settings import ConditioningSettings
from umlpsd_gpu.errors import TracesError

BIAS = np.linspace(-1, 1, 201)


def noisy(current, noise=1e-12, seed=0):
    return current + np.random.default_rng(seed).normal(0, noise, np.shape(current))


def ohmic(n=20, **noise):
    conductance = np.geomspace(1e-10, 1e-8, n)[:, None]
    return noisy(conductance * BIAS, **noise)


class TestASimulatedMap:
    curves, made = simulated_map()
    conditioned = condition_curves(curves)

    def test_dead_pixels_are_left_out(self):
        assert np.array_equal(self.conditioned.is_usable, self.made.truth["kind"] >= 0)

    def test_offsets(self):
        assert self.conditioned.current_offset == pytest.approx(5e-12, abs=1e-12)
        assert self.conditioned.bias_offset == pytest.approx(3e-3, abs=1e-3)

    def test_noise(self):
        assert np.median(self.conditioned.noise) == pytest.approx(2e-12, rel=0.1)

    def test_saturated_curves(self):
        with_three = self.conditioned.is_saturated["forward"].sum(axis=1) >= 3
        assert np.array_equal(with_three, self.made.truth["is_clipped"])

    def test_a_map_without_compliance_has_no_saturated_point(self):
        curves, _ = simulated_map(clipped_share=0)
        assert not condition_curves(curves).is_saturated["forward"].any()

    def test_conductance_is_unknown_around_saturated_points_and_right_elsewhere(self):
        conductance = self.conditioned.conductance["forward"]
        assert np.isnan(conductance[self.conditioned.is_saturated["forward"]]).all()
        of_ohmic = self.made.truth["kind"] == 1
        truth = self.made.truth["conductance_s"][of_ohmic]
        assert np.nanmedian(conductance[of_ohmic], axis=1) == pytest.approx(truth, rel=0.02)


def test_shift_of_the_backward_sweep():
    curves, made = simulated_map(hysteresis_v=0.04)
    conditioned = condition_curves(curves)
    steep = (made.truth["kind"] == 0) | (made.truth["kind"] == 1)
    assert conditioned.hysteresis_shift[steep] == pytest.approx(0.04, abs=0.004)


def test_one_sweep_has_no_shift():
    assert np.isnan(condition_curves(simulated_map()[0]).hysteresis_shift).all()


@pytest.mark.parametrize("factor", [1e9, 1e12])
def test_nothing_depends_on_the_unit(factor):
    """In nA or pA the same points are saturated and the same curves usable."""
    curves, _ = simulated_map()
    scaled = {name: factor * values for name, values in curves.current.items()}
    first, second = (condition_curves(c) for c in (curves, replace(curves, current=scaled)))
    assert np.array_equal(first.is_usable, second.is_usable)
    assert np.array_equal(first.is_saturated["forward"], second.is_saturated["forward"])
    assert second.bias_offset == pytest.approx(first.bias_offset, rel=1e-6)
    assert second.current_offset / factor == pytest.approx(first.current_offset, rel=1e-6)


class TestOffsets:
    def test_bias_and_current_are_told_apart_by_curves_of_different_conductance(self):
        conductance = np.geomspace(1e-10, 1e-8, 40)[:, None]
        current = noisy(conductance * (BIAS - 0.02) + 8e-12)
        conditioned = condition_curves(CurveMap(BIAS, {"forward": current}))
        assert conditioned.bias_offset == pytest.approx(0.02, abs=5e-4)
        assert conditioned.current_offset == pytest.approx(8e-12, abs=5e-13)

    def test_equal_curves_have_no_bias_offset(self):
        current = noisy(np.tile(1e-9 * BIAS + 8e-12, (30, 1)))
        conditioned = condition_curves(CurveMap(BIAS, {"forward": current}))
        assert conditioned.bias_offset == 0
        assert conditioned.current_offset == pytest.approx(8e-12, abs=5e-13)

    def test_settings_switch_them_off(self):
        settings = ConditioningSettings(remove_bias_offset=False, remove_current_offset=False)
        conditioned = condition_curves(simulated_map()[0], settings)
        assert conditioned.bias_offset == 0
        assert not conditioned.current_offset.any()

    def test_photocurrents_are_kept_and_told(self):
        photocurrent = np.where(np.arange(40) < 20, 0, -2e-10)[:, None]
        current = noisy(1e-9 * BIAS + photocurrent)
        conditioned = condition_curves(CurveMap(BIAS, {"forward": current}))
        at_zero = conditioned.current["forward"][:, 100]
        assert at_zero[:20].mean() - at_zero[20:].mean() == pytest.approx(2e-10, rel=0.02)
        assert any("differ between curves" in note for note in conditioned.notes)


class TestSaturation:
    def test_a_curve_that_only_ends_at_the_extreme_is_not_saturated(self):
        found = find_saturated({"forward": ohmic()}, 1e-12)
        assert found.high is None
        assert found.low is None
        assert found.n_curves == 0

    def test_only_the_clipped_side(self):
        found = find_saturated({"forward": np.minimum(ohmic(), 5e-9)}, 1e-12)
        assert found.high == 5e-9
        assert found.low is None

    def test_a_given_compliance(self):
        found = find_saturated({"forward": ohmic(1)}, 1e-12, 5e-11)
        assert (found.low, found.high) == (-5e-11, 5e-11)
        assert found.is_saturated["forward"].any()

    def test_noise_alone_has_no_plateau(self):
        noise = np.round(noisy(np.zeros((50, 200)), 1.0))
        assert find_saturated({"forward": noise}, 1.0).n_curves == 0


class TestNoise:
    def test_is_not_raised_by_a_steep_part(self):
        current = noisy(1e-9 * np.exp(8 * (BIAS - 1)) * np.ones((200, 1)))
        assert np.median(noise_of_curves(current)) == pytest.approx(1e-12, rel=0.15)

    def test_constant_curves_have_none(self):
        assert not noise_of_curves(np.ones((2, 30))).any()


class TestDerivative:
    def test_of_a_cubic_is_exact(self):
        cubic = {"forward": np.stack([BIAS**3, 2 * BIAS - BIAS**2])}
        nowhere = {"forward": np.zeros((2, BIAS.size), dtype=bool)}
        found = differentiate(BIAS, cubic, nowhere, np.full(2, 1e-3), 9)
        expected = np.stack([3 * BIAS**2, 2 - 2 * BIAS])
        assert found.conductance["forward"] == pytest.approx(expected, abs=1e-9)
        assert found.resolution_v == pytest.approx(0.08)

    def test_a_window_grows_with_the_noise(self):
        windows = []
        for noise in (1e-13, 3e-12, 1e-11):
            curves = CurveMap(BIAS, {"forward": ohmic(noise=noise)})
            note = condition_curves(curves).notes[-1]
            windows.append(float(note.split("over ")[1].split(" meV")[0]))
        assert windows[0] < windows[1] < windows[2]

    def lock_in(self):
        current = noisy(1e-9 * np.sinh(3 * BIAS) * np.linspace(0.5, 2, 30)[:, None])
        slope = 3e-9 * np.cosh(3 * BIAS) * np.linspace(0.5, 2, 30)[:, None]
        channel = np.minimum(2e8 * slope + 0.1, 10.0)
        return CurveMap(BIAS, {"forward": current}, {"forward": channel}), slope

    def test_a_lock_in_channel_is_scaled_to_it(self):
        curves, slope = self.lock_in()
        conditioned = condition_curves(curves)
        free = curves.lock_in["forward"] < 9.9
        found = conditioned.conductance["forward"]
        assert found[free] == pytest.approx(slope[free], rel=0.02, abs=1e-11)

    def test_a_clipped_lock_in_channel_is_told_and_replaced(self):
        curves, slope = self.lock_in()
        conditioned = condition_curves(curves)
        clipped = curves.lock_in["forward"] >= 9.9
        assert clipped.any()
        found = conditioned.conductance["forward"]
        assert found[clipped] == pytest.approx(slope[clipped], rel=0.1)
        assert any("clipped" in note for note in conditioned.notes)

    def test_a_channel_that_does_not_follow_is_not_used(self):
        curves, _ = self.lock_in()
        other = {"forward": np.random.default_rng(3).normal(size=(30, BIAS.size))}
        conditioned = condition_curves(replace(curves, lock_in=other))
        assert not any("is the lock-in channel" in note for note in conditioned.notes)


@pytest.mark.parametrize(("n", "said"), [(1, "1 curve is"), (2, "2 curves are")])
def test_notes_count_in_singular_and_plural(n, said):
    current = ohmic()
    current[-n:] = np.minimum(noisy(np.tile(2e-8 * BIAS, (n, 1))), 1.2e-8)
    current[:n] = noisy(np.zeros((n, BIAS.size)))
    notes = condition_curves(CurveMap(BIAS, {"forward": current})).notes
    assert any(note.startswith(f"{said} saturated at ") for note in notes)
    assert f"{said} not clustered (no current above the noise)" in notes


class TestBadInput:
    def test_too_few_points(self):
        with pytest.raises(TracesError, match="5 points each; at least 8"):
            condition_curves(CurveMap(BIAS[:5], {"forward": np.zeros((3, 5))}))

    def test_nothing_recorded(self):
        with pytest.raises(TracesError, match="no curve of the map was recorded completely"):
            condition_curves(CurveMap(BIAS, {"forward": np.full((3, BIAS.size), np.nan)}))

    def test_all_saturated(self):
        current = np.full((3, BIAS.size), 1e-7)
        current[:, ::7] *= 1 + 1e-5
        with pytest.raises(TracesError, match="3 saturated at every point"):
            condition_curves(CurveMap(BIAS, {"forward": current}))

    def test_only_noise(self):
        with pytest.raises(TracesError, match="3 without a current above the noise"):
            condition_curves(CurveMap(BIAS, {"forward": noisy(np.zeros((3, BIAS.size)))}))

    def test_one_pixel(self):
        assert condition_curves(CurveMap(BIAS, {"forward": ohmic(1)})).is_usable.all()
