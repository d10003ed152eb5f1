"""The sign of the current: changed where the user says so, and doubted where it looks reversed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.curves.curve_map import CurveMap, Origin
from umlpsd_gpu.analyses.curves.settings import CurvesSettings

# Fewer curves say nothing; with so large a share of falling ones the sign is doubtful
FEWEST_CURVES, LARGE_SHARE = 10, 0.9
INVERT = "--invert-current"


def with_polarity(curves: CurveMap, settings: CurvesSettings) -> CurveMap:
    """Change the sign of the current if the settings say so; note where it looks reversed.

    Parameters
    ----------
    curves : CurveMap
    settings : CurvesSettings

    Returns
    -------
    CurveMap
    """
    if settings.invert_current:
        curves = replace(
            curves,
            current={sweep: -values for sweep, values in curves.current.items()},
            origins={**curves.origins, "sign of the current": Origin("inverted", INVERT)},
        )
    recorded = curves.is_recorded
    if np.count_nonzero(recorded) < FEWEST_CURVES:
        return curves
    from_middle = curves.bias - curves.bias.mean()
    notes = []
    for sweep, values in curves.current.items():
        n_falling = int(np.count_nonzero(values[recorded] @ from_middle < 0))
        if n_falling > LARGE_SHARE * np.count_nonzero(recorded):
            notes.append(
                f"In {n_falling} of {np.count_nonzero(recorded)} curves of the {sweep} sweep the "
                "current falls as the bias rises: if the file gives the sweep in the order of "
                "time, turn its axis round with --bias-from-v and --bias-to-v; if the amplifier "
                f"inverts, use {INVERT}."
            )
    return replace(curves, notes=(*curves.notes, *notes))
