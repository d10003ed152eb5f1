"""What a study of a micrograph has for other programs: image, maps, local spectra, spots."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.analyses.micrographs.tables import spot_row, summary_of
from umlpsd_gpu.exports.contents import Contents, Frame, Image, Table
from umlpsd_gpu.exports.rows import table_of_rows

SPOT_UNITS = {
    **{"spacing_px": "px", "spacing_error_px": "px", "spacing_m": "m", "spacing_error_m": "m"},
    **{"angle_deg": "deg", "angle_error_deg": "deg"},
}


def contents_of(study: MicrographStudy) -> Contents:
    """Return what a study has for other programs.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Contents
        Pixels of the maps are steps of the windows, in their place on the micrograph.
    """
    return Contents(
        name="study",
        analysis=study.analysis,
        facts={
            "n_components": study.k,
            "p_value": study.p_value,
            "confidence": study.decision.probability,
            "reason": study.decision.reason,
        },
        tables=tuple(_tables(study)),
        images=tuple(_images(study)),
    )


def _tables(study: MicrographStudy) -> Iterator[Table]:
    yield table_of_rows("components", summary_of(study)["components"])
    yield table_of_rows("spots", [spot_row(study, spot) for spot in study.spots], SPOT_UNITS)


def _images(study: MicrographStudy) -> Iterator[Image]:
    image, settings = study.micrograph.image, study.settings.micrograph
    size_m, stem = study.micrograph.pixel_size_m, study.micrograph.path.name or "micrograph"
    side = 1.0 if size_m is None else 1e9 * size_m
    unit = "px" if size_m is None else "nm"
    whole = Frame(stem, (image.shape[0], image.shape[1]), (side, side), unit)
    yield Image("micrograph", whole, image, "", "grey")
    step, first = side * settings.step_px, side * (settings.window - 1) / 2
    windows = Frame(f"{stem} maps", study.grid, (step, step), unit, (first, first))
    errors = study.uncertainty.map_errors.T.reshape(study.k, *study.grid)
    for number in range(study.k):
        yield Image(f"component {number + 1}", windows, study.maps[number])
        yield Image(f"component {number + 1}, error", windows, errors[number])
    # cycles for each nanometre; without a scale, for each pixel, which has no word in a frame
    spacing = None if size_m is None else (1e-9 * study.frequency_step,) * 2
    size, unit = settings.window, "px" if size_m is None else "1/nm"
    centre = -(size // 2) * (spacing or (1.0, 1.0))[0]
    frequencies = Frame(f"{stem} spectra", (size, size), spacing, unit, (centre, centre))
    amplitudes = study.spectra * study.factors.maps.mean(axis=0)[:, None, None]
    for number in range(study.k):
        title = f"power spectrum of component {number + 1}"
        yield Image(title, frequencies, amplitudes[number] ** 2, colours="magma")
