"""What a study of curves has for other programs: curves, quantities, clusters, maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.clustering_contents import metrics_table
from umlpsd_gpu.analyses.curves.map_files import maps_of, pixel_size_m
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.curves.tables import cluster_rows, curve_table
from umlpsd_gpu.exports.contents import (
    Column,
    Contents,
    Curves,
    Frame,
    Image,
    Places,
    Table,
)
from umlpsd_gpu.exports.rows import table_of_rows


def contents_of(study: CurveStudy) -> Contents:
    """Return what a study has for other programs.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    Contents
        Curves belong to the rows of the table ``curves``; curves without a grid have no images.
    """
    decision = study.clustering.decision
    frame = _frame(study)
    return Contents(
        name="study",
        analysis=study.analysis,
        facts={
            "k_opt": decision.k_opt,
            "n_classes": study.n_classes,
            "representation": decision.scale,
            "confidence": decision.confidence,
            "reason": decision.reason,
        },
        tables=tuple(_tables(study)),
        curves=tuple(_curves(study)),
        images=() if frame is None else tuple(_images(study, frame)),
        places=() if frame is None else (_places(study, frame),),
    )


def _tables(study: CurveStudy) -> Iterator[Table]:
    yield curve_table(study)
    yield table_of_rows("clusters", list(_flat_rows(study)), {"area_m2": "m^2"})
    yield metrics_table(study.clustering.sweeps)


def _flat_rows(study: CurveStudy) -> Iterator[dict[str, float | None]]:
    """Yield the rows of clusters.csv."""
    for row in cluster_rows(study):
        quantities = row.pop("quantities")
        yield row | {
            f"{name}_{statistic}": value
            for name, statistics in quantities.items()
            for statistic, value in statistics.items()
        }


def _curves(study: CurveStudy) -> Iterator[Curves]:
    conditioned = study.conditioned
    bias = Column("bias_v", conditioned.bias, "V", "Bias, without its offset")
    index = np.arange(study.map.n_curves)
    ids = tuple(str(number) for number in range(1, study.map.n_curves + 1))
    for name, unit, by_sweep, meaning in (
        ("current", "A", conditioned.current, "Current without its offset"),
        ("conductance", "S", conditioned.conductance, "dI/dV"),
    ):
        values = _columns(f"{name}_", unit, by_sweep, meaning)
        if values:
            yield Curves(f"{name}s", bias, values, ids, "curves", index)


def _columns(
    prefix: str, unit: str, by_sweep: Mapping[str, np.ndarray], meaning: str
) -> tuple[Column, ...]:
    return tuple(
        Column(f"{prefix}{sweep}_{unit.lower()}", values, unit, f"{meaning}, {sweep} sweep")
        for sweep, values in by_sweep.items()
    )


def _frame(study: CurveStudy) -> Frame | None:
    shape, size = study.map.shape, pixel_size_m(study.map)
    if shape is None:
        return None
    name = Path(study.map.paths[0]).name if study.map.paths else "map"
    if size is None:
        return Frame(name, shape)
    # metres would be rounded to nothing in TIFF's resolution
    width, height = (1e9 * side for side in size)
    return Frame(name, shape, (height, width), "nm")


def _images(study: CurveStudy, frame: Frame) -> Iterator[Image]:
    labels = study.clustering.labels.reshape(frame.shape)
    for name, values, title, unit in maps_of(study):
        if name == "cluster":
            yield Image("cluster", frame, labels, kind="labels")
        elif name == "height":
            yield Image(title, frame, values.reshape(frame.shape), unit, "grey")
        else:
            yield Image(title, frame, values.reshape(frame.shape), unit)


def _places(study: CurveStudy, frame: Frame) -> Places:
    index = np.arange(study.map.n_curves)
    rows, cols = np.divmod(index, frame.shape[1])
    return Places("pixels", frame, "curves", index, rows, cols, study.clustering.labels)
