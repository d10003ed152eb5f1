"""One particle: all that was measured of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.items.item import Item
from umlpsd_gpu.analyses.particles.particle_table import COLUMNS
from umlpsd_gpu.analyses.particles.result import ParticleStudy

NOT_SHOWN = ("image", "label")


def item_of(study: ParticleStudy, wanted: str) -> Item:
    """Return a particle.

    Parameters
    ----------
    study : ParticleStudy
    wanted : str
        Its number from 0, in the order of particles.csv.

    Returns
    -------
    Item

    Raises
    ------
    SettingsError
        If there is no such particle.
    """
    index = find_item(wanted, "particle", len(study.table))
    name = study.images[int(study.table["image"][index]) - 1].name
    title = f"Particle {index}: number {int(study.table['label'][index])} in {name}"
    return Item(title, int(study.classes.labels[index]), tuple(_rows(study, index)))


def _rows(study: ParticleStudy, i: int) -> Iterator[tuple[str, str]]:
    table, label = study.table, int(study.classes.labels[i])
    yield "class", str(label) if label and study.classes.k > 1 else "none"
    yield "counts", "yes" if not table.reasons[i] else f"no ({table.reasons[i]})"
    yield "fit", table.outcomes[i] or "none"
    for column in COLUMNS:
        value = float(table[column.name][i])
        if column.name in NOT_SHOWN or not np.isfinite(value):
            continue
        unit = "" if column.unit == "1" else f" {column.unit}"
        yield column.name, f"{value:.4g}{unit}"
