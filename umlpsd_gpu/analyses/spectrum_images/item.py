"""One pixel of a spectrum image: its components, and the spectrum that they add up to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.comparing.components import dominant_components
from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.items.item import Curve, Item, measured
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy


def item_of(study: SpectrumImageStudy, wanted: str) -> Item:
    """Return a pixel of a spectrum image.

    Parameters
    ----------
    study : SpectrumImageStudy
    wanted : str
        Its number from 0, row by row, or row and column.

    Returns
    -------
    Item
        The spectrum is that of the model: a study keeps no counts of single pixels and channels.

    Raises
    ------
    SettingsError
        If there is no such pixel.
    """
    shape = study.recorded.total_image.shape
    places = np.stack(np.unravel_index(np.arange(int(np.prod(shape))), shape), axis=1)
    index = find_item(wanted, "pixel", len(places), places=places)
    row, column = places[index]
    axis = study.recorded.axis
    energies = axis.offset_kev + axis.step_kev * np.arange(axis.n_channels)
    parts = study.factors.maps[index][:, None] * study.factors.components
    curve = Curve(
        "Spectrum of the model",
        energies,
        parts.sum(axis=0),
        "Energy (keV)",
        "Counts",
        others=tuple((f"component {n}", energies, part) for n, part in enumerate(parts, start=1)),
        name="sum",
    )
    dominant = int(dominant_components(study.factors)[index])
    title = f"Pixel {index}: row {row}, column {column}"
    return Item(title, dominant, tuple(_rows(study, index, dominant)), (curve,))


def _rows(study: SpectrumImageStudy, i: int, dominant: int) -> Iterator[tuple[str, str]]:
    weights, errors = study.factors.maps[i], study.uncertainty.map_errors[i]
    yield "counts", f"{study.recorded.total_image.ravel()[i]:,.0f}"
    yield "largest component", str(dominant) if dominant else "none"
    for n, (weight, error) in enumerate(zip(weights, errors, strict=True), start=1):
        yield f"component {n}", measured(weight, error, "counts", 1)
    yield "misfit", f"z = {study.residuals.sample_z[i]:.2f}"
