"""Labelled ensembles of many families, to judge how a rule decides K.

``simulate(family, number)`` depends on nothing but its arguments. Every fourth number (3, 7, …)
is the unstructured twin of its family: the same generator, nuisance and noise, but one class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .blinking import emitters, unclustered
from .current_voltage import current_voltage
from .curves import periodic, trajectories
from .dwell_times import dwell_times
from .ensemble import LabelledEnsemble, family_of
from .feature_tables import features
from .scenes import assembly, crystals
from .slow_families import (
    blinking_shapes,
    common_drift,
    hierarchy,
    high_signal,
    imbalance,
    outliers,
    size,
)
from .spectra import spectra

GENERATORS = {
    "blinking": partial(emitters, "blinking"),
    "trends": partial(emitters, "trends"),
    "blinking trends": partial(emitters, "blinking trends"),
    "duty": partial(emitters, "duty"),
    "assembly": assembly,
    "unclustered": unclustered,
    "slow shapes": blinking_shapes,
    "high signal": high_signal,
    "hierarchy": hierarchy,
    "imbalance": imbalance,
    "size": size,
    "dwell times": dwell_times,
    "common drift": common_drift,
    "outliers": outliers,
    "crystals": crystals,
    "current-voltage": current_voltage,
    "features": features,
    "spectra": spectra,
    "trajectories": trajectories,
    "periodic": periodic,
}
FAMILIES: dict[str, Callable[[int], LabelledEnsemble]] = {
    name: family_of(name, generator, always_twin=name == "unclustered")
    for name, generator in GENERATORS.items()
}


def simulate(family: str, number: int) -> LabelledEnsemble:
    """Simulate one ensemble."""
    return FAMILIES[family](number)


__all__ = ["FAMILIES", "LabelledEnsemble", "simulate"]
