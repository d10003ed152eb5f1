"""Describe a map of curves before the analysis, and predict its memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.curves.source import CurveSource
from umlpsd_gpu.analyses.protocol import Description, Prediction

FEWEST_CURVES = 3
WHOLE, STOPPED = "whole", "cut short"
# Measured with default settings: 7,200 curves of 256 points take 90 s of processor time, about half
# of it on 2 cores, and 430 MB
BASE_MB, N_COPIES = 260.0, 12.0
BASE_S, S_PER_VALUE, REPORT_S = 2.0, 2.3e-5, 8.0


def describe_source(source: CurveSource) -> Description:
    """Describe a map: curves, bias, channel, units, positions, and where each is from.

    Parameters
    ----------
    source : CurveSource

    Returns
    -------
    Description
    """
    is_whole = source.n_recorded == source.n_curves
    rows = list(_rows(source))
    return Description(
        verdict=WHOLE if is_whole else STOPPED,
        reason="" if is_whole else f"{source.n_recorded} of {source.n_curves} curves recorded",
        size=f"{source.n_curves} curves",
        rows=tuple(rows),
        facts={
            "n_curves": source.n_curves,
            "n_recorded": source.n_recorded,
            "n_points": source.n_points,
            "n_rows": None if source.shape is None else source.shape[0],
            "n_cols": None if source.shape is None else source.shape[1],
        },
    )


def predict_source(source: CurveSource, with_report: bool = True) -> Prediction:
    """Predict memory and time of the analysis of a map.

    Parameters
    ----------
    source : CurveSource
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    n_values = source.n_recorded * source.n_points * len(source.sweeps)
    return Prediction(
        memory_mb=BASE_MB + N_COPIES * n_values * 8 / 1e6,
        duration_s=BASE_S + S_PER_VALUE * n_values + (REPORT_S if with_report else 0.0),
    )


def _rows(source: CurveSource) -> Iterator[tuple[str, str]]:
    origins = source.origins
    grid = "" if source.shape is None else f", grid of {source.shape[0]} × {source.shape[1]} pixels"
    yield "curves", f"{source.n_curves} of {source.n_points} points{grid}"
    low, high = source.bias_range_v
    yield "bias", f"{low:.4g} to {high:.4g} V ({origins['bias'].source})"
    unit = origins["current unit"]
    yield (
        "current",
        f"{origins['current'].value} ({origins['current'].source}), in {unit.value} "
        f"({unit.source})",
    )
    direction = origins["sweep direction"]
    yield "sweeps", f"{' and '.join(source.sweeps)} ({direction.source})"
    if source.lock_in:
        yield "lock-in", ", ".join(source.lock_in)
    placed = f"known ({origins['positions'].source})" if "positions" in origins else "known"
    yield "positions", placed if source.has_positions else "unknown"
    yield "height", "known" if source.has_height else "unknown"
    expected = predict_source(source)
    yield (
        "cost",
        f"about {expected.memory_mb:.0f} MB of memory and {expected.duration_s:.0f} s",
    )
    if source.n_recorded < FEWEST_CURVES:
        yield "too few", f"an analysis needs at least {FEWEST_CURVES} curves"
    yield from (("note", note) for note in source.notes)
