"""The tables of a study of a spectrum image: spectra.csv, compositions.csv, summary.json."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.component_parts import summarise_component
from umlpsd_gpu.analyses.decision_parts import finite_or_none
from umlpsd_gpu.analyses.spectrum_images.quantified import Quantified
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy


def summary_of(study: SpectrumImageStudy) -> dict[str, Any]:
    """Return the content of summary.json: plain values, None in place of NaN.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    dict
    """
    recorded, factors = study.recorded, study.factors
    conditions = recorded.conditions
    return {
        "k_opt": study.k,
        "k_decided": study.decision.k,
        "confidence": study.decision.probability,
        "reason": study.decision.reason,
        "estimates": dict(study.decision.estimates),
        "shape": list(recorded.total_image.shape),
        "n_channels": recorded.axis.n_channels,
        "offset_kev": recorded.axis.offset_kev,
        "step_kev": recorded.axis.step_kev,
        "pixel_size_m": recorded.pixel_size_m,
        "counts_per_pixel": float(recorded.total_image.mean()),
        "conditions": {
            "beam_kev": conditions.beam_kev,
            "take_off_deg": conditions.take_off_deg,
            "resolution_ev": conditions.resolution_ev,
            "live_time_s": conditions.live_time_s,
            "probe_current_na": conditions.probe_current_na,
            "window": conditions.window,
            "origins": dict(conditions.origins),
        },
        "loss": factors.loss,
        "relative_error": finite_or_none(factors.relative_error),
        "kkt_residual": finite_or_none(factors.kkt_residual),
        "is_converged": factors.is_converged,
        "components": list(_components(study)),
        "worst_pixel_z": finite_or_none(float(study.residuals.sample_z.max())),
        "missing_lines": list(study.missing),
        "files": list(recorded.files),
    }


def write_spectra_csv(study: SpectrumImageStudy, path: Path) -> None:
    """Write spectra.csv: one row for every channel, in counts.

    Parameters
    ----------
    study : SpectrumImageStudy
    path : Path
    """
    totals = study.factors.maps.sum(axis=0)
    columns: dict[str, np.ndarray] = {
        "energy_kev": study.recorded.axis.energies_kev,
        "total": study.recorded.total_spectrum,
    }
    for number, total in enumerate(totals):
        name = f"component_{number + 1}"
        columns[name] = total * study.factors.components[number]
        columns[f"{name}_error"] = total * study.uncertainty.component_errors[number]
        columns[f"{name}_lowest"] = total * study.uncertainty.lowest_components[number]
        columns[f"{name}_highest"] = total * study.uncertainty.highest_components[number]
    columns["worst_pixels_residual"] = study.residuals.worst_residual
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))


def write_compositions_csv(study: SpectrumImageStudy, path: Path) -> None:
    """Write compositions.csv: one row for every element of every component.

    Parameters
    ----------
    study : SpectrumImageStudy
    path : Path
    """
    headings = (
        *("component", "element", "line", "atomic_fraction", "atomic_error"),
        *("mass_fraction", "mass_error", "significance"),
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, headings, lineterminator="\n")
        table.writeheader()
        for each in study.quantified:
            table.writerows(composition_rows(each))


def _components(study: SpectrumImageStudy) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(study.quantified):
        yield {
            **summarise_component(study.factors, study.uncertainty, number),
            "composition": list(composition_rows(each)),
            "total": finite_or_none(each.total),
            "method": each.method,
            "notes": list(each.notes),
        }


def composition_rows(each: Quantified) -> Iterator[dict[str, Any]]:
    """Yield what is known of each element of a component.

    Parameters
    ----------
    each : Quantified

    Yields
    ------
    dict
        The columns of compositions.csv.
    """
    for n, symbol in enumerate(each.elements):
        yield {
            "component": each.component,
            "element": symbol,
            "line": each.lines[n],
            "atomic_fraction": float(each.atomic_fractions[n]),
            "atomic_error": float(each.atomic_errors[n]),
            "mass_fraction": float(each.mass_fractions[n]),
            "mass_error": float(each.mass_errors[n]),
            "significance": finite_or_none(float(each.significance[n])),
        }
