"""One window of a micrograph: the shares of its local spectra."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.comparing.components import dominant_components
from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.items.item import Item, measured
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy


def item_of(study: MicrographStudy, wanted: str) -> Item:
    """Return a window of a micrograph.

    Parameters
    ----------
    study : MicrographStudy
    wanted : str
        Its number from 0, row by row, or row and column in the grid of windows.

    Returns
    -------
    Item

    Raises
    ------
    SettingsError
        If there is no such window.
    """
    places = np.stack(np.unravel_index(np.arange(int(np.prod(study.grid))), study.grid), axis=1)
    index = find_item(wanted, "window", len(places), places=places)
    row, column = places[index]
    title = f"Window {index}: row {row}, column {column}"
    dominant = int(dominant_components(study.factors)[index])
    return Item(title, dominant, tuple(_rows(study, index, row, column, dominant)))


def _rows(
    study: MicrographStudy, i: int, row: int, column: int, dominant: int
) -> Iterator[tuple[str, str]]:
    own = study.settings.micrograph
    top, left = row * own.step_px, column * own.step_px
    yield "pixels", f"rows {top}…{top + own.window - 1}, columns {left}…{left + own.window - 1}"
    yield "largest component", str(dominant) if dominant else "none"
    weights, errors = study.factors.maps[i], study.uncertainty.map_errors[i]
    total = float(weights.sum()) or 1.0
    for n, (weight, error) in enumerate(zip(weights, errors, strict=True), start=1):
        yield f"component {n}", measured(100 * weight / total, 100 * error / total, "%", 1)
