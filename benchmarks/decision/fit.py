"""Evidence on disk → the three weights of the consensus, and the region where they were fitted.

    python benchmarks/decision/fit.py FOLDER

Writes umlpsd_gpu/decision/weights.json and familiar.json. How good they are on families that took
no part is told by report.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.cases import Case, family_weights, load_cases, probability

from umlpsd_gpu.decision.consensus import Weights, write_weights
from umlpsd_gpu.decision.familiarity import signature, write_region

RIDGE = 0.002
START = (-2.5, 1.2, 1.2)


def main() -> None:
    """Fit to all families and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    cases = [case for case in load_cases(parser.parse_args().folder) if case.family != "real"]
    weights = fit(cases)
    used = [case for case in cases if case.is_decidable]
    n_families = len({case.family for case in cases})
    write_weights(weights, f"{len(used)} decidable ensembles of {n_families} simulated families")
    k_opt = [int(probability(case, weights).argmax()) + 1 for case in used]
    points = [signature(case.evidence, k) for case, k in zip(used, k_opt, strict=True)]
    write_region(np.array(points), [case.n_items for case in cases])
    print(weights)


def fit(cases: Sequence[Case]) -> Weights:
    """Return the weights of largest likelihood; every family counts alike, undecidable ones not."""
    used = [case for case in cases if case.is_decidable]
    share = family_weights(used)

    def loss(values: np.ndarray) -> float:
        weights = Weights(*values)
        likelihood = [probability(case, weights)[case.k_true - 1] for case in used]
        return float(-(share * np.log(likelihood)).sum() + RIDGE * values[1:] @ values[1:])

    bounds = [(None, None), (0, None), (0, None)]
    found = minimize(loss, START, method="L-BFGS-B", bounds=bounds).x
    return Weights(*(float(value) for value in found))


if __name__ == "__main__":
    main()
