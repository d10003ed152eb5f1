"""Rules and single criteria, on the ensembles that nothing was tuned on.

    python benchmarks/decision/report.py FOLDER --out benchmarks/results/decision.md

FOLDER is what gather.py filled. Ensembles of odd number only; weights.json was fitted on even ones.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from kneed import KneeLocator

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.cases import DECIDABLE_RECALL, Case, load_cases
from decision.ensembles import FAMILIES

from umlpsd_gpu.decision.consensus import fitted_weights, probabilities
from umlpsd_gpu.decision.criteria import (
    BREAK_RATIO,
    LEAST_FALL,
    STRUCTURE_SILHOUETTE,
    STRUCTURE_STABILITY,
)
from umlpsd_gpu.decision.profiles import Profile

BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)


def main() -> None:
    """Apply all rules to all cases and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    every = load_cases(arguments.folder)
    cases = [case for case in every if case.number % 2]
    n_tuned = sum(case.number % 2 == 0 for case in every)
    text = "\n".join([*_head(cases, n_tuned), *_rules(cases), *_calibration(cases), ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def by_consensus(case: Case, with_nulls: bool) -> tuple[int, float]:
    """Return K and its probability."""
    shares = probabilities(case.evidence(with_nulls), fitted_weights(with_nulls))
    k = max(shares, key=lambda k: shares[k])
    return k, shares[k]


def by_scales(read: Callable[[Profile, Case], int]) -> Callable[[Case], int]:
    """Return a rule that reads each scale alone; the K read most often wins."""

    def rule(case: Case) -> int:
        counted = Counter(read(profile, case) for profile in case.profiles)
        return min(counted.items(), key=lambda item: (-item[1], item[0]))[0]

    return rule


def as_the_paper(profile: Profile, case: Case) -> int:
    """Return K by the rule ``paper`` of umlpsd_gpu/decision, from a profile."""
    silhouette = profile.silhouette
    peak = int(np.nanargmax(silhouette))
    if silhouette[peak] < STRUCTURE_SILHOUETTE or profile.stability[peak] < STRUCTURE_STABILITY:
        return 1
    if peak + 2 >= silhouette.size:
        return peak + 1
    fall, next_fall = -np.diff(silhouette[peak : peak + 3])
    breaks = fall >= LEAST_FALL and fall >= BREAK_RATIO * abs(next_fall)
    return peak + 2 if breaks and silhouette[peak + 1] >= STRUCTURE_SILHOUETTE else peak + 1


def largest(name: str) -> Callable[[Profile, Case], int]:
    """Return a rule that takes the K with the largest value of a metric."""
    return lambda profile, case: int(np.nanargmax(getattr(profile, name))) + 1


def largest_calinski_harabasz(profile: Profile, case: Case) -> int:
    """Return the K with the largest Calinski–Harabasz index of the least-SSD partition."""
    ssd, k = np.exp(profile.log_ssd), np.arange(1, profile.log_ssd.size + 1)
    between = (ssd[0] - ssd[1:]) / (k[1:] - 1)
    return int(np.argmax(between / (ssd[1:] / (case.n_traces - k[1:])))) + 2


def largest_second_difference(profile: Profile, case: Case) -> int:
    """Return the K with the largest second difference of the SSD."""
    return int(np.argmax(np.diff(np.exp(profile.log_ssd), n=2))) + 2


def knee_of_ssd(profile: Profile, case: Case) -> int:
    """Return the knee of the SSD by Kneedle; 1 if it finds none."""
    ks, ssd = np.arange(1, profile.log_ssd.size + 1), np.exp(profile.log_ssd)
    knee = KneeLocator(ks, ssd, curve="convex", direction="decreasing").knee
    return 1 if knee is None else int(knee)


def slope_of_below_percent(case: Case) -> int:
    """Return the K after which <%EM> begins to rise most sharply at most scales."""
    rises = np.nan_to_num(case.below_percent)
    counted = Counter((2 + np.diff(rises, n=2, axis=1).argmax(axis=1)).tolist())
    return min(counted.items(), key=lambda item: (-item[1], item[0]))[0]


def gap_statistic(case: Case) -> int:
    """Return the first K whose gap is at least that of K + 1, averaged over scales."""
    gaps = [n.log_ssd - p.log_ssd for n, p in zip(case.nulls, case.profiles, strict=True)]
    gap = np.mean(gaps, axis=0)
    (ended,) = np.nonzero(gap[:-1] >= gap[1:])
    return int(ended[0]) + 1 if ended.size else gap.size


RULES: dict[str, Callable[[Case], int]] = {
    "**consensus**, with surrogates": lambda case: by_consensus(case, True)[0],
    "**consensus**, without": lambda case: by_consensus(case, False)[0],
    "paper's reading, with a limit of structure": by_scales(as_the_paper),
    "largest <SS>": by_scales(largest("silhouette")),
    "largest SS of the least-SSD partition": by_scales(largest("best_silhouette")),
    "largest SS of the worst cluster": by_scales(largest("smallest_silhouette")),
    "largest Calinski-Harabasz": by_scales(largest_calinski_harabasz),
    "second difference of SSD": by_scales(largest_second_difference),
    "Kneedle on SSD": by_scales(knee_of_ssd),
    "slope of %EM": slope_of_below_percent,
    "gap statistic (Gaussian null)": gap_statistic,
}


def _head(cases: list[Case], n_tuned: int) -> list[str]:
    n_decidable = sum(case.is_decidable for case in cases)
    return [
        "# Deciding K on simulated ensembles",
        "",
        f"`gather.py FOLDER`, `fit.py FOLDER`, `report.py FOLDER` in benchmarks/decision, "
        f"{date.today()}. {len(cases)} ensembles (odd numbers) that nothing was tuned on; the "
        f"weights were fitted on {n_tuned} others. K = 1…6, 30 to 500 traces, 2,000 to 10,000 "
        "frames, 5 to 400 counts, a quarter of them unbalanced 5:1; assemblies of up to 484 pixels "
        "and 1 to 5 grains, blurred at their borders, two of them with a common trend. Scales raw, "
        "W10 … W200, WL6, K up to 10, 60 epochs.",
        "",
        f"Decidable are {n_decidable}: K = 1, or K-means with the true K finds "
        f"{100 * DECIDABLE_RECALL:.0f} % of each class on average at the best scale.",
        "",
    ]


def _rules(cases: list[Case]) -> list[str]:
    counts = [sum(c.family == f and c.is_decidable for c in cases) for f in FAMILIES]
    families = [f"{f} ({n})" for f, n in zip(FAMILIES, counts, strict=True)]
    lines = [
        "Share of decidable ensembles whose K is found exactly, in per cent. Required: consensus "
        "≥ 85 % and 10 points above every single criterion; K = 1 ≥ 95 %.",
        "",
        f"| Rule | all | K = 1 | {' | '.join(families)} |",
        "|---" * (3 + len(families)) + "|",
    ]
    for name, rule in RULES.items():
        right = {case.number: rule(case) == case.k_true for case in cases if case.is_decidable}
        cells = [_share(right, cases, lambda case: True)]
        cells.append(_share(right, cases, lambda case: case.k_true == 1))
        cells += [_share(right, cases, lambda case, f=f: case.family == f) for f in FAMILIES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _share(right: dict[int, bool], cases: list[Case], chosen: Callable[[Case], bool]) -> str:
    found = [right[case.number] for case in cases if case.number in right and chosen(case)]
    return f"{100 * np.mean(found):.0f}" if found else "–"


def _calibration(cases: list[Case]) -> list[str]:
    lines = [
        "How often the consensus is right, by its confidence; all ensembles, undecidable ones too.",
        "",
        "| confidence | with surrogates: right | of | without: right | of |",
        "|---|---|---|---|---|",
    ]
    decided = {w: [(*by_consensus(case, w), case.k_true) for case in cases] for w in (True, False)}
    for low, high in itertools.pairwise(BINS):
        cells = []
        for with_nulls in (True, False):
            inside = [k == true for k, share, true in decided[with_nulls] if low <= share < high]
            cells += [f"{100 * np.mean(inside):.0f} %" if inside else "–", str(len(inside))]
        lines.append(f"| {low:.2f}…{min(high, 1):.2f} | {' | '.join(cells)} |")
    above = [k == true for k, share, true in decided[True] if share >= 0.9]
    return [
        *lines,
        "",
        f"At or above 0.9 with surrogates: {100 * np.mean(above):.1f} % right of {len(above)} "
        "(required: 85…95 %).",
    ]


if __name__ == "__main__":
    main()
