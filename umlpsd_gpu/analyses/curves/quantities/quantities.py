"""All quantities of a map of curves."""

from __future__ import annotations

from umlpsd_gpu.analyses.curves.conditioned import ConditionedCurves
from umlpsd_gpu.analyses.curves.curve_map import BACKWARD, FORWARD
from umlpsd_gpu.analyses.curves.quantities.at_bias import (
    default_read_voltages,
    quantities_at_biases,
)
from umlpsd_gpu.analyses.curves.quantities.gap import gap_quantities
from umlpsd_gpu.analyses.curves.quantities.hysteresis import hysteresis_quantities
from umlpsd_gpu.analyses.curves.quantities.readings import Readings, main_sweep
from umlpsd_gpu.analyses.curves.quantities.transport import transport_quantities
from umlpsd_gpu.analyses.curves.quantities.turn_on import turn_on_voltages
from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.settings import QuantitySettings
from umlpsd_gpu.errors import SettingsError


def curve_quantities(
    conditioned: ConditionedCurves, settings: QuantitySettings | None = None
) -> dict[str, Quantity]:
    """Calculate the quantities of every curve, each with its error and validity.

    From the forward sweep, or the backward one where there is no other: current and conductance at
    chosen biases, zero-bias conductance, rectification, turn-on voltages, local exponents, the
    parameters of models of transport, and edges of a gap. From both: area, shift, set and reset
    voltages of the hysteresis.

    Parameters
    ----------
    conditioned : ConditionedCurves
    settings : QuantitySettings, optional

    Returns
    -------
    dict of str to Quantity
        By name, as ``"zero_bias_conductance"``; ``"barrier_height"`` only where area and Richardson
        constant are given. Values of curves that are not usable are NaN.

    Raises
    ------
    SettingsError
        If a chosen bias is outside the curves.

    Examples
    --------
    >>> import numpy as np
    >>> from umlpsd_gpu import CurveMap, condition_curves, curve_quantities
    >>> bias = np.linspace(-1, 1, 101)
    >>> noise = np.random.default_rng(0).normal(0, 1e-12, (4, 101))
    >>> conditioned = condition_curves(CurveMap(bias, {"forward": 1e-9 * bias + noise}))
    >>> conductance = curve_quantities(conditioned)["ohmic_conductance"]
    >>> (conductance.values * 1e9).round(2).tolist(), conductance.unit
    ([1.0, 1.0, 1.0, 1.0], 'S')
    """
    settings = settings or QuantitySettings()
    bias = conditioned.bias
    outside = [value for value in settings.read_voltages_v if not bias[0] <= value <= bias[-1]]
    if outside:
        raise SettingsError(
            f"quantities.read_voltages_v must be between {bias[0]:.4g} and {bias[-1]:.4g} V, the "
            f"range of the curves without offset, got {', '.join(f'{v:g}' for v in outside)}"
        )
    readings = Readings.of(conditioned, main_sweep(conditioned))
    biases = settings.read_voltages_v or default_read_voltages(bias)
    found = dict(quantities_at_biases(readings, biases))
    found |= turn_on_voltages(readings, settings)
    found |= transport_quantities(readings, settings)
    found |= gap_quantities(readings)
    if {FORWARD, BACKWARD} <= set(conditioned.current):
        found |= hysteresis_quantities(conditioned)
    return found
