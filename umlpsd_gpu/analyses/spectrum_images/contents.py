"""What a study of a spectrum image has for other programs: components, compositions, maps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.map_files import maps_of
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.analyses.spectrum_images.tables import composition_rows, summary_of
from umlpsd_gpu.exports.contents import (
    Column,
    Contents,
    Curves,
    Frame,
    Image,
    Table,
)
from umlpsd_gpu.exports.rows import table_of_rows


def contents_of(study: SpectrumImageStudy) -> Contents:
    """Return what a study has for other programs.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Contents
        Spectra belong to the rows of the table ``components``; those of single pixels are not kept.
    """
    recorded = study.recorded
    shape = recorded.total_image.shape[0], recorded.total_image.shape[1]
    name = recorded.files[0] if recorded.files else "map"
    frame = Frame(name, shape)
    if recorded.pixel_size_m is not None:
        size_nm = 1e9 * recorded.pixel_size_m
        frame = Frame(name, shape, (size_nm, size_nm), "nm")
    return Contents(
        name="study",
        analysis=study.analysis,
        facts={
            "n_components": study.k,
            "confidence": study.decision.probability,
            "reason": study.decision.reason,
        },
        tables=tuple(_tables(study)),
        curves=tuple(_curves(study)),
        images=tuple(_images(study, frame)),
    )


def _tables(study: SpectrumImageStudy) -> Iterator[Table]:
    yield table_of_rows("components", summary_of(study)["components"])
    rows = [row for each in study.quantified for row in composition_rows(each)]
    yield table_of_rows("compositions", rows)


def _curves(study: SpectrumImageStudy) -> Iterator[Curves]:
    factors, bounds, recorded = study.factors, study.uncertainty, study.recorded
    energy = Column("energy_kev", recorded.axis.energies_kev, "keV", "Middle of the channel")
    totals = factors.maps.sum(axis=0)[:, None]
    yield Curves(
        "component_spectra",
        energy,
        (
            Column("counts", totals * factors.components, "counts", "Spectrum of all pixels"),
            Column("counts_error", totals * bounds.component_errors, "counts", "Standard error"),
            Column("counts_lowest", totals * bounds.lowest_components, "counts", "At equal fit"),
            Column("counts_highest", totals * bounds.highest_components, "counts", "At equal fit"),
        ),
        tuple(f"component {number + 1}" for number in range(study.k)),
        "components",
        np.arange(study.k),
    )
    sums = np.stack([recorded.total_spectrum, study.residuals.worst_residual])
    ids = "all counts", "residual of the worst pixels"
    yield Curves("recorded_spectra", energy, (Column("counts", sums, "counts"),), ids)


def _images(study: SpectrumImageStudy, frame: Frame) -> Iterator[Image]:
    for name, values in maps_of(study).items():
        is_z = name == "z of the residual"
        yield Image(name, frame, values, "" if is_z else "counts")
