"""Classes of particles: clusters that halves of them agree on, or those of a classifier."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.particles.class_features import SETS, compared_matrix, feature_matrix
from umlpsd_gpu.analyses.particles.classifier import Classifier, load_classifier, train_classifier
from umlpsd_gpu.analyses.particles.particle_table import ParticleTable
from umlpsd_gpu.analyses.particles.result import ParticleClasses, ParticleStudy
from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.analyses.particles.stability import (
    LEAST_ARI,
    compare_methods,
    cophenetic_correlation,
    split_half_ari,
)
from umlpsd_gpu.clustering.cluster import Clustering, cluster
from umlpsd_gpu.clustering.small_clusters import call_small_clusters_outliers
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.errors import SettingsError

# Fewer particles are measured, but not put into classes
FEWEST_OF_CLASSES = 10
# A cluster of fewer particles is a group of outliers
FEWEST_OF_CLASS = 5


def classify(
    table: ParticleTable, settings: ParticlesSettings, context: Context
) -> tuple[Clustering | None, ParticleClasses]:
    """Put the particles that count into classes, if halves of them give the same ones.

    Parameters
    ----------
    table : ParticleTable
    settings : ParticlesSettings
    context : Context

    Returns
    -------
    clustering : Clustering or None
        Spread over all particles; None for fewer than 10, and where a classifier was given.
    classes : ParticleClasses

    Raises
    ------
    SettingsError
        If the classifier can't be read or fits other features.
    """
    own, seed = settings.particle, settings.sweep.seed
    labels = np.zeros(len(table), dtype=np.int16)
    if own.classifier is not None:
        return None, _with_classifier(table, own.classifier)
    features = feature_matrix(table, own.features)
    known = table.is_counted & np.isfinite(features).all(axis=1)
    labels[known] = 1
    nan = float("nan")
    if np.count_nonzero(known) < FEWEST_OF_CLASSES:
        return None, ParticleClasses(labels, nan, (), nan, nan, nan)
    matrix = compared_matrix(features[known], own.features)
    found, ari = find_classes(matrix, settings, context)
    with context.clock.timing("stability"):
        ccc = cophenetic_correlation(matrix, seed)
        if not ari >= LEAST_ARI or found.decision.is_undecided:
            classes = ParticleClasses(labels, ari, (), ccc, nan, nan)
            return found.spread_over(known), classes
        labels[known], in_class = found.labels, found.labels > 0
        made = _train(features, labels, own.features, settings)
        accuracies = (nan, nan) if made is None else (made.accuracy, made.accuracy_shuffled)
        methods = tuple(compare_methods(matrix[in_class], found.labels[in_class], seed))
        classes = ParticleClasses(labels, ari, methods, ccc, *accuracies)
    return found.spread_over(known), classes


def find_classes(
    matrix: np.ndarray, settings: ParticlesSettings, context: Context
) -> tuple[Clustering, float]:
    """Cluster particles, and return whether halves of them give the same clusters.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_particles, n_features)
        From `compared_matrix`.
    settings : ParticlesSettings
    context : Context

    Returns
    -------
    clustering : Clustering
        Groups of fewer than five particles are outliers.
    ari : float
        See `split_half_ari`; NaN for one cluster.
    """
    seed = settings.sweep.seed
    found = cluster({settings.particle.features: matrix}, settings, context)
    found = call_small_clusters_outliers(found, seed, FEWEST_OF_CLASS)
    with context.clock.timing("stability"):
        ari = split_half_ari(matrix[found.labels > 0], int(found.labels.max()), seed)
    return found, ari


def write_classifier(study: ParticleStudy, path: Path) -> None:
    """Write the classifier that learns the classes of a study; nothing where there are none.

    Parameters
    ----------
    study : ParticleStudy
    path : Path
    """
    name, classes = study.settings.particle.features, study.classes
    if classes.k > 1 and not classes.classifier:
        made = _train(feature_matrix(study.table, name), classes.labels, name, study.settings)
        if made is not None:
            made.save(path)


def _train(
    features: np.ndarray, labels: np.ndarray, name: str, settings: ParticlesSettings
) -> Classifier | None:
    """Return a classifier; None where a class is too small for one."""
    try:
        return train_classifier(SETS[name], features, labels, settings.sweep.seed)
    except SettingsError:
        return None


def _with_classifier(table: ParticleTable, path: Path) -> ParticleClasses:
    learnt = load_classifier(path)
    names = {columns: name for name, columns in SETS.items()}
    if learnt.features not in names:
        raise SettingsError(
            f"{path} was trained on the features {', '.join(learnt.features)}, which this version "
            "doesn't have; train it again"
        )
    features = feature_matrix(table, names[learnt.features])
    labels = np.where(table.is_counted, learnt.predict(features), 0).astype(np.int16)
    nan = float("nan")
    return ParticleClasses(
        labels, nan, (), nan, learnt.accuracy, learnt.accuracy_shuffled, Path(path).name
    )
