"""How often classes of particles are right: noise, one population, three classes.

    python benchmarks/particle_classes.py --out benchmarks/results/particle_classes.md

Noise is 13 columns of normal numbers, compared like the published features. Populations are
simulated images of super-ellipses, measured by their outlines. Nothing was tuned on these seeds.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from umlpsd_gpu.analyses.particles.class_features import compared_matrix, feature_matrix
from umlpsd_gpu.analyses.particles.classes import find_classes
from umlpsd_gpu.analyses.particles.classifier import train_classifier
from umlpsd_gpu.analyses.particles.measure import harmonics_of
from umlpsd_gpu.analyses.particles.particle_table import NAMES, ParticleTable
from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.analyses.particles.stability import LEAST_ARI, cophenetic_correlation
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.features import particle_features
from umlpsd_gpu.shapes.outline import find_outlines
from umlpsd_gpu.simulate.particle_shapes import simulate_shapes

# Squares, rods and triangles with rounded corners, and a spread of each
THREE = (
    {"d_range": (2, 2), "p_range": (5.0, 9.0), "l_range": (1.0, 1.1)},
    {"d_range": (2, 2), "p_range": (4.0, 8.0), "l_range": (2.0, 2.6)},
    {"d_range": (3, 3), "p_range": (1.6, 1.8), "l_range": (1.5, 1.8)},
)
ONE = (
    {"d_range": (2, 2), "p_range": (3.0, 9.0), "l_range": (1.0, 1.2)},
    {"d_range": (2, 2), "p_range": (2.0, 2.2), "l_range": (1.0, 1.4)},
    {"d_range": (3, 3), "p_range": (1.5, 1.9), "l_range": (1.3, 2.0)},
    {"d_range": (2, 2), "p_range": (3.0, 6.0), "l_range": (1.5, 3.0)},
)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=100, help="of noise, and of one population")
    parser.add_argument("--scenes", type=int, default=20, help="of three classes")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    noise = [is_one_group(white_noise(seed), "published") for seed in range(options.sets)]
    one = [is_one_group(measured((ONE[s % 4],), 150, s), "shape") for s in range(options.sets)]
    three = [agreement(seed) for seed in range(options.scenes)]
    circular = [accuracy_of_noise(seed) for seed in range(5)]
    found = sum(k == 3 and ari >= 0.9 for k, ari in three)
    median = np.median([ari for _, ari in three])
    lines = [
        "# Classes of particles",
        "",
        f"{date.today()}; made by `benchmarks/particle_classes.py`. Noise: 300 particles, 13 "
        "columns. Populations: 150 particles of one family (squares, round ones, triangles, rods) "
        "with a spread of shapes. Three classes: 60 squares, 60 rods and 60 triangles; right: "
        "K = 3 and adjusted Rand index with the truth ≥ 0.9.",
        "",
        "| what | found | required |",
        "|---|---|---|",
        f"| white noise: no classes | {sum(noise)} of {len(noise)} | 95 of 100 |",
        f"| one population: no classes | {sum(one)} of {len(one)} | 95 of 100 |",
        f"| three classes found | {found} of {len(three)} | 19 of 20 |",
        f"| three classes: adjusted Rand index, median | {median:.3f} | |",
        f"| classifier of clusters in noise: accuracy | {np.mean(circular):.3f} | as published: "
        "0.97–0.996 |",
        f"| cophenetic correlation of noise, of three classes | "
        f"{cophenetic_correlation(white_noise(0)):.2f}, "
        f"{cophenetic_correlation(of_three(0)[0]):.2f} | |",
        "",
        f"K of the three classes: {', '.join(str(k) for k, _ in three)}.",
    ]
    text = "\n".join(lines) + "\n"
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text, encoding="utf-8")


def white_noise(seed: int) -> np.ndarray:
    """Return 13 columns without classes."""
    return np.random.default_rng([seed, 13]).normal(size=(300, 13))


def measured(families: tuple[dict, ...], n: int, seed: int) -> np.ndarray:
    """Return the features of simulated particles, n of each family."""
    made = [simulate_shapes(n_shapes=n, seed=7000 + seed, **family) for family in families]
    return np.concatenate([features_of(each.image, each.labels) for each in made])


def features_of(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return features of the shape of all particles of an image."""
    outlines = find_outlines(cut_crops(image, labels))
    n = len(outlines.polygons)
    values: dict[str, np.ndarray] = {name: np.full(n, np.nan) for name in NAMES}
    values |= particle_features(image, labels, 1.0, outlines) | harmonics_of(outlines)
    return feature_matrix(ParticleTable(values, ("",) * n, ("",) * n), "shape")


def of_three(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and true classes of a scene of three."""
    features = measured(THREE, 60, seed)
    known = np.isfinite(features).all(axis=1)
    return features[known], np.repeat([0, 1, 2], 60)[known]


def classes_of(features: np.ndarray, name: str) -> tuple[int, np.ndarray]:
    """Return the number of classes, 1 for none, and the labels."""
    features = features[np.isfinite(features).all(axis=1)]
    settings = ParticlesSettings().with_values({"particle.features": name})
    found, ari = find_classes(compared_matrix(features, name), settings, Context())
    if not ari >= LEAST_ARI or found.decision.is_undecided:
        return 1, np.ones(len(features), dtype=int)
    return int(found.labels.max()), found.labels


def is_one_group(features: np.ndarray, name: str) -> bool:
    """Return whether no classes are reported."""
    return classes_of(features, name)[0] == 1


def agreement(seed: int) -> tuple[int, float]:
    """Return K and the adjusted Rand index with the truth of three classes."""
    features, truth = of_three(seed)
    k, labels = classes_of(features, "shape")
    return k, float(adjusted_rand_score(truth, labels))


def accuracy_of_noise(seed: int) -> float:
    """Return how well a classifier learns clusters of noise, as the published pipeline does."""
    from sklearn.cluster import KMeans

    matrix = white_noise(seed)
    labels = 1 + KMeans(3, n_init=5, random_state=seed).fit_predict(matrix)
    return train_classifier(tuple(f"x{i}" for i in range(13)), matrix, labels, seed).accuracy


if __name__ == "__main__":
    main()
