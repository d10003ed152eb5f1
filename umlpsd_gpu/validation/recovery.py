"""Studies of simulated ensembles → how often K and the labels are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.settings import Settings
from umlpsd_gpu.validation.ensembles import Conditions, simulated_ensemble
from umlpsd_gpu.validation.result import Recovery


@dataclass(frozen=True)
class Outcome:
    """One study against the truth; attributes as in `Recovery`, without the ensembles' axis."""

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


def outcomes_of(
    conditions: Conditions,
    settings: Settings,
    seeds: Sequence[int],
    report: Callable[[int, int], None],
) -> list[Outcome]:
    """Simulate and study one ensemble for each seed, but for what K and labels don't hang on."""
    settings = _without_extras(settings)
    outcomes = []
    report(0, len(seeds))
    for seed in seeds:
        simulated = simulated_ensemble(conditions, seed)
        study = run_study(simulated.traces, settings)
        outcomes.append(outcome_of(study, simulated.classes, conditions))
        report(len(outcomes), len(seeds))
    return outcomes


def outcome_of(study: Study, classes: np.ndarray, conditions: Conditions) -> Outcome:
    """Compare a study with the classes of its traces, (n_traces,) of str."""
    names, k_true = _rows(conditions), conditions.k_true
    truth = np.array([names.index(name) for name in classes])
    kept = ~study.outliers.is_outlier
    return Outcome(
        scales=tuple(sweep.scale for sweep in study.sweeps),
        k_opt=study.decision.k_opt,
        confidence=study.decision.confidence,
        chosen=study.decision.scale,
        confusion=confusion_of(study.labels, truth, len(names), k_true),
        confusion_without_outliers=confusion_of(
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


def confusion_of(labels: np.ndarray, truth: np.ndarray, n_classes: int, k_true: int) -> np.ndarray:
    """Count the traces of each class by the class that their cluster is matched with.

    Parameters
    ----------
    labels : ndarray, shape (n_traces,), int
        Clusters from 1; 0 for a trace in none.
    truth : ndarray, shape (n_traces,), int
        Classes from 0; those below ``k_true`` are matched with clusters, one to one, so that most
        traces are right.

    Returns
    -------
    ndarray, shape (n_classes, k_true + 1), int
        The last column counts traces in clusters that no class is matched with, and in none.
    """
    column = np.full(int(labels.max(initial=0)) + 1, k_true)
    counted = (labels > 0) & (truth < k_true)
    if counted.any():
        partners = match_labels(labels[counted] - 1, truth[counted])
        column[labels[counted]] = np.minimum(partners, k_true)
    table = np.zeros((n_classes, k_true + 1), dtype=int)
    np.add.at(table, (truth, column[labels]), 1)
    return table


def recovery_of(outcomes: Sequence[Outcome], conditions: Conditions) -> Recovery:
    """Put the outcomes of equally made ensembles together."""
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
    """Leave out the interval of each confidence, and maps, for which traces lack a place."""
    return settings.with_values({"decision.n_resamples": 0, "traces.mode": "emitters"})


def _rows(conditions: Conditions) -> tuple[str, ...]:
    """Return the classes in the order of the confusion's rows."""
    found = conditions.clustered_classes
    return (*found, *(name for name in conditions.classes if name not in found))


def _n_right(labels: np.ndarray, truth: np.ndarray, k_true: int) -> int:
    """Count traces in the cluster of their class; labels from 0."""
    counted = truth < k_true
    return int((match_labels(labels[counted], truth[counted]) == truth[counted]).sum())
