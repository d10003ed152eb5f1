"""Representations of curves: the forms in which they are clustered.

All are finite everywhere, and none depends on the unit of the current, except ``raw``, whose scale
K-means ignores. Saturated points are never used as values: they are completed from the curves that
are not saturated there. NumPy or CuPy, whichever holds the conditioned curves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.curves.completion import complete_saturated
from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import xp_of
from umlpsd_gpu.errors import SettingsError

# asinh(x) is linear below 1 and logarithmic above: currents below this many standard deviations of
# the noise count as small
SIGMAS = 3.0
# Against division by 0 where there is no noise at all
LEAST_NOISE = 1e-300
# Points of a sweep that are compared. Twice as many take twice as long, and gave the same labels in
# all simulated maps.
MOST_POINTS = 128
# Feenstra's broadening of I/V, as a share of the bias range
BROADENING = 0.1


def represent_curves(
    conditioned: ConditionedCurves,
    names: Sequence[str] = ("asinh",),
    most_points: int | None = MOST_POINTS,
) -> dict[str, Array]:
    """Return the usable curves in one or several forms; both sweeps stand side by side.

    Parameters
    ----------
    conditioned : ConditionedCurves
        Its arrays are NumPy's or CuPy's.
    names : sequence of str
        ``"asinh"``: asinh(I/3σ), with one σ for all curves. ``"shape"``: the same without its
        size, divided by its root mean square. ``"magnitude"``: the logarithm of that size, one
        column. ``"log_conductance"``: log10 |G| with the noise as floor.
        ``"normalised_conductance"``: (dI/dV)/(I/V) with I/V broadened as Feenstra does.
        ``"unit_norm"``: I divided by its Euclidean norm. ``"raw"``: I divided by one number.
    most_points : int, optional
        Neighbouring points are averaged in equal groups, so that no more than these are left of
        each sweep; None: all are kept.

    Returns
    -------
    dict of str to array, shape (n_usable, n_columns), float64

    Raises
    ------
    SettingsError
        If a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
    >>> from umlpsd_gpu.analyses.curves.curve_map import CurveMap
    >>> from umlpsd_gpu.analyses.curves.representations import represent_curves
    >>> bias = np.linspace(-1, 1, 101)
    >>> noise = np.random.default_rng(0).normal(0, 1e-12, (4, 101))
    >>> conditioned = condition_curves(CurveMap(bias, {"forward": 1e-9 * bias + noise}))
    >>> represent_curves(conditioned)["asinh"].shape
    (4, 101)
    """
    unknown = [name for name in names if name not in REPRESENTATIONS]
    if unknown or not names:
        raise SettingsError(
            f"representations of curves must be of {', '.join(REPRESENTATIONS)}, got "
            f"{', '.join(unknown) or 'none'}"
        )
    usable = _Usable(conditioned)
    matrices = {name: REPRESENTATIONS[name](usable) for name in names}
    n = usable.bias.size
    if most_points is None or n <= most_points:
        return matrices
    average = _group_average(usable.xp, n, -(-n // most_points))
    return {
        name: _averaged(matrix, average) if matrix.shape[1] >= n else matrix
        for name, matrix in matrices.items()
    }


def _group_average(xp: Any, n_points: int, size: int) -> Array:
    """Return the matrix that averages groups of neighbouring points; the last may be smaller."""
    n_groups = -(-n_points // size)
    belongs = (xp.arange(n_points) // size)[:, None] == xp.arange(n_groups)[None, :]
    share = xp.where(belongs, 1.0, 0.0)
    average: Array = share / share.sum(axis=0)[None, :]
    return average


def _averaged(matrix: Array, average: Array) -> Array:
    """Average the points of each sweep."""
    n_curves, n_points = len(matrix), len(average)
    found: Array = matrix.reshape(n_curves, -1, n_points) @ average
    return found.reshape(n_curves, -1)


class _Usable:
    """The usable curves with their saturated points completed; asinh(I/3σ) is made once."""

    def __init__(self, conditioned: ConditionedCurves) -> None:
        self.xp: Any = xp_of(conditioned.bias)
        rows = conditioned.is_usable
        self.bias = conditioned.bias
        self.sigma = _typical_noise(self.xp, conditioned.noise[rows])
        self.asinh: dict[str, Array] = {}
        self.conductance: dict[str, Array] = {}
        sweeps = list(conditioned.current)
        scaled = self.xp.concatenate(
            [_asinh(self.xp, conditioned.current[s][rows] / (SIGMAS * self.sigma)) for s in sweeps],
            axis=1,
        )
        masks = self.xp.concatenate([conditioned.is_saturated[s][rows] for s in sweeps], axis=1)
        complete = complete_saturated(scaled, masks)
        n = self.bias.size
        for i, sweep in enumerate(sweeps):
            self.asinh[sweep] = complete[:, i * n : (i + 1) * n]
            self.conductance[sweep] = self._filled_conductance(
                conditioned.conductance[sweep][rows], self.current(sweep)
            )

    def current(self, sweep: str) -> Array:
        """Return the current in units of σ, with completed points."""
        return SIGMAS * _sinh(self.xp, self.asinh[sweep])

    def _filled_conductance(self, conductance: Array, current: Array) -> Array:
        """Return dI/dV in units of σ per volt; completed where saturation leaves none."""
        slopes = self.xp.zeros_like(current)
        slopes[:, 1:-1] = (current[:, 2:] - current[:, :-2]) / (self.bias[2:] - self.bias[:-2])
        slopes[:, 0] = (current[:, 1] - current[:, 0]) / (self.bias[1] - self.bias[0])
        slopes[:, -1] = (current[:, -1] - current[:, -2]) / (self.bias[-1] - self.bias[-2])
        known = self.xp.isfinite(conductance)
        found: Array = self.xp.where(known, conductance / self.sigma, slopes)
        return found


def _typical_noise(xp: Any, noise: Array) -> Array:
    """Return the median of the noise; of constant curves, which have none, a tiny number."""
    ordered = xp.sort(noise)
    middle = (ordered[(noise.size - 1) // 2] + ordered[noise.size // 2]) / 2
    found: Array = xp.maximum(middle, LEAST_NOISE)
    return found


def _asinh(xp: Any, values: Array) -> Array:
    """Return asinh without its cancellation for negative values."""
    size = xp.abs(values)
    unsigned = xp.log(size + xp.sqrt(xp.square(size) + 1))
    found: Array = xp.where(values < 0, -unsigned, unsigned)
    return found


def _sinh(xp: Any, values: Array) -> Array:
    found: Array = (xp.exp(values) - xp.exp(-values)) / 2
    return found


def _both(usable: _Usable, sweeps: dict[str, Array]) -> Array:
    found: Array = usable.xp.concatenate(list(sweeps.values()), axis=1)
    return found


def _root_mean_square(xp: Any, values: Array) -> Array:
    size: Array = xp.sqrt(xp.mean(xp.square(values), axis=1))[:, None]
    return size


def _as_asinh(usable: _Usable) -> Array:
    return _both(usable, usable.asinh)


def _as_shape(usable: _Usable) -> Array:
    values = _both(usable, usable.asinh)
    found: Array = values / usable.xp.maximum(_root_mean_square(usable.xp, values), LEAST_NOISE)
    return found


def _as_magnitude(usable: _Usable) -> Array:
    size = _root_mean_square(usable.xp, _both(usable, usable.asinh))
    found: Array = usable.xp.log(usable.xp.maximum(size, LEAST_NOISE))
    return found


def _as_log_conductance(usable: _Usable) -> Array:
    xp = usable.xp
    values = _both(usable, usable.conductance)
    # a current of σ over the whole range: smaller conductances are noise
    floor = 1.0 / (usable.bias[-1] - usable.bias[0])
    found: Array = xp.log(xp.maximum(xp.abs(values), floor)) / float(np.log(10.0))
    return found


def _as_normalised_conductance(usable: _Usable) -> Array:
    """Return (dI/dV) / (I/V), with I/V averaged over the broadening and kept above the noise."""
    xp, bias = usable.xp, usable.bias
    kernel = _broadening_kernel(xp, bias)
    ratios = {}
    for sweep, slopes in usable.conductance.items():
        # near zero I/V is noise divided by nothing: there the slope takes its place
        width = BROADENING * (bias[-1] - bias[0]) / 2
        over_bias = (xp.abs(usable.current(sweep)) * xp.abs(bias) + xp.abs(slopes) * width**2) / (
            xp.square(bias) + width**2
        )
        broad = over_bias @ kernel
        ratios[sweep] = slopes / xp.maximum(broad, 1.0 / (bias[-1] - bias[0]))
    return _both(usable, ratios)


def _broadening_kernel(xp: Any, bias: Array) -> Array:
    """Return the matrix that averages curves with exp(−|V − V'|/ΔV)."""
    width = BROADENING * (bias[-1] - bias[0]) / 2
    kernel = xp.exp(-xp.abs(bias[:, None] - bias[None, :]) / width)
    found: Array = kernel / kernel.sum(axis=0)[None, :]
    return found


def _as_unit_norm(usable: _Usable) -> Array:
    currents = {sweep: usable.current(sweep) for sweep in usable.asinh}
    values = _both(usable, currents)
    found: Array = values / usable.xp.maximum(_root_mean_square(usable.xp, values), LEAST_NOISE)
    return found


def _as_raw(usable: _Usable) -> Array:
    return _both(usable, {sweep: usable.current(sweep) for sweep in usable.asinh})


REPRESENTATIONS: dict[str, Callable[[_Usable], Array]] = {
    "asinh": _as_asinh,
    "shape": _as_shape,
    "magnitude": _as_magnitude,
    "log_conductance": _as_log_conductance,
    "normalised_conductance": _as_normalised_conductance,
    "unit_norm": _as_unit_norm,
    "raw": _as_raw,
}
