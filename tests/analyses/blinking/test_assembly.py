"""A crystal assembly from its movie to its maps, without an eye, against the truth."""

import numpy as np
import pytest

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.maps.graph import agreement
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.assembly import write_assembly_movie

SETTINGS = Settings().with_values(
    {
        "device": "cpu",
        "traces.mode": "pixels",
        "traces.threshold": 200.0,
        "preprocess.scales": ["W20", "W40", "W48", "W80"],
        "sweep.k_max": 10,
        "sweep.n_epochs": 30,
        "decision.n_resamples": 10,
    }
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    files = write_assembly_movie(tmp_path_factory.mktemp("scene") / "crystal.tif", seed=0)
    return files.truth, run_study(open_movie(files.path), SETTINGS)


def test_three_grains_are_found_at_the_scale_chosen(scene):
    truth, study = scene
    assert study.traces.n_traces == truth.grains.size
    assert study.decision.k_opt == 3
    assert study.decision.confidence > 0.8
    assert truth.accuracy(study.traces.rows, study.traces.cols, study.labels) >= 0.95


def test_pearson_domains_merge_the_two_that_share_a_trend(scene):
    truth, study = scene
    rows, cols = study.traces.rows.astype(int), study.traces.cols.astype(int)
    grains, domains = truth.grains[rows, cols].astype(int), study.maps.raw.domains_neighbours
    largest = np.bincount(domains[np.isin(grains, (1, 2))]).argmax()
    assert all(np.mean(domains[grains == grain] == largest) > 0.9 for grain in (1, 2))
    assert np.mean(domains[grains == 3] == largest) < 0.1
    assert agreement(study.labels, grains) > 0.85 > 0.7 > agreement(domains, grains)
    between = study.maps.raw.between_domains
    assert np.max(between - np.eye(3)) == pytest.approx(0.83, abs=0.04)
