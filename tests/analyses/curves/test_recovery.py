"""Clusters of simulated maps are the kinds simulated: a small part of benchmarks/curves.py."""

import numpy as np
import pytest

from benchmarks.curves import labels_of, map_of
from tests.analyses.curves.maps import SMALL
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.simulate.curves import simulate_curves

QUICK = AnalysisSettings().with_values({"sweep.k_max": 6, "sweep.n_epochs": 15})


@pytest.fixture(scope="module", params=[0, 1, 2])
def made(request):
    return simulate_curves(**SMALL, seed=request.param)


@pytest.fixture(scope="module")
def found(made):
    return labels_of(map_of(made), QUICK)


def test_labels_are_right_at_the_decided_k(made, found):
    k_opt, labels = found
    kind = made.truth["kind"]
    assert k_opt == 3
    assert np.array_equal(labels > 0, kind >= 0)
    use = kind >= 0
    matched = match_labels(labels[use].astype(np.intp) - 1, kind[use].astype(np.intp))
    assert np.mean(matched == kind[use]) >= 0.98


def test_clipping_changes_no_label(made, found):
    whole = simulate_curves(**SMALL, seed=made.recipe.seed, clipped_share=0.0)
    assert made.truth["is_clipped"].any()
    _, unclipped = labels_of(map_of(whole), QUICK)
    assert np.array_equal(found[1], unclipped)


@pytest.mark.parametrize("factor", [1e9, 1e12])
def test_labels_are_the_same_in_other_units(made, found, factor):
    _, others = labels_of(map_of(made, factor), QUICK)
    assert np.array_equal(found[1], others)
