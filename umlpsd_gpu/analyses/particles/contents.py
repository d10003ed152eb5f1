"""What a study of particles has for other programs: particles, sizes, images, outlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.clustering_contents import metrics_table
from umlpsd_gpu.analyses.particles.particle_table import COLUMNS
from umlpsd_gpu.analyses.particles.result import AnalysedImage, ParticleStudy
from umlpsd_gpu.analyses.particles.sizes import STATISTICS
from umlpsd_gpu.exports.contents import (
    Column,
    Contents,
    Frame,
    Image,
    Places,
    Table,
)
from umlpsd_gpu.exports.rows import table_of_rows


def contents_of(study: ParticleStudy) -> Contents:
    """Return what a study has for other programs.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    Contents
        The places have the areas of the particles, of those that don't count as well.
    """
    frames = [_frame(image) for image in study.images]
    return Contents(
        name="study",
        analysis=study.analysis,
        facts={"n_classes": study.classes.k, "n_counted": int(study.table.is_counted.sum())},
        tables=tuple(_tables(study)),
        images=tuple(_images(study, frames)),
        places=tuple(_places(study, frames)),
    )


def _frame(image: AnalysedImage) -> Frame:
    shape = image.grey.shape[0], image.grey.shape[1]
    return Frame(image.name, shape, (image.nm_per_px, image.nm_per_px), "nm")


def _tables(study: ParticleStudy) -> Iterator[Table]:
    table = study.table
    names = [image.name for image in study.images]
    files = tuple(names[int(number) - 1] for number in table["image"])
    columns = [Column("file", files, "", "Image")]
    for each in COLUMNS:
        unit = "" if each.unit == "1" else each.unit
        columns.append(Column(each.name, table[each.name], unit, each.description))
    columns += [
        Column("outcome", table.outcomes, "", "What the fit says"),
        Column("class", study.classes.labels, "", "From 1, the largest first; 0: none"),
        Column("counted", table.is_counted, "", "In sizes and classes"),
        Column("reason", table.reasons, "", "Why it does not count"),
    ]
    yield Table("particles", tuple(columns))
    yield table_of_rows("sizes", list(_size_rows(study)))
    if study.clustering is not None:
        yield metrics_table(study.clustering.sweeps)


def _size_rows(study: ParticleStudy) -> Iterator[dict[str, Any]]:
    """Yield the rows of sizes.csv."""
    for (number, length), found in study.sizes.items():
        for name in STATISTICS:
            low, high = found.intervals[name]
            yield {
                **{"class": str(number or "all"), "length": length, "n": found.n},
                **{"statistic": name, "value": found.values[name]},
                **{"low_95": low, "high_95": high},
            }


def _images(study: ParticleStudy, frames: list[Frame]) -> Iterator[Image]:
    for image, frame in zip(study.images, frames, strict=True):
        yield Image("image", frame, image.grey, "", "grey", (0.0, 255.0))
        yield Image("particles", frame, image.labels, kind="labels")


def _places(study: ParticleStudy, frames: list[Frame]) -> Iterator[Places]:
    table = study.table
    for number, (image, frame) in enumerate(zip(study.images, frames, strict=True), start=1):
        index = np.flatnonzero(table["image"] == number)
        yield Places(
            "particles",
            frame,
            "particles",
            index,
            table["row_px"][index],
            table["column_px"][index],
            study.classes.labels[index],
            areas=image.labels,
            areas_of=table["label"][index].astype(int),
        )
