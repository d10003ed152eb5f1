"""Describe a spectrum image before the analysis, and predict its memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.protocol import Description, Prediction
from umlpsd_gpu.analyses.spectrum_images.source import SpectrumImageSource
from umlpsd_gpu.plotting.si_units import si_text

# Measured with default settings: 128 × 128 × 1,024 counts take 25 s of processor time and 500 MB;
# 512 × 512 × 2,048 counts 130 s and 1.4 GB
BASE_MB, MB_PER_MILLION = 350.0, 2.5
BASE_S, S_PER_MILLION, REPORT_S = 8.0, 0.9, 4.0


def describe_source(source: SpectrumImageSource) -> Description:
    """Describe a spectrum image: size, energies, conditions, and where each is from.

    Parameters
    ----------
    source : SpectrumImageSource

    Returns
    -------
    Description
    """
    n_rows, n_columns, n_channels = source.recording.shape
    return Description(
        verdict="whole",
        reason="",
        size=f"{n_rows} × {n_columns} pixels",
        rows=tuple(_rows(source)),
        facts={
            "n_rows": n_rows,
            "n_columns": n_columns,
            "n_channels": n_channels,
            "beam_kev": source.conditions.beam_kev,
        },
    )


def predict_source(source: SpectrumImageSource, with_report: bool = True) -> Prediction:
    """Predict memory and time of the analysis of a spectrum image.

    Parameters
    ----------
    source : SpectrumImageSource
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    n_rows, n_columns, n_channels = source.recording.shape
    bins = source.settings.bin_pixels**2 * source.settings.rebin_energy
    millions = n_rows * n_columns * n_channels / bins / 1e6
    return Prediction(
        memory_mb=BASE_MB + MB_PER_MILLION * millions,
        duration_s=BASE_S + S_PER_MILLION * millions + (REPORT_S if with_report else 0.0),
    )


def _rows(source: SpectrumImageSource) -> Iterator[tuple[str, str]]:
    n_rows, n_columns, n_channels = source.recording.shape
    yield "image", f"{n_rows} × {n_columns} pixels of {n_channels} channels"
    axis = source.axis
    last = axis.offset_kev + axis.step_kev * (axis.n_channels - 1)
    yield "energies", f"{axis.offset_kev:.3g} to {last:.4g} keV"
    size = source.settings.pixel_size_m or source.recording.pixel_size_m
    yield "pixel", "unknown" if size is None else si_text(size, "m", 4)
    conditions = source.conditions
    beam = conditions.beam_kev
    origin = conditions.origins.get("beam_kev", "")
    yield (
        "beam",
        "unknown: nothing can be quantified" if beam is None else f"{beam:g} keV ({origin})",
    )
    expected = predict_source(source)
    yield "cost", f"about {expected.memory_mb:.0f} MB of memory and {expected.duration_s:.0f} s"
    yield from (("note", note) for note in source.recording.notes)
