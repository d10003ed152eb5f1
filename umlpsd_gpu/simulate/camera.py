"""The noise of an electron-multiplying camera."""

from __future__ import annotations

import numpy as np

READ_NOISE_COUNTS = 5.0


def emccd_counts(rng: np.random.Generator, expected: np.ndarray) -> np.ndarray:
    """Return noisy counts, Gamma(Poisson(λ)) + N(0, 5²), of the expected counts λ ≥ 0.

    The Gamma law of the multiplication register doubles the shot-noise variance. Counts may be
    below 0. Same shape as ``expected``, float32 (half the time of float64, which no camera needs).
    """
    electrons = rng.poisson(expected).astype(np.float32)
    counts = rng.standard_gamma(electrons, dtype=np.float32)
    counts += READ_NOISE_COUNTS * rng.standard_normal(expected.shape, dtype=np.float32)
    return counts
