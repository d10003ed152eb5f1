"""The tables of a study of a micrograph: spots.csv, and the content of summary.json."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.component_parts import summarise_component
from umlpsd_gpu.analyses.decision_parts import finite_or_none
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.images.spots import Spot


def summary_of(study: MicrographStudy) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    dict
    """
    micrograph, factors = study.micrograph, study.factors
    return {
        "k_opt": study.k,
        "confidence": study.decision.probability,
        "reason": study.decision.reason,
        "p_value": study.p_value,
        "is_local": study.decision.k is not None and study.decision.k > 1,
        "shape": list(micrograph.image.shape),
        "pixel_size_m": micrograph.pixel_size_m,
        "pixel_size_origin": micrograph.pixel_size_origin,
        "n_bar_rows": micrograph.n_bar_rows,
        "window": study.settings.micrograph.window,
        "step": study.settings.micrograph.step_px,
        "by_window": {
            str(size): {"k": k, "p_value": p} for size, (k, p) in study.by_window.items()
        },
        "relative_error": finite_or_none(factors.relative_error),
        "kkt_residual": finite_or_none(factors.kkt_residual),
        "is_converged": factors.is_converged,
        "components": list(_components(study)),
        "spots": [spot_row(study, spot) for spot in study.spots],
        "file": micrograph.path.name,
    }


def spot_row(study: MicrographStudy, spot: Spot) -> dict[str, Any]:
    """Return a spot with its spacing in metres, where the scale is known.

    Parameters
    ----------
    study : MicrographStudy
    spot : Spot

    Returns
    -------
    dict
    """
    size = study.micrograph.pixel_size_m
    return {
        "component": spot.component,
        "spacing_px": spot.spacing_px,
        "spacing_error_px": spot.spacing_error_px,
        "spacing_m": None if size is None else spot.spacing_px * size,
        "spacing_error_m": None if size is None else spot.spacing_error_px * size,
        "angle_deg": spot.angle_deg,
        "angle_error_deg": spot.angle_error_deg,
        "contrast": spot.contrast,
    }


def write_spots_csv(study: MicrographStudy, path: Path) -> None:
    """Write spots.csv: one row for every pair of spots of a component.

    Parameters
    ----------
    study : MicrographStudy
    path : Path
    """
    headings = (
        *("component", "spacing_px", "spacing_error_px", "spacing_m", "spacing_error_m"),
        *("angle_deg", "angle_error_deg", "contrast"),
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, headings, lineterminator="\n")
        table.writeheader()
        table.writerows(spot_row(study, spot) for spot in study.spots)


def _components(study: MicrographStudy) -> Iterator[dict[str, Any]]:
    for number in range(study.k):
        yield {
            **summarise_component(study.factors, study.uncertainty, number),
            "n_spots": sum(spot.component == number + 1 for spot in study.spots),
        }
