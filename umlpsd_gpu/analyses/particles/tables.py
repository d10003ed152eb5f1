"""The tables of a study of particles: particles.csv, sizes.csv and the content of summary.json."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.decision_parts import finite_or_none, summarise_decision
from umlpsd_gpu.analyses.particles.particle_table import NAMES
from umlpsd_gpu.analyses.particles.result import LENGTHS, MAIN_LENGTH, ParticleStudy
from umlpsd_gpu.analyses.particles.sizes import STATISTICS, SizeStatistics

WHOLE = frozenset({"image", "label", "d", "runner_up_d"})


def summary_of(study: ParticleStudy) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    dict
    """
    classes, table = study.classes, study.table
    counted = table.is_counted
    decision = {} if study.clustering is None else summarise_decision(study.clustering.decision)
    return {
        "k_opt": classes.k,
        "confidence": None,
        "reason": class_sentence(study),
        "clustering": decision,
        "n_images": len(study.images),
        "n_found": len(table),
        "n_counted": int(np.count_nonzero(counted)),
        "left_out": _left_out(study),
        "nm_per_px": study.images[0].nm_per_px,
        "scale_origins": sorted({image.scale_origin for image in study.images}),
        "sizes": [
            {"class": number, "length": length, **_plain(found)}
            for (number, length), found in study.sizes.items()
        ],
        "split_half_ari": finite_or_none(classes.ari),
        "methods": [vars(each) for each in classes.methods],
        "cophenetic_correlation": finite_or_none(classes.cophenetic_correlation),
        "classifier_accuracy": finite_or_none(classes.accuracy),
        "classifier_accuracy_shuffled": finite_or_none(classes.accuracy_shuffled),
        "classifier": classes.classifier,
        "outcomes": {
            name: table.outcomes.count(name) for name in sorted(set(table.outcomes) - {""})
        },
        "files": [image.name for image in study.images],
    }


def class_sentence(study: ParticleStudy) -> str:
    """Return how many classes there are, and why, in a sentence.

    Parameters
    ----------
    study : ParticleStudy
    """
    classes = study.classes
    if classes.classifier:
        return f"Classes by the classifier {classes.classifier}"
    if study.clustering is None:
        return "Too few particles for classes"
    if classes.k > 1:
        return (
            f"Two halves of the particles give the same {classes.k} classes (adjusted Rand index "
            f"{classes.ari:.2f})"
        )
    if study.clustering.decision.k_opt > 1:
        return (
            f"Two halves of the particles give different clusters (adjusted Rand index "
            f"{classes.ari:.2f})"
        )
    decision = study.clustering.decision
    first = float(decision.evidence.probability[0]) if decision.evidence.k_values.size else 1.0
    return (
        f"The particles are one group with probability {first:.2f}; how this was decided is below"
    )


def write_particles_csv(study: ParticleStudy, path: Path) -> None:
    """Write a row for each particle, also those that don't count.

    Parameters
    ----------
    study : ParticleStudy
    path : Path
    """
    table = study.table
    names = [image.name for image in study.images]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *NAMES, "outcome", "class", "counted", "reason"])
        columns = [table[name] for name in NAMES]
        for row in range(len(table)):
            values = [_cell(name, column[row]) for name, column in zip(NAMES, columns, strict=True)]
            reason = table.reasons[row]
            writer.writerow(
                [
                    names[int(table["image"][row]) - 1],
                    *values,
                    table.outcomes[row],
                    study.classes.labels[row] or "",
                    "no" if reason else "yes",
                    reason,
                ]
            )


def write_sizes_csv(study: ParticleStudy, path: Path) -> None:
    """Write a row for each class, length and statistic.

    Parameters
    ----------
    study : ParticleStudy
    path : Path
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["class", "length", "n", "statistic", "value", "low_95", "high_95"])
        for (number, length), found in study.sizes.items():
            for name in STATISTICS:
                values = found.values[name], *found.intervals[name]
                cells = ["" if not np.isfinite(v) else f"{v:.6g}" for v in values]
                writer.writerow([number or "all", length, found.n, name, *cells])


def size_rows(study: ParticleStudy) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of sizes on the page.

    Parameters
    ----------
    study : ParticleStudy

    Yields
    ------
    tuple of str
        Class, length, number, mean with interval, SD, SD/mean, D10, D50, D90, distribution.
    """
    titles = dict(
        zip(LENGTHS, ("equivalent diameter", "smallest Feret", "largest Feret"), strict=True)
    )
    for (number, length), found in study.sizes.items():
        if number and length != MAIN_LENGTH:
            continue
        low, high = found.intervals["mean"]
        v = found.values
        yield (
            str(number or "all"),
            titles[length],
            f"{found.n:,}",
            f"{v['mean']:.3g} ({low:.3g} … {high:.3g})",
            f"{v['sd']:.2g}",
            f"{100 * v['relative_sd']:.1f} %",
            *(f"{v[name]:.3g}" for name in ("d10", "d50", "d90")),
            f"{found.distribution}, σ_g {v['geometric_sd']:.3f}",
        )


def _left_out(study: ParticleStudy) -> dict[str, int]:
    reasons = [reason for reason in study.table.reasons if reason]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _plain(found: SizeStatistics) -> dict[str, Any]:
    return {
        "n": found.n,
        "n_images": found.n_images,
        "resampled": found.resampled,
        "distribution": found.distribution,
        "aicc": found.aicc,
        **{name: finite_or_none(value) for name, value in found.values.items()},
        **{
            f"{name}_ci95": [finite_or_none(end) for end in ends]
            for name, ends in found.intervals.items()
        },
    }


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    return str(int(value)) if name in WHOLE and value == int(value) else f"{value:.6g}"
