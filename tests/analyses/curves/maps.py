"""Simulated maps for the tests of curves."""

from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.simulate.curves import SimulatedCurves, simulate_curves

SMALL = {"n_rows": 20, "n_cols": 30, "n_points": 128}


def simulated_map(**changes) -> tuple[CurveMap, SimulatedCurves]:
    """Return a small simulated map and its truth."""
    made = simulate_curves(**(SMALL | changes))
    curves = CurveMap(
        made.bias, made.current, shape=made.shape, positions=made.positions, height=made.height
    )
    return curves, made
