"""Profiles on disk → the weights of the consensus, fitted on one half of the ensembles.

    python benchmarks/decision/fit.py FOLDER

Ensembles of even number are for tuning, those of odd number for the report (report.py). Writes
umlpsd_gpu/decision/weights.json: for evidence with nulls and for evidence without.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.cases import load_cases

from umlpsd_gpu.decision.consensus import WEIGHTS, Weights

# of 0.001, 0.003 and 0.01 the best in five-fold cross-validation of the tuning ensembles
RIDGE = 0.003


def main() -> None:
    """Fit the weights of the consensus and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    cases = load_cases(parser.parse_args().folder)
    tuning = [case for case in cases if case.number % 2 == 0 and case.is_decidable]
    fitted = {
        name: fit([case.evidence(with_nulls) for case in tuning], [c.k_true for c in tuning])
        for name, with_nulls in (("with nulls", True), ("without nulls", False))
    }
    text = json.dumps({name: weights.as_dict() for name, weights in fitted.items()}, indent=1)
    WEIGHTS.write_text(text + "\n", encoding="utf-8")
    print(f"{len(tuning)} ensembles; {[len(w.names) for w in fitted.values()]} weights: {WEIGHTS}")


def fit(evidence: list, k_true: list[int]) -> Weights:
    """Return the weights of a conditional logit with a ridge penalty.

    Each ensemble chooses among K = 1 (one constant) and K = 2, 3, … (weighted evidence).
    """
    rows = np.concatenate([e.values for e in evidence])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = [(e.values - mean) / deviation for e in evidence]
    chosen = [0 if k == 1 else k - 1 for k in k_true]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = RIDGE * w[1:] @ w[1:], np.zeros_like(w)
        gradient[1:] = 2 * RIDGE * w[1:]
        for x, y in zip(scaled, chosen, strict=True):
            utility = np.append(w[0], x @ w[1:])
            utility -= utility.max()
            share = np.exp(utility) / np.exp(utility).sum()
            value -= np.log(share[y]) / len(scaled)
            share[y] -= 1
            gradient += np.append(share[0], x.T @ share[1:]) / len(scaled)
        return value, gradient

    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return Weights(evidence[0].names, float(found[0]), found[1:] / deviation, mean)


if __name__ == "__main__":
    main()
