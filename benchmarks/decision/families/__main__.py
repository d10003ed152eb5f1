"""How well K-means finds the classes when it is given the true K, by family.

PYTHONPATH=benchmarks python -m decision.families [--first 0 --stop 16] [--family NAME]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from umlpsd_gpu.decision.labels import match_labels

from . import FAMILIES
from .ensemble import OUTLIER, LabelledEnsemble


def main() -> None:
    """Print a line for each ensemble and a table of the families."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stop", type=int, default=16)
    parser.add_argument("--family", choices=FAMILIES, action="append")
    arguments = parser.parse_args()
    rows = []
    with threadpool_limits(limits=1):
        for family in arguments.family or FAMILIES:
            recalls = list(_recalls(family, range(arguments.first, arguments.stop)))
            if recalls:
                shares = (np.mean([r >= least for r in recalls]) for least in (0.85, 0.99))
                cells = [f"{number:.2f}" for number in (np.median(recalls), *shares)]
                rows.append(f"| {family} | {len(recalls)} | {' | '.join(cells)} |")
    print("\n| family | ensembles | median recall | ≥ 0.85 | ≥ 0.99 |\n|---|---|---|---|---|")
    print("\n".join(rows))


def _recalls(family: str, numbers: range):
    for number in numbers:
        began = time.perf_counter()
        ensemble = FAMILIES[family](number)
        took = time.perf_counter() - began
        line = f"{family} {number}: {ensemble.description}; {took:.1f} s"
        if not ensemble.has_structure:
            print(f"{line}; twin", flush=True)
            continue
        recalls = {name: recall_at_true_k(ensemble, name) for name in ensemble.matrices}
        best = max(recalls, key=recalls.__getitem__)
        print(f"{line}; recall {recalls[best]:.2f} at {best}", flush=True)
        yield recalls[best]


def recall_at_true_k(ensemble: LabelledEnsemble, name: str) -> float:
    """Return the share of each class that its cluster holds, averaged; outliers don't count."""
    found = KMeans(ensemble.k_true, n_init=10, random_state=0).fit_predict(ensemble.matrices[name])
    counted = ensemble.classes != OUTLIER
    classes = ensemble.classes[counted]
    held = match_labels(found[counted], classes) == classes
    return float(np.mean([held[classes == c].mean() for c in np.unique(classes)]))


if __name__ == "__main__":
    main()
