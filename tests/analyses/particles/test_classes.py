"""Stability of classes and the classifier: three true classes, noise, one population."""

import numpy as np
import pytest

from umlpsd_gpu.analyses.particles.classifier import load_classifier, train_classifier
from umlpsd_gpu.analyses.particles.stability import (
    compare_methods,
    cophenetic_correlation,
    split_half_ari,
)
from umlpsd_gpu.errors import SettingsError


def clouds(n=300, apart=8.0, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3 + 1
    centres = apart * np.eye(3, n_columns)
    return centres[labels - 1] + rng.normal(size=(n, n_columns)), labels


def test_true_classes_are_found_again_and_noise_is_not():
    matrix, _ = clouds()
    noise = np.random.default_rng(0).normal(size=(300, 13))
    assert split_half_ari(matrix, 3) == pytest.approx(1.0)
    assert split_half_ari(matrix, 2) < 0.8
    assert all(split_half_ari(noise, k) < 0.3 for k in (2, 3, 5))
    assert np.isnan(split_half_ari(matrix, 1))


def test_methods_are_ranked_by_stability():
    matrix, labels = clouds()
    found = compare_methods(matrix, labels)
    assert {each.method for each in found} == {"K-means", "Gaussian mixture", "average linkage"}
    assert [each.ari for each in found] == sorted((each.ari for each in found), reverse=True)
    assert found[0].ari == pytest.approx(1.0)
    assert all(each.agreement > 0.95 for each in found)


def test_the_cophenetic_correlation_does_not_see_classes():
    noise = np.random.default_rng(0).normal(size=(200, 1)) ** 3
    assert cophenetic_correlation(noise) > 0.8
    assert np.isnan(cophenetic_correlation(noise[:2]))


def test_a_classifier_is_the_same_after_saving(tmp_path):
    matrix, labels = clouds()
    made = train_classifier(("a", "b", "c", "d"), matrix, labels)
    again = load_classifier(made.save(tmp_path / "model.h5"))
    others, truth = clouds(seed=7)
    np.testing.assert_array_equal(made.predict(others), again.predict(others))
    assert np.mean(made.predict(others) == truth) > 0.99
    assert (again.features, again.accuracy) == (made.features, made.accuracy)
    others[3, 1] = np.nan
    assert again.predict(others)[3] == 0


def test_accuracy_on_noise_is_told_beside_it():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 6))
    made = train_classifier(tuple("abcdef"), noise, 1 + (noise[:, 0] > 0))
    assert made.accuracy > 0.9
    assert made.accuracy_shuffled > 0.9


def test_what_is_no_classifier_is_refused(tmp_path):
    matrix, labels = clouds(24)
    with pytest.raises(SettingsError, match="two classes of 10 particles, got 3 of 8, 8, 8"):
        train_classifier(("a",) * 4, matrix, labels)
    path = tmp_path / "model.h5"
    with pytest.raises(SettingsError, match="can't be read as a classifier"):
        load_classifier(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(SettingsError, match="can't be read as a classifier"):
        load_classifier(path)
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(SettingsError, match="no classifier of particles"):
        load_classifier(tmp_path / "other.h5")
