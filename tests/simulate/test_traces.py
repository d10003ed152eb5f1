"""Simulated ensembles: known statistics, independent members, clear errors."""

import numpy as np
import pytest

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.simulate.classes import BLINKING_CLASSES
from umlpsd_gpu.simulate.dwell import DwellLaw, frame_averages, telegraph
from umlpsd_gpu.simulate.traces import BACKGROUND_COUNTS, simulate_traces


def test_frame_averages_equal_a_fine_staircase():
    dwells_s = np.array([0.25, 0.1, 0.9, 1.0])
    levels = np.array([1.0, 0.0, 0.5, 2.0])
    fine = np.repeat(levels, (dwells_s * 1000).astype(int))[:2000]
    expected = fine.reshape(10, 200).mean(axis=1)
    assert frame_averages(levels, dwells_s, 10, 0.2) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5, 2.0, 2.7])
def test_dwells_stay_in_range_and_have_the_stated_mean(exponent):
    law = DwellLaw(exponent, 0.1, 3.0)
    dwells = law.draw(np.random.default_rng(1), 200_000)
    assert dwells.min() >= 0.1
    assert dwells.max() <= 3.0
    assert dwells.mean() == pytest.approx(law.mean_s, rel=0.02)
    edges = np.geomspace(0.1, 3.0, 200_001)
    density = edges**-exponent
    numeric = np.trapezoid(density * edges, edges) / np.trapezoid(density, edges)
    assert law.mean_s == pytest.approx(numeric, rel=1e-6)


def test_telegraph_is_stationary_from_its_first_moment():
    on, off = DwellLaw(1.5, 0.03, 5.0), DwellLaw(1.5, 0.03, 1.0)
    first = [telegraph(np.random.default_rng(i), 0.1, on, off)[1][0] for i in range(4000)]
    fraction_on = on.mean_s / (on.mean_s + off.mean_s)
    four_sigma = 4 * np.sqrt(fraction_on * (1 - fraction_on) / 4000)
    assert np.mean(first) == pytest.approx(fraction_on, abs=four_sigma)


def test_dwell_law_refuses_an_empty_range():
    with pytest.raises(SettingsError, match="shortest must be above 0 and below the longest"):
        DwellLaw(1.5, 2.0, 1.0)


def test_emccd_doubles_the_shot_noise_variance():
    counts = emccd_counts(np.random.default_rng(0), np.full(400_000, 100.0))
    assert counts.mean() == pytest.approx(100.0, abs=0.15)
    assert counts.var() == pytest.approx(2 * 100 + 5**2, rel=0.02)


@pytest.mark.parametrize("name", BLINKING_CLASSES)
@pytest.mark.parametrize(("n_frames", "dt_s"), [(1, 0.03), (101, 0.1), (3000, 0.01)])
def test_shapes_lie_between_dark_and_fully_on(name, n_frames, dt_s):
    for seed in range(5):
        shape = BLINKING_CLASSES[name](np.random.default_rng(seed), n_frames, dt_s)
        assert shape.shape == (n_frames,)
        assert shape.min() >= 0
        assert shape.max() <= 1 + 1e-9


def test_each_class_behaves_as_it_is_called():
    truth = simulate_traces({"PEB": 30, "TSB": 30, "PBB": 30}, n_frames=5000, noise=False)
    third = truth.shapes.shape[1] // 3
    change = truth.shapes[:, -third:].mean(axis=1) - truth.shapes[:, :third].mean(axis=1)
    assert np.all(change[truth.classes == "PBB"] < 0)
    assert np.abs(change[truth.classes == "TSB"]).mean() < 0.15


def test_ensemble_has_the_paper_size_and_its_counts():
    truth = simulate_traces(n_frames=50)
    assert truth.traces.values.shape == (204, 50)
    assert [int(np.sum(truth.classes == name)) for name in ("PEB", "TSB", "PBB")] == [68] * 3
    assert truth.on_counts.min() >= 150
    assert truth.on_counts.max() <= 400
    assert len(set(truth.traces.ids)) == 204
    assert truth.traces.dt_s == 0.03


def test_noise_leaves_the_expected_counts_in_the_mean():
    clean = simulate_traces({"TSB": 5}, n_frames=4000, noise=False)
    noisy = simulate_traces({"TSB": 5}, n_frames=4000)
    expected = BACKGROUND_COUNTS + clean.on_counts[:, None] * clean.shapes
    assert np.array_equal(clean.traces.values, expected)
    sigma_of_mean = np.sqrt((2 * expected + 25).mean(axis=1) / 4000)
    difference = np.abs(noisy.traces.values.mean(axis=1) - expected.mean(axis=1))
    assert np.all(difference < 5 * sigma_of_mean)


def test_a_trace_does_not_depend_on_its_company():
    alone = simulate_traces({"MSB": 1}, n_frames=300, seed=7)
    crowd = simulate_traces({"PEB": 3, "MSB": 4}, n_frames=300, seed=7)
    assert np.array_equal(alone.traces.values[0], crowd.traces.values[3])
    other_seed = simulate_traces({"MSB": 1}, n_frames=300, seed=8)
    assert not np.array_equal(alone.traces.values, other_seed.traces.values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": {"XYZ": 3}}, "class 'XYZ' is not known; choose from PEB, TSB, PBB, MSB"),
        ({"classes": {}}, "contain no trace"),
        ({"classes": {"PEB": -1, "TSB": 3}}, "contain no trace"),
        ({"n_frames": 0}, "must be above 0"),
        ({"dt_s": 0.0}, "must be above 0"),
    ],
)
def test_bad_ensembles_are_refused(arguments, message):
    with pytest.raises(SettingsError, match=message):
        simulate_traces(**arguments)
