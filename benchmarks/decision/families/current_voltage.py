"""Current–voltage curves: loops of the voltage, forward and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ensemble import Draw, Drawn, bounded_normal, class_sizes, log_uniform, shuffled_classes

Curve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _ohmic(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return v * s


def _diode(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return np.expm1(v / (0.18 * s)) / np.expm1(1 / (0.18 * s))


def _threshold(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    over = np.maximum(np.abs(v) - 0.4 * s, 0)
    return np.sign(v) * np.expm1(over / 0.15) / np.expm1(0.6 / 0.15)


def _space_charge(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return 0.05 * v + 0.95 * np.sign(v) * np.abs(v) ** (2 + 3 * (s - 1))


def _s_shaped(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return np.tanh(v / (0.2 * s))


def _set_loop(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return v * np.where(forward & (v < 0.5 * s), 0.25, 1.0)


def _reset_loop(v: np.ndarray, forward: np.ndarray, s: np.ndarray) -> np.ndarray:
    return v * np.where(~forward & (v > -0.5 * s), 0.25, 1.0)


KINDS: dict[str, Curve] = {
    "ohmic": _ohmic,
    "diode": _diode,
    "threshold": _threshold,
    "space charge": _space_charge,
    "S-shaped": _s_shaped,
    "set loop": _set_loop,
    "reset loop": _reset_loop,
}


def current_voltage(draw: Draw) -> Drawn:
    """Draw curves of two to five kinds with a wide spread of conductance."""
    rng = draw.rng
    k = draw.k(2, 5)
    classes = shuffled_classes(rng, class_sizes(rng, k, int(rng.integers(60, 401))))
    n_half = int(rng.integers(50, 101))
    up = np.linspace(-1, 1, n_half)
    v = np.concatenate([up, up[::-1]])
    forward = np.arange(2 * n_half) < n_half
    names = rng.permutation(list(KINDS))[:k]
    decades, signal = rng.uniform(0.1, 0.5), log_uniform(rng, 1, 300)
    apart = rng.uniform(0, 0.5)  # decades between the kinds
    spread = log_uniform(rng, 0.02, 0.2)
    own = np.exp(spread * bounded_normal(rng, len(classes)))
    magnitudes = 10 ** (apart * rng.standard_normal(k)[classes])
    magnitudes *= 10 ** (decades * rng.standard_normal(len(classes)))
    currents = np.empty((len(classes), 2 * n_half))
    for c, name in enumerate(names):
        currents[classes == c] = KINDS[name](v, forward, own[classes == c])
    sigma = 1 / signal
    currents = currents * magnitudes[:, None] + sigma * rng.standard_normal(currents.shape)
    description = (
        f"{', '.join(names)}, magnitude ±{decades:.2f} decades, kinds ±{apart:.2f}, "
        f"signal/noise {signal:.0f}, spread {spread:.2f}"
    )
    matrices = {
        "asinh": np.arcsinh(currents / (3 * sigma)),
        "shape": currents / np.abs(currents).max(axis=1, keepdims=True),
        "log_abs": np.log10(np.maximum(np.abs(currents), sigma)),
    }
    return Drawn(matrices, classes, description)
