"""Two samples of particles side by side: differences with intervals, and effect sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.comparing.comparison import Comparison, Difference
from umlpsd_gpu.analyses.particles.result import LENGTHS, ParticleStudy
from umlpsd_gpu.analyses.particles.sizes import (
    FEWEST_IMAGES,
    resample_weights,
    resampled_units,
    weighted_moments,
)

# Columns that are compared, and how they are called
COMPARED = {
    "equivalent_diameter_nm": "equivalent diameter (nm)",
    "feret_min_nm": "smallest Feret diameter (nm)",
    "feret_max_nm": "largest Feret diameter (nm)",
    "aspect_ratio": "aspect ratio",
    "solidity": "solidity",
}
N_RESAMPLES = 2000


def compare_studies(first: ParticleStudy, second: ParticleStudy) -> Comparison:
    """Compare the particles that count of two studies.

    Parameters
    ----------
    first, second : ParticleStudy

    Returns
    -------
    Comparison
        Means and spreads of sizes and shapes, and shares of the classes where both were given by
        one classifier.
    """
    differences = [*_of_columns(first, second), *_of_classes(first, second)]
    main = differences[0]
    change = f"{main.change:+.3g} nm (95 %: {main.low:+.3g} … {main.high:+.3g}, Hedges' g"
    differ = "differ" if main.is_clear else "do not clearly differ"
    few = min(len(first.images), len(second.images)) < FEWEST_IMAGES
    notes = (
        f"A sample has fewer than {FEWEST_IMAGES} images: particles are resampled, as if they were "
        "independent, and intervals are too narrow.",
    )
    return Comparison(
        f"Mean diameters {differ}: {change} {main.effect_size:+.2f})",
        differences,
        notes if few else (),
    )


def _of_columns(first: ParticleStudy, second: ParticleStudy) -> Iterator[Difference]:
    for column, name in COMPARED.items():
        one, other = (_sample(study, column) for study in (first, second))
        means, spreads = zip(*(_resampled(*sample) for sample in (one, other)), strict=True)
        values = [_moments(v, w) for v, w, _ in (one, other)]
        pooled = np.sqrt(
            sum(
                (v.size - 1) * sd**2
                for (v, _, _), (_, sd) in zip((one, other), values, strict=True)
            )
            / max(one[0].size + other[0].size - 2, 1)
        )
        n = one[0].size + other[0].size
        # Hedges' correction of the bias of Cohen's d
        correction = 1 - 3 / (4 * n - 9) if n > 3 else float("nan")
        change = values[1][0] - values[0][0]
        effect = correction * change / pooled if pooled > 0 else float("nan")
        low, high = np.nanpercentile(means[1] - means[0], (2.5, 97.5))
        yield Difference(
            f"mean {name}", values[0][0], values[1][0], change, float(low), float(high), effect
        )
        if column in LENGTHS:
            low, high = np.nanpercentile(spreads[1] - spreads[0], (2.5, 97.5))
            one_sd, other_sd = values[0][1], values[1][1]
            yield Difference(
                f"standard deviation of {name}",
                one_sd,
                other_sd,
                other_sd - one_sd,
                float(low),
                float(high),
            )


def _of_classes(first: ParticleStudy, second: ParticleStudy) -> Iterator[Difference]:
    """Yield the shares of classes; numbers mean the same only if one classifier gave both."""
    one, other = first.classes, second.classes
    if not one.classifier or one.classifier != other.classifier:
        return
    for k in range(1, max(one.k, other.k) + 1):
        shares: list[float] = []
        resampled = []
        for study in (first, second):
            counted = study.table.is_counted
            is_class = (study.classes.labels[counted] == k).astype(np.float64)
            units = study.table["image"][counted]
            shares.append(float(is_class.mean()))
            resampled.append(_resampled(is_class, np.ones(is_class.size), units)[0])
        low, high = np.nanpercentile(resampled[1] - resampled[0], (2.5, 97.5))
        yield Difference(
            f"share of class {k}",
            shares[0],
            shares[1],
            shares[1] - shares[0],
            float(low),
            float(high),
        )


def _sample(study: ParticleStudy, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return finite values, weights and images of the particles that count."""
    values = study.table[column]
    use = study.table.is_counted & np.isfinite(values)
    return values[use], study.table["weight"][use], study.table["image"][use]


def _resampled(
    values: np.ndarray, weights: np.ndarray, image_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of resampled images, or particles if they are few."""
    if not values.size:
        return np.full((2, N_RESAMPLES), np.nan)[0], np.full(N_RESAMPLES, np.nan)
    units, _ = resampled_units(image_of)
    rng = np.random.default_rng([int(units.max()) + 1, 363])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [
            weighted_moments(values, rows)
            for rows in resample_weights(weights, units, N_RESAMPLES, rng)
        ]
    means, spreads = zip(*found, strict=True)
    return np.concatenate(means), np.concatenate(spreads)


def _moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    with np.errstate(invalid="ignore", divide="ignore"):
        (mean,), (sd,) = weighted_moments(values, weights[None])
    return float(mean), float(sd)
