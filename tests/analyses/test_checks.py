"""What to check next: said where there is a reason, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.decision.result import KEvidence


@pytest.fixture(scope="module")
def sound():
    """A study about which nothing is doubtful."""
    study = make_study("imported", n_traces=40, n_frames=400, k_max=6, n_flagged=0)
    decision = replace(study.decision, confidence=0.97)
    tests = replace(study.tests, inner_gap=np.full(3, -0.4), one_cloud_p=np.full(3, 0.6))
    outliers = replace(study.outliers, threshold=99.0)
    return replace(study, decision=decision, tests=tests, outliers=outliers)


def checks_of(study):
    return " ".join(get_analysis("blinking").checks(study))


def test_a_sound_study_needs_no_look(sound):
    assert checks_of(sound) == ""


def test_a_rival_of_the_decision_is_named(sound):
    k = np.arange(1, 5)
    evidence = KEvidence(k, np.array([0.0, 0.3, 0.66, 0.04]), *[np.ones(4)] * 3)
    doubtful = replace(sound.decision, confidence=0.66, evidence=evidence)
    said = checks_of(replace(sound, decision=doubtful))
    assert "Compare K = 3 with K = 2 (probability 0.30): the confidence is 0.66." in said


def test_clusters_that_are_divided_or_not_apart(sound):
    divided = replace(sound.tests, inner_gap=np.full(3, 0.7), one_cloud_p=np.full(3, 0.01))
    assert "Look into cluster 1, 2, 3: a gap inside" in checks_of(replace(sound, tests=divided))
    merged = replace(sound.tests, gap=np.array([-0.1, 1.5, 1.5]))
    assert "clusters 1 and 3: there is no clear gap" in checks_of(replace(sound, tests=merged))


def test_the_largest_k_spectra_and_outliers(sound):
    largest = sound.settings.with_values({"sweep.k_max": 3})
    assert "run again with --k-max 6" in checks_of(replace(sound, settings=largest))
    misfits = replace(sound.fit, p_value=np.full(40, 1e-4))
    assert "--psd-model auto" in checks_of(replace(sound, fit=misfits))
    many = replace(sound.outliers, threshold=0.5)
    n = int(many.is_outlier.sum())
    assert f"Look at the {n} outliers" in checks_of(replace(sound, outliers=many))
