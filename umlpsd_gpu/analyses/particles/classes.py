"""Classes of particles: clusters that halves of them agree on, or those of a classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from umlpsd_gpu.analyses.particles.class_features import SETS, compared_matrix, feature_matrix
from umlpsd_gpu.analyses.particles.classifier import (
    load_classifier,
    train_classifier,
    trained_classifier,
)
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
    if np.count_nonzero(known) < FEWEST_OF_CLASSES:
        return None, ParticleClasses(labels)
    matrix = compared_matrix(features[known], own.features)
    found, ari = find_classes(matrix, settings, context)
    with context.clock.timing("stability"), threadpool_limits(limits=1):
        ccc = cophenetic_correlation(matrix, seed)
        classes = ParticleClasses(labels, ari, cophenetic_correlation=ccc)
        if ari >= LEAST_ARI and not found.decision.is_undecided:
            labels[known], in_class = found.labels, found.labels > 0
            methods = compare_methods(matrix[in_class], found.labels[in_class], seed, ari)
            classes = replace(classes, methods=tuple(methods))
            classes = _learn(classes, features, own.features, seed)
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
    with context.clock.timing("stability"), threadpool_limits(limits=1):
        ari = split_half_ari(matrix[found.labels > 0], int(found.labels.max()), seed)
    return found, ari


def write_classifier(study: ParticleStudy, path: Path) -> None:
    """Write the classifier that learns the classes of a study; nothing where there is none.

    Parameters
    ----------
    study : ParticleStudy
    path : Path
    """
    name, classes = study.settings.particle.features, study.classes
    if classes.parameters:
        trained_classifier(
            SETS[name],
            feature_matrix(study.table, name),
            classes.labels,
            classes.parameters,
            (classes.accuracy, classes.accuracy_shuffled),
            study.settings.sweep.seed,
        ).save(path)


def _learn(classes: ParticleClasses, features: np.ndarray, name: str, seed: int) -> ParticleClasses:
    """Return the classes with what a classifier makes of them, where they are large enough."""
    try:
        made = train_classifier(SETS[name], features, classes.labels, seed)
    except SettingsError:
        return classes
    return replace(
        classes,
        accuracy=made.accuracy,
        accuracy_shuffled=made.accuracy_shuffled,
        parameters=made.parameters,
    )


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
    return ParticleClasses(
        labels,
        accuracy=learnt.accuracy,
        accuracy_shuffled=learnt.accuracy_shuffled,
        classifier=Path(path).name,
    )
