"""Tables of a few features: blobs of many forms, or one blob without clusters."""

from __future__ import annotations

import numpy as np

from .ensemble import Draw, Drawn, log_uniform, shuffled_classes

FORMS = ("gaussian", "student", "skewed", "correlated")
TWINS = ("gaussian", "box", "banana", "skewed")


def features(draw: Draw) -> Drawn:
    """Draw two to eight blobs in two to eight columns; the twin is one blob of any form."""
    rng = draw.rng
    k, n_columns = draw.k(2, 8), int(rng.integers(2, 9))
    n = int(log_uniform(rng, max(60, 20 * k), 1000))
    if draw.is_twin:
        form = TWINS[(draw.number // 4) % len(TWINS)]
        values, classes = _blob(rng, form, n, n_columns), np.zeros(n, dtype=int)
        description = f"one {form} blob, {n_columns} columns"
    else:
        sizes = 8 + rng.multinomial(n - 8 * k, rng.dirichlet(np.full(k, rng.choice([2.0, 20.0]))))
        classes = shuffled_classes(rng, sizes)
        form = str(rng.choice(FORMS))
        apart, unequal = log_uniform(rng, 1.7, 10), rng.uniform(0, 0.4)
        centres = apart * _centres(rng, k, n_columns)
        widths = np.exp(unequal * rng.standard_normal(k))
        values = np.empty((n, n_columns))
        for c in range(k):
            of_class = classes == c
            blob = widths[c] * _blob(rng, form, of_class.sum(), n_columns)
            values[of_class] = centres[c] + blob
        description = f"{form}, {n_columns} columns, {apart:.1f} σ apart, widths ±{unequal:.2f}"
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    return Drawn({"features": standardised}, classes, description)


def _blob(rng: np.random.Generator, form: str, n: int, n_columns: int) -> np.ndarray:
    """Return points around 0, each column of about width 1."""
    normal = rng.standard_normal((n, n_columns))
    if form == "student":
        freedom = rng.uniform(3, 6)
        heavy = normal / np.sqrt(rng.chisquare(freedom, (n, 1)) / freedom)
        return heavy / np.sqrt(freedom / (freedom - 2))
    if form == "skewed":
        strength = rng.uniform(0.3, 0.8)
        skewed = np.exp(strength * normal) - np.exp(strength**2 / 2)
        return skewed / np.sqrt(np.expm1(strength**2) * np.exp(strength**2))
    if form == "correlated":
        axes = np.linalg.qr(rng.standard_normal((n_columns, n_columns)))[0]
        lengths = np.exp(rng.uniform(-0.8, 0.8, n_columns))
        return normal * lengths / np.sqrt(np.mean(lengths**2)) @ axes
    if form == "box":
        return np.sqrt(12) * (rng.random((n, n_columns)) - 0.5)
    if form == "banana":  # an arc of 100 to 200 degrees
        angle = rng.uniform(-0.5, 0.5, n) * rng.uniform(1.7, 3.5)
        normal *= rng.uniform(0.1, 0.3)
        normal[:, 0] += 1.5 * np.sin(angle)
        normal[:, 1] += 1.5 * np.cos(angle)
    return normal


def _centres(rng: np.random.Generator, k: int, n_columns: int) -> np.ndarray:
    """Return random centres whose closest pair is 1 apart."""
    best, widest = np.zeros((k, n_columns)), 0.0
    for _ in range(20):  # the least crowded of several draws
        centres = rng.standard_normal((k, n_columns))
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        closest = gaps[np.triu_indices(k, 1)].min()
        if closest > widest:
            best, widest = centres, closest
    return best / widest
