"""The features that classes of particles are made of."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.particles.particle_table import ParticleTable

# What an outline looks like, whatever its size, rotation and mirror image
OF_SHAPE = (
    "ln_aspect_ratio",
    "solidity",
    "circularity",
    *(f"harmonic_{order}" for order in range(2, 7)),
)
# Those of Williamson et al.: ten from areas and lengths, and the three of the super-ellipse
PUBLISHED = (
    "area_nm2",
    "circularity",
    "eccentricity",
    "major_axis_nm",
    "minor_axis_nm",
    "convex_area_nm2",
    "perimeter_polygon_nm",
    "perimeter_crofton_nm",
    "aspect_ratio",
    "area_per_perimeter_squared",
    "p",
    "d",
    "l_ratio",
)
SETS = {"shape": OF_SHAPE, "published": PUBLISHED}
# p tends to infinity for sharp corners; larger values tell nothing (docs/particles.md)
LARGEST_P = 20.0
# Interquartile ranges between the quartiles and the outer fences
FENCES = 3.0


def feature_matrix(table: ParticleTable, features: str) -> np.ndarray:
    """Return the features of every particle, as they are measured.

    Parameters
    ----------
    table : ParticleTable
    features : str
        ``"shape"`` or ``"published"``.

    Returns
    -------
    ndarray of float64, shape (n_particles, n_features)
        Columns as `SETS` names them; NaN where a particle has no such value.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        made = {
            "ln_aspect_ratio": np.log(table["aspect_ratio"]),
            "area_per_perimeter_squared": table["area_nm2"]
            / np.square(table["perimeter_polygon_nm"]),
            "p": np.minimum(table["p"], LARGEST_P),
        }
    return np.stack(
        [made[name] if name in made else table[name] for name in SETS[features]], axis=1
    ).astype(np.float64)


def compared_matrix(features: np.ndarray, name: str) -> np.ndarray:
    """Return features as they are compared: without far outliers, on one scale.

    A value beyond three interquartile ranges from the quartiles (Tukey's outer fences) counts as
    one on the fence: single particles, as merged ones, would be clusters of their own otherwise.
    Features of the shape are all relative to the size of a particle and are compared as they are,
    so that those that hold noise only stay small; the published ones have different units and are
    divided by their standard deviations.

    Parameters
    ----------
    features : ndarray of float, shape (n_particles, n_features)
        Finite.
    name : str
        ``"shape"`` or ``"published"``.

    Returns
    -------
    ndarray of float64, the same shape
        Columns of mean 0.
    """
    low, high = np.percentile(features, (25, 75), axis=0)
    reach = FENCES * (high - low)
    matrix = np.clip(features, low - reach, high + reach)
    centred: np.ndarray = matrix - matrix.mean(axis=0)
    if name == "shape":
        return centred
    spread = centred.std(axis=0)
    # a column that differs by rounding only is constant
    is_constant = spread <= 1e-12 * np.abs(matrix).max(axis=0, initial=0.0)
    scaled: np.ndarray = centred / np.where(is_constant, np.inf, spread)
    return scaled
