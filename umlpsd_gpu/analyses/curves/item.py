"""One curve of a map: its values and quantities, and its sweeps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.items.item import Curve, Item, measured
from umlpsd_gpu.plotting.si_units import si_text


def item_of(study: CurveStudy, wanted: str) -> Item:
    """Return a curve of a map.

    Parameters
    ----------
    study : CurveStudy
    wanted : str
        Its number from 0, or row and column in the grid.

    Returns
    -------
    Item

    Raises
    ------
    SettingsError
        If there is no such curve.
    """
    curves = study.map
    places = None
    if curves.shape is not None:
        places = np.stack(np.unravel_index(np.arange(curves.n_curves), curves.shape), axis=1)
    index = find_item(wanted, "curve", curves.n_curves, places=places)
    title = f"Curve {index}"
    if places is not None:
        title += f": row {places[index, 0]}, column {places[index, 1]}"
    label = int(study.clustering.labels[index])
    return Item(title, label, tuple(_rows(study, index)), (_sweeps(study, index),))


def _rows(study: CurveStudy, i: int) -> Iterator[tuple[str, str]]:
    found, conditioned = study.clustering, study.conditioned
    label = int(found.labels[i])
    why = "an outlier" if conditioned.is_usable[i] else "not clustered"
    yield "cluster", str(label) if label else f"none ({why})"
    yield "silhouette", measured(found.silhouette[i])
    yield "label uncertainty", measured(found.label_uncertainty[i])
    yield "outlier score", measured(found.outliers.score[i], n_digits=2)
    yield "noise", si_text(float(conditioned.noise[i]), "A", 2)
    for quantity in study.quantities.values():
        if quantity.is_valid[i] and np.isfinite(quantity.values[i]):
            value, error = float(quantity.values[i]), float(quantity.errors[i])
            text = f"{value:.4g}" if not quantity.unit else si_text(value, quantity.unit, 4)
            if np.isfinite(error):
                plus = f"{error:.2g}" if not quantity.unit else si_text(error, quantity.unit, 2)
                text += f" ± {plus}"
            yield quantity.title, text


def _sweeps(study: CurveStudy, i: int) -> Curve:
    curves = study.map
    (first, current), *rest = curves.current.items()
    return Curve(
        "Recorded curve",
        curves.bias,
        current[i],
        "Bias (V)",
        "Current (A)",
        others=tuple((name, curves.bias, each[i]) for name, each in rest),
        name=first,
    )
