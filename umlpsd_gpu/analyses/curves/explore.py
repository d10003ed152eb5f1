"""What can be clicked in the report of a map of curves: pixels and their curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from umlpsd_gpu.analyses.curves.quantity import Quantity
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.saved_labels import saved_labellings
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Layer, Panel, Picture
from umlpsd_gpu.plotting.si_units import si_scale


def explore_curves(study: CurveStudy) -> Explorer:
    """Return the map, its quantities, and the curves of every pixel.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Explorer
        Single curves without a grid are placed by their positions, or else by number and
        silhouette.
    """
    clustering = study.clustering
    x, y, x_label, y_label = _places(study)
    return Explorer(
        item="curve" if study.map.shape is None else "pixel",
        ids=(),
        x=x,
        y=y,
        x_label=x_label,
        y_label=y_label,
        picture_of=np.zeros(study.map.n_curves, dtype=np.int64),
        pictures=_pictures(study),
        is_pixels=study.map.shape is not None,
        labels=clustering.labels,
        columns=_columns(study),
        panels=_panels(study),
        labellings=saved_labellings(
            clustering.sweeps,
            clustering.decision,
            clustering.labels,
            study.conditioned.is_usable,
            "Representation",
        ),
        outliers=clustering.outliers.is_outlier,
        outlier_column="Outlier score",
        first=int(np.argmax(clustering.labels == 1)),
    )


def _places(study: CurveStudy) -> tuple[np.ndarray, np.ndarray, str, str]:
    number = np.arange(study.map.n_curves, dtype=np.float64)
    if study.map.shape is not None:
        rows, cols = np.divmod(number, study.map.shape[1])
        return cols, rows, "column (px)", "row (px)"
    if study.map.positions is not None:
        x, y = 1e6 * study.map.positions.T
        return x, y, "x (µm)", "y (µm)"
    return number, study.clustering.silhouette, "number", "silhouette"


def _pictures(study: CurveStudy) -> tuple[Picture, ...]:
    if study.map.shape is None:
        return ()
    images = {}
    if study.map.height is not None:
        images["Height"] = (study.map.height, "m")
    largest = np.abs(study.map.bias).argmax()
    current = next(iter(study.conditioned.current.values()))[:, largest]
    images[f"Current at {study.map.bias[largest]:.3g} V"] = (current, "A")
    layers = []
    for name, (values, unit) in images.items():
        factor, unit = si_scale(values, unit)
        layers.append(Layer(name, unit, (factor * values).reshape(study.map.shape)))
    name = study.map.paths[0].name if study.map.paths else "map"
    return (Picture(name, tuple(layers), _pixel_size_um(study)),)


def _pixel_size_um(study: CurveStudy) -> float | None:
    """Return the distance of neighbours in a row, in µm; None if unknown or unequal to rows."""
    if study.map.positions is None or study.map.shape is None:
        return None
    grid = study.map.positions.reshape(*study.map.shape, 2)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1) for axis in (0, 1)]
    sizes = [float(np.median(step)) for step in steps if step.size]
    is_square = len(sizes) == 2 and np.isclose(sizes[0], sizes[1], rtol=0.01)
    return 1e6 * sizes[0] if is_square and sizes[0] > 0 else None


def _columns(study: CurveStudy) -> tuple[Column, ...]:
    clustering = study.clustering
    return (
        *(
            _column_of(quantity)
            for quantity in study.quantities.values()
            if np.isfinite(quantity.values[quantity.is_valid]).any()
        ),
        Column("Silhouette", "", clustering.silhouette),
        Column("Label uncertainty", "", clustering.label_uncertainty),
        Column("Outlier score", "σ", clustering.outliers.score),
    )


def _column_of(quantity: Quantity) -> Column:
    """Return a quantity in a unit that is easy to read; invalid values are left out."""
    factor, unit = si_scale(quantity.values, quantity.unit)
    values = np.where(quantity.is_valid, factor * quantity.values, np.nan)
    errors = factor * quantity.errors
    return Column(quantity.title, unit, values, values - errors, values + errors, "standard error")


def _panels(study: CurveStudy) -> tuple[Panel, ...]:
    conditioned = study.conditioned
    return (
        _panel("Current as recorded", "Current", "A", study.map.bias, study.map.current),
        _panel("Current as it was analysed", "Current", "A", conditioned.bias, conditioned.current),
        _panel("Conductance", "dI/dV", "S", conditioned.bias, conditioned.conductance),
    )


def _panel(
    title: str, name: str, unit: str, bias: np.ndarray, sweeps: Mapping[str, np.ndarray]
) -> Panel:
    factor, unit = si_scale(np.concatenate([v.ravel()[::7] for v in sweeps.values()]), unit)
    curves = tuple(Curves(sweep, bias, factor * values) for sweep, values in sweeps.items())
    return Panel(title, "Bias (V)", f"{name} ({unit})", curves)
