"""What can be clicked in the report of a spectrum image: pixels and their spectra."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Layer, Panel, Picture

# Items of a page: of larger images squares of pixels are shown
MOST_ITEMS = 65_536
MIXTURE = "Spectrum of the pixel as the sum of its components"


def explore_spectrum_image(study: SpectrumImageStudy) -> Explorer:
    """Return the map, the components of every pixel, and its spectrum.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Explorer
        The spectrum of a pixel is the sum of its components, because a study does not keep the
        counts of every pixel and channel. In images of more than 65,536 pixels an item is a square
        of pixels, whose counts are added.
    """
    total = study.recorded.total_image
    width = int(np.ceil(np.sqrt(max(1.0, total.size / MOST_ITEMS))))
    counts = _sums(total, width)
    maps = np.stack([_sums(image, width).ravel() for image in study.maps], axis=1)
    n_rows, n_cols = counts.shape
    rows, cols = np.indices(counts.shape).reshape(2, -1)
    pixel_size_m = study.recorded.pixel_size_m
    size_um = None if pixel_size_m is None else 1e6 * width * pixel_size_m
    # larger of its squares for a square: where the fit is worst
    z = _largest(study.residuals.sample_z.reshape(total.shape), width)
    name = study.recorded.files[0] if study.recorded.files else "spectrum image"
    return Explorer(
        item="pixel" if width == 1 else f"square of {width} × {width} pixels",
        ids=(),
        x=cols.astype(np.float64),
        y=rows.astype(np.float64),
        x_label="column",
        y_label="row",
        picture_of=np.zeros(n_rows * n_cols, dtype=np.int64),
        pictures=(Picture(name, (Layer("All counts", "counts", counts),), size_um),),
        is_pixels=True,
        labels=np.where(maps.sum(axis=1) > 0, 1 + maps.argmax(axis=1), 0),
        columns=_columns(study, maps, counts, z),
        panels=(_panel(study, maps),),
        labellings=None,
        outliers=np.zeros(n_rows * n_cols, dtype=bool),
        first=int(maps[:, 0].argmax()),
        cluster_word="component",
    )


def _sums(image: np.ndarray, width: int) -> np.ndarray:
    for axis in (0, 1):
        image = np.add.reduceat(image, np.arange(0, image.shape[axis], width), axis=axis)
    return image


def _largest(image: np.ndarray, width: int) -> np.ndarray:
    for axis in (0, 1):
        image = np.maximum.reduceat(image, np.arange(0, image.shape[axis], width), axis=axis)
    return image


def _columns(
    study: SpectrumImageStudy, maps: np.ndarray, counts: np.ndarray, z: np.ndarray
) -> tuple[Column, ...]:
    """Return the counts of each component, all counts, and where the factorisation is bad."""
    columns = []
    for number, quantified in enumerate(study.quantified):
        formula = f", {quantified.formula}" if quantified.formula else ""
        columns.append(Column(f"Component {number + 1}{formula}", "counts", maps[:, number]))
    return (
        *columns,
        Column("All counts", "counts", counts.ravel()),
        Column("z of the residual", "σ", z.ravel()),
    )


def _panel(study: SpectrumImageStudy, maps: np.ndarray) -> Panel:
    energies_kev = study.recorded.axis.energies_kev
    parts = study.factors.components
    single = tuple(
        Curves(
            f"component {number + 1}",
            energies_kev,
            maps[:, number, None],
            parts=parts[number, None],
        )
        for number in range(study.k)
    )
    whole = Curves("sum", energies_kev, maps, parts=parts)
    return Panel(MIXTURE, "Energy (keV)", "Counts per channel", (whole, *single))
