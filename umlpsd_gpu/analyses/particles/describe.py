"""Describe micrographs of particles before the analysis, and predict memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.particles.source import ParticleSource
from umlpsd_gpu.analyses.protocol import Description, Prediction
from umlpsd_gpu.plotting.si_units import si_text

# Measured with default settings on one core
BASE_MB, MB_PER_MEGAPIXEL, MB_KEPT = 350.0, 120.0, 4.0
BASE_S, S_PER_MEGAPIXEL, REPORT_S = 3.0, 4.0, 4.0


def describe_source(source: ParticleSource) -> Description:
    """Describe the micrographs of an ensemble.

    Parameters
    ----------
    source : ParticleSource

    Returns
    -------
    Description
    """
    n, first = len(source.images), source.images[0]
    return Description(
        verdict="whole",
        reason="",
        size=f"{n} image{'s' * (n != 1)}",
        rows=tuple(_rows(source)),
        facts={
            "n_images": n,
            "n_rows": first.shape[0],
            "n_columns": first.shape[1],
            "nm_per_px": first.nm_per_px,
        },
    )


def predict_source(source: ParticleSource, with_report: bool = True) -> Prediction:
    """Predict memory and time of the analysis of an ensemble.

    Parameters
    ----------
    source : ParticleSource
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    sizes = [image.shape[0] * image.shape[1] / 1e6 for image in source.images]
    return Prediction(
        memory_mb=BASE_MB + MB_PER_MEGAPIXEL * max(sizes) + MB_KEPT * sum(sizes),
        duration_s=BASE_S + S_PER_MEGAPIXEL * sum(sizes) + (REPORT_S if with_report else 0.0),
    )


def _rows(source: ParticleSource) -> Iterator[tuple[str, str]]:
    first = source.images[0]
    yield "images", f"{len(source.images)}, the first of {first.shape[0]} × {first.shape[1]} pixels"
    yield "pixel", f"{si_text(first.nm_per_px * 1e-9, 'm', 4)} ({first.scale_origin})"
    expected = predict_source(source)
    yield "cost", f"about {expected.memory_mb:.0f} MB of memory and {expected.duration_s:.0f} s"
