"""Sweeps of labelled ensembles → evidence, votes and recall on disk, a file for each ensemble.

    python benchmarks/decision/gather.py FOLDER [--first 0 --stop 24]
    python benchmarks/decision/gather.py FOLDER --real

The committed results rest on numbers 0 … 23 of every family (every fourth has no structure), and on
the real series of decision/real_series.py. Existing files are kept; several processes can share the
work.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.families import FAMILIES, simulate
from decision.real_series import real_series

from umlpsd_gpu.decision.cluster_tests import least_gap
from umlpsd_gpu.decision.criteria import CRITERIA
from umlpsd_gpu.decision.evidence import core_share, evidence_of
from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.kmeans.halves import MOST_K, replicate
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.maps.neighbours import neighbour_pairs

N_EPOCHS = 30
# Real series of fewer or more items are left out: halves of a dozen say little, and thousands take
# long
REAL_ITEMS = (12, 900)


def main() -> None:
    """Gather the evidence of all ensembles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stop", type=int, default=24)
    parser.add_argument("--real", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    numbers = range(arguments.first, arguments.stop)
    with threadpool_limits(limits=1):
        for name, found in _real() if arguments.real else _simulated(arguments.folder, numbers):
            path = arguments.folder / f"{name}.npz"
            if not path.exists():
                part = path.with_suffix(f".{os.getpid()}.npz")
                np.savez(part, **found())
                os.replace(part, path)
                print(path.name, flush=True)


def _simulated(folder: Path, numbers: range) -> Iterator:
    for number in numbers:
        for family in FAMILIES:
            name = f"{family} {number}"
            if not (folder / f"{name}.npz").exists():
                ensemble = simulate(family, number)
                truth = {"family": family, "k_true": ensemble.k_true, "name": name}
                pairs = None if ensemble.neighbours is None else _pairs(ensemble.neighbours)
                yield (
                    name,
                    lambda e=ensemble, t=truth, p=pairs: gathered(e.matrices, e.classes, t, p),
                )


def _real() -> Iterator:
    for series in real_series():
        if REAL_ITEMS[0] <= len(series.classes) <= REAL_ITEMS[1]:
            classes = np.unique(series.classes, return_inverse=True)[1]
            truth = {"family": "real", "k_true": series.k_classes, "name": series.name}
            name = "".join(c if c.isalnum() else "_" for c in series.name)
            yield name, lambda s=series, c=classes, t=truth: gathered(s.matrices, c, t, None)


def gathered(
    matrices: Mapping[str, np.ndarray],
    classes: np.ndarray,
    truth: Mapping[str, object],
    neighbours: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Return evidence, votes, recall and the gap of the true classes in every representation."""
    replications, shares, recalls, aris, votes, gaps = [], [], [], [], [], []
    k_true, known = int(truth["k_true"]), classes >= 0
    for scale, values in matrices.items():
        ks = range(1, min(MOST_K, len(values) - 1) + 1)
        found = sweep(values, ks, n_epochs=N_EPOCHS, n_threads=1, scale=scale)
        replications.append(replicate(values, found))
        compared = replications[-1].k_values.tolist()
        if neighbours is not None:
            shares.append([core_share(found.best_labels(k), neighbours) for k in compared])
        labels = found.best_labels(k_true) if k_true <= ks[-1] else np.zeros(len(values), int)
        recalls.append(mean_recall(labels[known], classes[known]))
        aris.append(adjusted_rand_score(classes[known], labels[known]))
        gaps.append(least_gap(values, 1 + classes))
        votes.append([criterion(found) or 1 for criterion in CRITERIA.values()])
    evidence = evidence_of(replications, np.array(shares) if shares else None)
    return {
        **{name: np.array(value) for name, value in truth.items()},
        "n_items": np.array(len(classes)),
        "scales": np.array(list(matrices)),
        "k_values": evidence.k_values,
        "gap": evidence.gap,
        "reproducibility": evidence.reproducibility,
        "prediction_strength": evidence.prediction_strength,
        "recall": np.array(recalls),
        "ari": np.array(aris),
        "votes": np.array(votes),
        "true_gap": np.array(gaps),
    }


def mean_recall(labels: np.ndarray, classes: np.ndarray) -> float:
    """Return the share of each class that its cluster holds, averaged over classes."""
    held = match_labels(labels, classes) == classes
    return float(np.mean([held[classes == c].mean() for c in np.unique(classes)]))


def _pairs(positions: np.ndarray) -> np.ndarray:
    rows, cols = (positions - positions.min(axis=0)).T
    return neighbour_pairs(rows, cols, (int(rows.max()) + 1, int(cols.max()) + 1))


if __name__ == "__main__":
    main()
