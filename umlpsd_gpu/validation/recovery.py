"""Studies of simulated ensembles → how often K and the labels are correct."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.validation.ensembles import Conditions, simulate_ensemble
from umlpsd_gpu.validation.result import Recovery


@dataclass(frozen=True)
class Outcome:
    """One study compared with the truth, with the attributes of `Recovery` for one ensemble.

    Attributes
    ----------
    scales : tuple of str
    k_opt : int
    confidence : float
    chosen : str
        Smoothing scale that the study chose.
    confusion, confusion_without_outliers : ndarray, shape (n_classes, k_true + 1), int
    n_flagged : ndarray, shape (n_classes,), int
    n_right : ndarray, shape (n_scales,), int
    f_range_hz : tuple of float
        Fitted frequencies, Hz.
    fitting : str
    device : str
    versions : dict of str to str
    """

    scales: tuple[str, ...]
    k_opt: int
    confidence: float
    chosen: str
    confusion: np.ndarray
    confusion_without_outliers: np.ndarray
    n_flagged: np.ndarray
    n_right: np.ndarray
    f_range_hz: tuple[float, float]
    fitting: str
    device: str
    versions: dict[str, str]


def study_ensembles(
    conditions: Conditions,
    settings: Settings,
    seeds: Sequence[int],
    report: Callable[[int, int], None],
) -> list[Outcome]:
    """Simulate and analyse one ensemble per seed, without steps that affect neither K nor labels.

    Parameters
    ----------
    conditions : Conditions
    settings : Settings
    seeds : sequence of int
    report : callable
        Called with (n_done, n_ensembles).

    Returns
    -------
    list of Outcome
    """
    settings = _without_extras(settings)
    outcomes = []
    report(0, len(seeds))
    for seed in seeds:
        simulated = simulate_ensemble(conditions, seed)
        study = run_study(simulated.traces, settings)
        outcomes.append(compare_study(study, simulated.classes, conditions))
        report(len(outcomes), len(seeds))
    return outcomes


def compare_study(study: Study, classes: np.ndarray, conditions: Conditions) -> Outcome:
    """Compare a study with the classes of its traces.

    Parameters
    ----------
    study : Study
    classes : ndarray of str, shape (n_traces,)
        True class of each trace.
    conditions : Conditions

    Returns
    -------
    Outcome
    """
    names, k_true = _rows(conditions), conditions.k_true
    truth = np.array([names.index(name) for name in classes])
    kept = ~study.outliers.is_outlier
    return Outcome(
        scales=tuple(sweep.scale for sweep in study.sweeps),
        k_opt=study.decision.k_opt,
        confidence=study.decision.confidence,
        chosen=study.decision.scale,
        confusion=count_confusion(study.labels, truth, len(names), k_true),
        confusion_without_outliers=count_confusion(
            study.outliers.labels[kept], truth[kept], len(names), k_true
        ),
        n_flagged=np.bincount(truth[~kept], minlength=len(names)),
        n_right=np.array(
            [
                _n_right(sweep.best_labels(k_true), truth[study.clustered], k_true)
                for sweep in study.sweeps
            ]
        ),
        f_range_hz=study.fit.f_range_hz,
        fitting=study.fit.fitting,
        device=study.device,
        versions=study.versions,
    )


def count_confusion(
    labels: np.ndarray, truth: np.ndarray, n_classes: int, k_true: int
) -> np.ndarray:
    """Count the traces of each class by the class that their cluster is matched with.

    Parameters
    ----------
    labels : ndarray, shape (n_traces,), int
        Clusters from 1; 0 for a trace in none.
    truth : ndarray, shape (n_traces,), int
        Classes from 0. Those below ``k_true`` are matched with clusters, one to one, so that as
        many traces as possible are correct.
    n_classes : int
    k_true : int

    Returns
    -------
    ndarray, shape (n_classes, k_true + 1), int
        The last column counts traces without a cluster, and in clusters without a class.
    """
    column = np.full(int(labels.max(initial=0)) + 1, k_true)
    counted = (labels > 0) & (truth < k_true)
    if counted.any():
        partners = match_labels(labels[counted] - 1, truth[counted])
        column[labels[counted]] = np.minimum(partners, k_true)
    table = np.zeros((n_classes, k_true + 1), dtype=int)
    np.add.at(table, (truth, column[labels]), 1)
    return table


def combine_outcomes(outcomes: Sequence[Outcome], conditions: Conditions) -> Recovery:
    """Combine the outcomes of ensembles with the same conditions.

    Parameters
    ----------
    outcomes : sequence of Outcome
        At least one.
    conditions : Conditions

    Returns
    -------
    Recovery
    """
    return Recovery(
        classes=_rows(conditions),
        k_true=conditions.k_true,
        scales=outcomes[0].scales,
        k_opt=np.array([outcome.k_opt for outcome in outcomes]),
        confidence=np.array([outcome.confidence for outcome in outcomes]),
        chosen=tuple(outcome.chosen for outcome in outcomes),
        confusion=np.array([outcome.confusion for outcome in outcomes]),
        confusion_without_outliers=np.array(
            [outcome.confusion_without_outliers for outcome in outcomes]
        ),
        n_flagged=np.array([outcome.n_flagged for outcome in outcomes]),
        n_right=np.array([outcome.n_right for outcome in outcomes]),
    )


def _without_extras(settings: Settings) -> Settings:
    """Switch off the gap statistic, which decides nothing, and maps, which need positions."""
    return settings.with_values({"decision.n_surrogates": 0, "traces.mode": "emitters"})


def _rows(conditions: Conditions) -> tuple[str, ...]:
    """Return the classes in the order of the rows of the confusion."""
    clustered = conditions.clustered_classes
    return (*clustered, *(name for name in conditions.classes if name not in clustered))


def _n_right(labels: np.ndarray, truth: np.ndarray, k_true: int) -> int:
    """Count traces in the cluster of their class; labels from 0."""
    counted = truth < k_true
    return int((match_labels(labels[counted], truth[counted]) == truth[counted]).sum())
