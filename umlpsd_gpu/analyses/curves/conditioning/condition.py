"""Condition a map of curves, in the published order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.conditioning.derivative import (
    Derivative,
    differentiate,
    scale_lock_in,
)
from umlpsd_gpu.analyses.curves.conditioning.hysteresis import shift_between_sweeps
from umlpsd_gpu.analyses.curves.conditioning.noise import noise_of_curves
from umlpsd_gpu.analyses.curves.conditioning.offsets import Offsets, find_offsets
from umlpsd_gpu.analyses.curves.conditioning.saturation import Saturation, find_saturated
from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD, CurveMap
from umlpsd_gpu.analyses.curves.settings import ConditioningSettings
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.plotting.si_units import si_text

FEWEST_POINTS = 8
# A dead curve stays within this many standard deviations of its median in every average over
# 1/16 of its points; one in 10,000 curves of pure noise would be above.
DEAD_BELOW = 4.5
BLOCKS_OF_DEAD = 16


def condition_curves(
    curves: CurveMap, settings: ConditioningSettings | None = None
) -> ConditionedCurves:
    """Remove offsets, find noise and saturated points, differentiate.

    The order is that of Feenstra's analysis of tunnelling spectra: sweeps are kept apart; the
    offset of the bias is found from the mean of both sweeps and the offset of the current at zero
    bias; then come noise, saturation and the derivative.

    Parameters
    ----------
    curves : CurveMap
    settings : ConditioningSettings, optional

    Returns
    -------
    ConditionedCurves

    Raises
    ------
    TracesError
        If the curves have fewer than eight points, or none is usable: not recorded, without a
        current above the noise, or saturated everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import CurveMap, condition_curves
    >>> bias = np.linspace(-1, 1, 101)
    >>> noise = np.random.default_rng(0).normal(0, 1e-12, (4, 101))
    >>> curves = CurveMap(bias, {"forward": 1e-9 * bias + 5e-12 + noise})
    >>> round(condition_curves(curves).current_offset[0] * 1e12)
    5
    """
    settings = settings or ConditioningSettings()
    if curves.n_points < FEWEST_POINTS:
        raise TracesError(
            f"the curves have {curves.n_points} points each; at least {FEWEST_POINTS} are needed "
            "to know noise and slopes: give longer curves"
        )
    recorded = curves.is_recorded
    if not recorded.any():
        raise TracesError(
            "no curve of the map was recorded completely; give a map with at least one complete "
            "curve"
        )
    noise = _noise(curves, recorded)
    typical = float(np.median(noise[recorded]))
    saturation = find_saturated(
        curves.current, typical, settings.compliance_a, settings.saturated_points
    )
    is_usable = recorded & _has_signal(curves, noise) & ~_is_saturated_everywhere(saturation)
    if not is_usable.any():
        raise TracesError(_why_none_usable(curves, recorded, saturation))
    offsets = _offsets(curves, saturation, noise, is_usable, settings)
    bias = curves.bias - offsets.bias
    current = {name: values - offsets.current for name, values in curves.current.items()}
    derivative, clipped = _derivative(curves, current, saturation, noise, settings)
    shift = np.full(curves.n_curves, np.nan)
    if {FORWARD, BACKWARD} <= set(current):
        both = shift_between_sweeps(bias, current[FORWARD], current[BACKWARD], noise)
        shift[is_usable] = both[is_usable]
    return ConditionedCurves(
        bias=bias,
        current=current,
        is_saturated=saturation.is_saturated,
        noise=noise,
        current_offset=np.where(recorded, offsets.current, np.nan),
        bias_offset=offsets.bias,
        hysteresis_shift=shift,
        is_usable=is_usable,
        conductance=derivative.conductance,
        notes=tuple(_notes(recorded, is_usable, saturation, offsets, derivative, clipped)),
    )


def _noise(curves: CurveMap, recorded: np.ndarray) -> np.ndarray:
    """Return the noise of each curve, the root mean square of its sweeps."""
    noise = np.full(curves.n_curves, np.nan)
    variances = [np.square(noise_of_curves(values[recorded])) for values in curves.current.values()]
    noise[recorded] = np.sqrt(np.mean(variances, axis=0))
    return noise


def _has_signal(curves: CurveMap, noise: np.ndarray) -> np.ndarray:
    """Return which curves have a current that changes with bias, above the noise."""
    found = np.zeros(curves.n_curves, dtype=bool)
    n_blocks = min(BLOCKS_OF_DEAD, curves.n_points // 2)
    width = curves.n_points // n_blocks
    for values in curves.current.values():
        blocks = values[:, : n_blocks * width].reshape(len(values), n_blocks, width).mean(axis=2)
        change = np.abs(blocks - np.median(blocks, axis=1, keepdims=True)).max(axis=1)
        found |= change * np.sqrt(width) > DEAD_BELOW * noise
    return found & (noise >= 0)


def _is_saturated_everywhere(saturation: Saturation) -> np.ndarray:
    everywhere = [mask.all(axis=1) for mask in saturation.is_saturated.values()]
    found: np.ndarray = np.logical_or.reduce(everywhere)
    return found


def _why_none_usable(curves: CurveMap, recorded: np.ndarray, saturation: Saturation) -> str:
    n, n_saturated = curves.n_curves, int(_is_saturated_everywhere(saturation).sum())
    n_dead = int(recorded.sum()) - n_saturated
    return (
        f"none of the {n} curves is usable: {n - int(recorded.sum())} not recorded, {n_saturated} "
        f"saturated at every point, {n_dead} without a current above the noise; give a map with "
        "currents between noise and compliance"
    )


def _offsets(
    curves: CurveMap,
    saturation: Saturation,
    noise: np.ndarray,
    is_usable: np.ndarray,
    settings: ConditioningSettings,
) -> Offsets:
    sweeps = [
        np.where(saturation.is_saturated[name], np.nan, values)[is_usable]
        for name, values in curves.current.items()
    ]
    mean = np.mean(sweeps, axis=0)
    found = find_offsets(
        curves.bias,
        mean,
        noise[is_usable],
        settings.zero_bias_window_v,
        fixed_bias=not settings.remove_bias_offset,
    )
    return found if settings.remove_current_offset else replace(found, current=0.0)


def _derivative(
    curves: CurveMap,
    current: Mapping[str, np.ndarray],
    saturation: Saturation,
    noise: np.ndarray,
    settings: ConditioningSettings,
) -> tuple[Derivative, dict[str, int]]:
    """Return dI/dV, and the number of clipped curves of each lock-in channel."""
    numerical = differentiate(
        curves.bias, current, saturation.is_saturated, noise, settings.smoothing_points
    )
    channels = _channels(curves)
    found = {
        name: find_saturated(sweeps, _typical_noise(sweeps)) for name, sweeps in channels.items()
    }
    clipped = {name: each.n_curves for name, each in found.items() if each.n_curves}
    masks = {name: each.is_saturated for name, each in found.items()}
    return scale_lock_in(numerical, channels, masks), clipped


def _channels(curves: CurveMap) -> dict[str, dict[str, np.ndarray]]:
    """Return the lock-in channels by name, then by sweep."""
    channels: dict[str, dict[str, np.ndarray]] = {}
    for name, values in curves.lock_in.items():
        sweep = BACKWARD if name.endswith(BACKWARD) else FORWARD
        channels.setdefault(name.removesuffix(sweep).strip(" _:") or "lock-in", {})[sweep] = values
    return channels


def _typical_noise(sweeps: Mapping[str, np.ndarray]) -> float:
    return float(np.nanmedian(np.concatenate([noise_of_curves(v) for v in sweeps.values()])))


def _notes(
    recorded: np.ndarray,
    is_usable: np.ndarray,
    saturation: Saturation,
    offsets: Offsets,
    derivative: Derivative,
    clipped: Mapping[str, int],
) -> Iterator[str]:
    everywhere = _is_saturated_everywhere(saturation)
    n_dead = int((recorded & ~is_usable & ~everywhere).sum())
    if n_dead:
        yield f"{_curves_are(n_dead)} not clustered (no current above the noise)"
    if n_full := int(everywhere.sum()):
        yield f"{_curves_are(n_full)} not clustered (saturated at every point)"
    if saturation.n_curves:
        limits = [si_text(limit, "A", 4) for limit in (saturation.low, saturation.high) if limit]
        yield (
            f"{_curves_are(saturation.n_curves)} saturated at {' or '.join(limits)}: these points "
            "only count as bounds"
        )
    yield (
        f"Offsets subtracted: current {si_text(offsets.current, 'A')}, bias "
        f"{si_text(offsets.bias, 'V')}"
    )
    if offsets.has_large_scatter:
        yield (
            "The currents at zero bias differ between curves by "
            f"{offsets.scatter:.0f} times the noise, as with photocurrents or a drifting "
            "amplifier: only their common offset was subtracted"
        )
    if derivative.channel:
        yield f"dI/dV is the lock-in channel {derivative.channel}, scaled to the slope of I(V)"
    else:
        yield f"dI/dV is averaged over {derivative.resolution_v * 1e3:.3g} meV (Savitzky–Golay)"
    for name, n in clipped.items():
        yield f"Lock-in channel {name}: {_curves_are(n)} clipped; the slope of I(V) is used there"


def _curves_are(n: int) -> str:
    return "1 curve is" if n == 1 else f"{n} curves are"
