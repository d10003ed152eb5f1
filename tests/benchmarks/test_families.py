"""The labelled ensembles on which a rule for K is judged."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = (
    "blinking", "trends", "blinking trends", "duty", "assembly", "unclustered", "slow shapes",
    "high signal", "hierarchy", "imbalance", "size", "dwell times", "common drift", "outliers",
    "crystals", "current-voltage", "features", "spectra", "trajectories", "periodic",
)  # fmt: skip
MOST_K = {"blinking": 3, "duty": 3, "dwell times": 3, "hierarchy": 9, "crystals": 8, "features": 8}


@pytest.fixture
def families(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from decision import families

    return families


@cache
def simulated(name, number):
    from decision.families import simulate

    return simulate(name, number)


def test_every_family_is_listed(families):
    assert tuple(families.FAMILIES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [0, 3])
def test_an_ensemble_is_complete_and_repeatable(families, name, number):
    ensemble, again = simulated(name, number), families.simulate(name, number)
    assert (ensemble.family, ensemble.number) == (name, number)
    assert np.array_equal(ensemble.classes, again.classes)
    assert ensemble.description == again.description
    assert ensemble.matrices.keys() == again.matrices.keys()
    for key, matrix in ensemble.matrices.items():
        assert matrix.dtype == np.float64
        assert matrix.ndim == 2
        assert len(matrix) == len(ensemble.classes)
        assert np.isfinite(matrix).all()
        assert np.array_equal(matrix, again.matrices[key])


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_has_one_class_and_the_others_have_theirs(families, name):
    for number in (0, 3):
        ensemble = simulated(name, number)
        members = ensemble.classes[ensemble.classes >= 0]
        assert ensemble.has_structure == (number != 3 and name != "unclustered")
        assert (ensemble.k_true > 1) == ensemble.has_structure
        assert ensemble.k_true <= MOST_K.get(name, 6)
        assert np.unique(members).tolist() == list(range(ensemble.k_true))
        assert np.bincount(members).min() >= 3
        assert (len(members) < len(ensemble.classes)) == (name == "outliers")


def test_numbers_and_families_draw_different_ensembles(families):
    drawn = [simulated(name, n) for name in ("trends", "slow shapes") for n in (0, 1)]
    assert len({ensemble.description for ensemble in drawn}) == 4
    firsts = [float(ensemble.matrices["W10"][0, 1]) for ensemble in drawn]
    assert len(set(firsts)) == 4


@pytest.mark.parametrize("name", ["assembly", "crystals"])
def test_scenes_give_the_place_of_every_pixel(families, name):
    ensemble = simulated(name, 2)
    places = ensemble.neighbours
    assert places.shape == (len(ensemble.classes), 2)
    assert len(np.unique(places, axis=0)) == len(places)
    # the grains hang together: most right-hand neighbours share a class
    of_place = dict(zip(map(tuple, places.tolist()), ensemble.classes, strict=True))
    same = [
        of_place[p] == of_place[p[0], p[1] + 1] for p in of_place if (p[0], p[1] + 1) in of_place
    ]
    assert np.mean(same) > 0.6


def test_high_signal_is_noiseless_at_odd_numbers(families):
    assert "noiseless" not in simulated("high signal", 2).description
    assert "noiseless" in simulated("high signal", 1).description


def test_classes_are_not_in_the_order_of_the_items(families):
    classes = simulated("slow shapes", 0).classes
    assert (np.diff(classes) < 0).any()


def test_k_means_with_the_true_k_finds_easy_classes(families):
    from decision.families.__main__ import recall_at_true_k

    assert recall_at_true_k(simulated("high signal", 0), "W50") > 0.9
