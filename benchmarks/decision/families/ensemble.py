"""One labelled ensemble, and what all families share: the draw of classes and representations."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from umlpsd_gpu.preprocessing.normalise import minmax
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.preprocessing.wavelet import max_level
from umlpsd_gpu.scale import Scale
from umlpsd_gpu.simulate.camera import emccd_counts
from umlpsd_gpu.traces.traces import Traces

DT_S = 0.03
BACKGROUND = 20.0
SCALES = ("raw", "W10", "W25", "W50", "W100", "W200", "WL6")
MIN_BINS = 20
OUTLIER = -1


@dataclass(frozen=True)
class LabelledEnsemble:
    """Simulated items of known classes, in the representations that K-means is given.

    Attributes
    ----------
    family : str
    number : int
    has_structure : bool
        False for the unstructured twin.
    k_true : int
        1 for the twin.
    matrices : dict of str to ndarray, shape (n_items, n_columns), float64
        By the name of the representation.
    classes : ndarray, shape (n_items,), int
        From 0; -1 for planted outliers.
    description : str
        One line with the parameters.
    neighbours : ndarray, shape (n_items, 2), int, or None
        Row and column of every pixel of a scene.
    """

    family: str
    number: int
    has_structure: bool
    k_true: int
    matrices: dict[str, np.ndarray]
    classes: np.ndarray
    description: str
    neighbours: np.ndarray | None


@dataclass(frozen=True)
class Drawn:
    """What the generator of a family returns."""

    matrices: dict[str, np.ndarray]
    classes: np.ndarray
    description: str
    neighbours: np.ndarray | None = None


@dataclass(frozen=True)
class Draw:
    """What the generator of a family is given.

    Attributes
    ----------
    rng : numpy.random.Generator
    number : int
    is_twin : bool
        Draw one class only.
    """

    rng: np.random.Generator
    number: int
    is_twin: bool

    def k(self, low: int, high: int) -> int:
        """Return a number of classes, 1 for the twin."""
        drawn = int(self.rng.integers(low, high + 1))
        return 1 if self.is_twin else drawn


def family_of(
    name: str, generator: Callable[[Draw], Drawn], always_twin: bool = False
) -> Callable[[int], LabelledEnsemble]:
    """Return the family as a function of the number; every fourth ensemble is a twin."""

    def ensemble(number: int) -> LabelledEnsemble:
        is_twin = always_twin or number % 4 == 3
        rng = np.random.default_rng([2027, zlib.crc32(name.encode()), number])
        drawn = generator(Draw(rng, number, is_twin))
        k_true = len(np.unique(drawn.classes[drawn.classes != OUTLIER]))
        return LabelledEnsemble(
            name,
            number,
            not is_twin,
            k_true,
            {key: np.asarray(m, dtype=np.float64) for key, m in drawn.matrices.items()},
            drawn.classes,
            f"K={k_true} n={len(drawn.classes)} {drawn.description}",
            drawn.neighbours,
        )

    return ensemble


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def bounded_normal(rng: np.random.Generator, n: int, limit: float = 2.0) -> np.ndarray:
    """Return a column of normal deviates within ±limit, without a crowd at the limits."""
    return ndtri(rng.uniform(ndtr(-limit), ndtr(limit), (n, 1)))


def shuffled_classes(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    """Return the class of every item, in random order."""
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


def class_sizes(
    rng: np.random.Generator, k: int, n: int, ratio: float = 1.0, fewest: int = 3
) -> np.ndarray:
    """Return about ``n`` items in ``k`` classes, the first ``ratio`` times as large."""
    weights = rng.uniform(0.7, 1.3, k) if ratio == 1 else np.ones(k)
    weights[0] *= ratio
    return np.maximum(np.round(n * weights / weights.sum()).astype(int), fewest)


def camera_values(
    rng: np.random.Generator,
    shapes: np.ndarray,
    counts: float,
    background: float | np.ndarray = BACKGROUND,
) -> np.ndarray:
    """Return recorded counts of brightness 0…1, with an individual amplitude for each trace."""
    bright = counts * np.exp(0.25 * rng.standard_normal(len(shapes)))
    return emccd_counts(rng, background + bright[:, None] * np.maximum(shapes, 0))


def trace_matrices(
    values: np.ndarray, scales: tuple[str, ...] = SCALES, dt_s: float = DT_S
) -> dict[str, np.ndarray]:
    """Return traces at every scale that leaves at least 20 bins, as the product clusters them."""
    traces = Traces.without_place(values, dt_s, "simulated")
    chosen = [s for s in map(Scale.parse, scales) if _fits(s, traces.n_frames)]
    return {scale.name: preprocess_at(traces, scale).values for scale in chosen}


def curve_matrices(values: np.ndarray, windows: tuple[int, ...] = (5, 20)) -> dict[str, np.ndarray]:
    """Return min–max scaled curves, raw and averaged over windows."""
    matrices = {"raw": minmax(values)}
    for window in windows:
        n_bins = values.shape[1] // window
        binned = values[:, : n_bins * window].reshape(len(values), n_bins, window).mean(axis=2)
        matrices[f"W{window}"] = minmax(binned)
    return matrices


def _fits(scale: Scale, n_frames: int) -> bool:
    deepest = scale.kind != "wavelet" or scale.size <= max_level(n_frames, "db4")
    return deepest and n_frames >= MIN_BINS * scale.n_frames_averaged
