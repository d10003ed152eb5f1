"""Simulated maps of curves."""

import csv
import json

import numpy as np
import pytest

from umlpsd_gpu.errors import OutputInUseError, SettingsError
from umlpsd_gpu.simulate.by_name import write_scene
from umlpsd_gpu.simulate.curves import BOLTZMANN_EV_K, simulate_curves
from umlpsd_gpu.simulate.write_curves import write_simulated_curves

SMALL = {"n_rows": 12, "n_cols": 15, "n_grains": 3, "n_points": 64}


def test_diodes_fulfil_their_equation():
    made = simulate_curves(**SMALL, kinds=("schottky",), dead_share=0)
    n, saturation, resistance = (
        made.truth[name][:, None]
        for name in ("ideality", "saturation_current_a", "series_resistance_ohm")
    )
    current = made.noiseless["forward"]
    junction = made.bias - made.recipe.bias_offset_v - current * resistance
    thermal = BOLTZMANN_EV_K * 300
    expected = saturation * np.exp(junction / (n * thermal)) * (1 - np.exp(-junction / thermal))
    assert current == pytest.approx(expected, rel=1e-6, abs=1e-20)


def test_shares_of_clipped_and_dead_curves():
    made = simulate_curves(n_points=64)
    assert made.truth["is_clipped"].mean() == pytest.approx(0.05, abs=0.01)
    assert np.mean(made.truth["kind"] < 0) == pytest.approx(0.03, abs=0.01)
    assert np.abs(made.current["forward"]).max() == made.compliance_a


def test_same_seed_same_curves():
    first, second, other = (simulate_curves(**SMALL, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.current["forward"], second.current["forward"])
    assert not np.array_equal(first.current["forward"], other.current["forward"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kinds": ("schottky", "zener")}, "got zener"),
        ({"dead_share": 1.5}, "dead_share must be at least 0 and below 1, got 1.5"),
        ({"n_points": 4}, "at least 8 points, got 4"),
    ],
)
def test_bad_recipes(changes, message):
    with pytest.raises(SettingsError, match=message):
        simulate_curves(**(SMALL | changes))


def test_files(tmp_path):
    path, truth = write_simulated_curves(tmp_path / "map.npz", **SMALL, hysteresis_v=0.01)
    with np.load(path) as stored:
        assert stored["current_backward"].shape == (180, 64)
        assert stored["shape"].tolist() == [12, 15]
        assert str(stored["current_unit"]) == "A"
    with truth.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 180
    assert {row["kind"] for row in rows} <= {"schottky", "ohmic", "sclc", "dead"}
    recipe = json.loads((tmp_path / "map_truth.json").read_text(encoding="utf-8"))
    assert recipe["hysteresis_v"] == 0.01
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "map.npz",
        "map_truth.csv",
        "map_truth.json",
    ]


def test_existing_files_are_kept(tmp_path):
    (tmp_path / "map.npz").write_text("mine")
    with pytest.raises(OutputInUseError, match="already exists"):
        write_simulated_curves(tmp_path / "map.npz", **SMALL)
    assert (tmp_path / "map.npz").read_text() == "mine"


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="instead of map"):
        write_simulated_curves(tmp_path / "map.tif", **SMALL)


def test_frames_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="curves have none"):
        write_scene("curves", tmp_path / "map.npz", n_frames=10)


def test_by_name(tmp_path):
    path, _ = write_scene("curves", tmp_path, "12x15", {}, {}, {"n_grains": 3}, seed=4)
    assert path.name == "curves_4.npz"
