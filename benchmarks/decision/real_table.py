"""Which real sets K-means solves when it is given the number of classes.

    python benchmarks/decision/real_table.py FOLDER
    python benchmarks/decision/real_table.py FOLDER --pick

Writes into FOLDER table.md and one file per set with its representations (rep_…), classes and k. A
set is judged if the adjusted Rand index of K-means with the true K is at least 0.8 in some
representation. `--pick` chooses the sub-problems anew instead and writes them to real_subsets.py:
of the pairs and triples of classes of each set, in an order fixed by a seed, the first 15 that are
judged.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, combinations, zip_longest
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.real_series import PACKAGES, RealSeries, full_sets, real_series, series_of
from decision.real_sources import LabelledSet, Package

JUDGED_ARI = 0.8
N_INIT = 50
MAX_SUBSETS = 15
# so many pairs and triples of a set are tried, each with at least so many items
MAX_TRIED = 60
MIN_ITEMS = 20
N_PROCESSES = 2
HEAD = """| set | package | licence | n | columns | K | ARI of K-means told K | in | judged |
|---|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Read the arguments and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where table.md and the matrices are written")
    parser.add_argument("--pick", action="store_true", help="choose the sub-problems anew")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(N_PROCESSES) as pool:
        if arguments.pick:
            chosen = dict(pool.map(_picked, full_sets()))
            _write_subsets(Path(__file__).with_name("real_subsets.py"), chosen)
            print("real_subsets.py is written: run again without --pick for the table.")
            return
        found = list(pool.map(_scored, real_series(PACKAGES)))
    for series, _ in found:
        save(series, arguments.folder)
    rows = [_row(series, scores) for series, scores in found]
    (arguments.folder / "table.md").write_text(HEAD + "".join(rows), encoding="utf-8")


def scores_of(series: RealSeries, enough: float = 2.0) -> dict[str, float]:
    """Return the adjusted Rand index of K-means told K in each representation.

    Parameters
    ----------
    series
        the set
    enough
        the representations after one with this index are left out
    """
    scores = {}
    for name, matrix in series.matrices.items():
        clustering = KMeans(series.k_classes, n_init=N_INIT, random_state=0)
        labels = clustering.fit_predict(rotated(matrix))
        scores[name] = float(adjusted_rand_score(series.classes, labels))
        if scores[name] >= enough:
            break
    return scores


def rotated(matrix: np.ndarray) -> np.ndarray:
    """Return points with the same distances and no more columns than rows."""
    n_rows, n_columns = matrix.shape
    if n_columns <= n_rows:
        return matrix
    left, sizes, _ = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    return left * sizes


def save(series: RealSeries, folder: Path) -> None:
    """Write the matrices of a set to a file of its name."""
    safe = re.sub(r"[^\w.+-]+", "_", series.name)
    matrices = {f"rep_{name}": matrix for name, matrix in series.matrices.items()}
    np.savez(folder / f"{safe}.npz", **matrices, classes=series.classes, k=series.k_classes)


def _scored(series: RealSeries) -> tuple[RealSeries, dict[str, float]]:
    with threadpool_limits(1):
        return series, scores_of(series)


def _picked(where: tuple[LabelledSet, Package]) -> tuple[str, list[tuple[str, ...]]]:
    labelled, package = where
    chosen: list[tuple[str, ...]] = []
    with threadpool_limits(1):
        for names in _candidates(labelled)[:MAX_TRIED]:
            scores = scores_of(series_of(labelled, package, names), enough=JUDGED_ARI)
            if max(scores.values()) >= JUDGED_ARI:
                chosen.append(names)
            if len(chosen) == MAX_SUBSETS:
                break
    print(labelled.name, len(chosen), flush=True)
    return labelled.name, chosen


def _candidates(labelled: LabelledSet) -> list[tuple[str, ...]]:
    """Return pairs and triples of classes in turn, each kind shuffled with a fixed seed."""
    names = labelled.large_classes(5)
    shuffled = []
    for size in (2, 3):
        groups = list(combinations(names, size)) if size < len(names) else []
        order = np.random.default_rng(size).permutation(len(groups))
        shuffled.append([groups[i] for i in order])
    in_turn = chain.from_iterable(zip_longest(*shuffled))
    return [
        group
        for group in in_turn
        if group is not None and np.isin(labelled.classes, group).sum() >= MIN_ITEMS
    ]


def _write_subsets(path: Path, chosen: dict[str, list[tuple[str, ...]]]) -> None:
    lines = [
        f"    {name!r}: (\n" + "".join(f"        {group!r},\n" for group in groups) + "    ),\n"
        for name, groups in chosen.items()
        if groups
    ]
    head = (
        '"""The classes that make a sub-problem of a real set: written by `real_table.py`."""\n\n'
    )
    text = "SUBSETS: dict[str, tuple[tuple[str, ...], ...]] = {\n" + "".join(lines) + "}\n"
    path.write_text(head + text, encoding="utf-8")


def _row(series: RealSeries, scores: dict[str, float]) -> str:
    best = max(scores, key=scores.__getitem__)
    judged = "yes" if scores[best] >= JUDGED_ARI else "no"
    columns = max(matrix.shape[1] for matrix in series.matrices.values())
    package = f"{series.package} {series.version}"
    counts = f"{len(series.classes)} | {columns} | {series.k_classes}"
    score = f"{scores[best]:.2f} | {best} | {judged}"
    return f"| {series.name} | {package} | {series.licence} | {counts} | {score} |\n"


if __name__ == "__main__":
    main()
