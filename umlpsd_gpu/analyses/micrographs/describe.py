"""Describe a micrograph before the analysis, and predict its memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.micrographs.source import MicrographSource
from umlpsd_gpu.analyses.protocol import Description, Prediction
from umlpsd_gpu.plotting.si_units import si_text

# Measured with default settings on one core: an image of 2,000 × 2,000 pixels takes 17 s of
# processor time and 650 MB
BASE_MB, MB_PER_MEGAPIXEL = 220.0, 110.0
BASE_S, S_PER_MEGAPIXEL, REPORT_S = 1.0, 2.5, 3.0


def describe_source(source: MicrographSource) -> Description:
    """Describe a micrograph.

    Parameters
    ----------
    source : MicrographSource

    Returns
    -------
    Description
    """
    n_rows, n_columns = source.micrograph.image.shape
    return Description(
        verdict="whole",
        reason="",
        size=f"{n_rows} × {n_columns} pixels",
        rows=tuple(_rows(source)),
        facts={
            "n_rows": n_rows,
            "n_columns": n_columns,
            "pixel_size_m": source.micrograph.pixel_size_m,
        },
    )


def predict_source(source: MicrographSource, with_report: bool = True) -> Prediction:
    """Predict memory and time of the analysis of a micrograph.

    Parameters
    ----------
    source : MicrographSource
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    megapixels = source.micrograph.image.size / 1e6
    return Prediction(
        memory_mb=BASE_MB + MB_PER_MEGAPIXEL * megapixels,
        duration_s=BASE_S + S_PER_MEGAPIXEL * megapixels + (REPORT_S if with_report else 0.0),
    )


def _rows(source: MicrographSource) -> Iterator[tuple[str, str]]:
    micrograph = source.micrograph
    n_rows, n_columns = micrograph.image.shape
    yield "image", f"{n_rows} × {n_columns} pixels"
    size = micrograph.pixel_size_m
    known = "unknown" if size is None else si_text(size, "m", 4)
    yield "pixel", f"{known} ({micrograph.pixel_size_origin})"
    own = source.settings
    rows, columns = ((n - own.window) // own.step_px + 1 for n in (n_rows, n_columns))
    yield "windows", f"{rows} × {columns} of {own.window} pixels"
    expected = predict_source(source)
    yield "cost", f"about {expected.memory_mb:.0f} MB of memory and {expected.duration_s:.0f} s"
    yield from (("note", note) for note in micrograph.notes)
