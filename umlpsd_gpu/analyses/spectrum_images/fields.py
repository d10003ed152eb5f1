"""The content of study.h5 of a spectrum image: one table to write, read and document it.

In ``quantified/*/…`` the star is the number of the component, from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.quantified import Quantified
from umlpsd_gpu.analyses.spectrum_images.result import RecordedSpectra, Sweep
from umlpsd_gpu.factorisation.fields import (
    DECISION_FIELDS,
    FACTOR_FIELDS,
    UNCERTAINTY_FIELDS,
    decision_from,
    decision_groups,
    factors_from,
    factors_group,
    uncertainty_from,
    uncertainty_group,
)
from umlpsd_gpu.factorisation.residuals import Residuals
from umlpsd_gpu.storage.field import Field, FieldTable
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

ELEMENTS = "n_elements"
CONDITIONS = ("beam_kev", "take_off_deg", "resolution_ev", "live_time_s", "probe_current_na")

FIELDS = (
    Field("recorded/total_image", "n_rows, n_columns", "counts", "Counts of each pixel"),
    Field("recorded/total_spectrum", "n_channels", "counts", "Counts of each channel"),
    Field("recorded/offset_kev", "", "keV", "Energy of the first channel", "number"),
    Field("recorded/step_kev", "", "keV", "Width of a channel", "number"),
    Field("recorded/pixel_size_m", "", "m", "NaN if unknown", "perhaps number"),
    Field("recorded/files", "n_files", "", "Names of the files", "texts"),
    Field("conditions/beam_kev", "", "keV", "Energy of the electrons", "perhaps number"),
    Field("conditions/take_off_deg", "", "degree", "Take-off angle", "perhaps number"),
    Field("conditions/resolution_ev", "", "eV", "Width of Mn Kα", "perhaps number"),
    Field("conditions/live_time_s", "", "s", "Of the whole measurement", "perhaps number"),
    Field("conditions/probe_current_na", "", "nA", "Current of the beam", "perhaps number"),
    Field("conditions/window", "", "", "Window of the detector; empty if unknown", "text"),
    Field("conditions/names", "n_known", "", "Conditions that are known", "texts"),
    Field("conditions/origins", "n_known", "", "Where each is from", "texts"),
    *DECISION_FIELDS,
    Field("sweep/relative_errors", "k_max", "1", "Error of the fit with 1, 2, … components"),
    Field("sweep/stability", "k_max", "1", "Stability of the least stable component"),
    *FACTOR_FIELDS,
    *UNCERTAINTY_FIELDS,
    Field("quantified/*/component", "", "1", "Number of the component", "number"),
    Field("quantified/*/elements", ELEMENTS, "", "By atomic number", "texts"),
    Field("quantified/*/lines", ELEMENTS, "", "Lines that were used", "texts"),
    Field("quantified/*/mass_fractions", ELEMENTS, "1", "Mass fractions"),
    Field("quantified/*/mass_errors", ELEMENTS, "1", "Standard errors"),
    Field("quantified/*/atomic_fractions", ELEMENTS, "1", "Atomic fractions"),
    Field("quantified/*/atomic_errors", ELEMENTS, "1", "Standard errors"),
    Field("quantified/*/significance", ELEMENTS, "1", "Counts over their standard error"),
    Field("quantified/*/total", "", "1", "Sum of mass fractions before scaling", "number"),
    Field("quantified/*/method", "", "", "How, or why not", "text"),
    Field("quantified/*/notes", "n_notes", "", "What to know before using them", "texts"),
    Field("residuals/sample_z", "n_samples", "1", "Excess of the variance of a pixel, in σ"),
    Field("residuals/feature_z", "n_channels", "1", "Excess of that of a channel, in σ"),
    Field("residuals/worst_samples", "n_worst", "1", "Pixels that fit worst"),
    Field("residuals/worst_residual", "n_channels", "counts", "Their residual spectrum"),
    Field("residuals/worst_expected", "n_channels", "counts", "Its variance"),
    Field("residuals/missing", "n_missing", "", "Lines that no component explains", "texts"),
)


def _groups(study: Any) -> dict[str, Mapping[str, Any]]:
    recorded: RecordedSpectra = study.recorded
    conditions = recorded.conditions
    return {
        "recorded": vars(recorded) | vars(recorded.axis),
        "conditions": vars(conditions)
        | {
            "window": conditions.window or "",
            "names": tuple(conditions.origins),
            "origins": tuple(conditions.origins.values()),
        },
        **decision_groups(study.decision),
        "sweep": vars(study.sweep),
        "factors": factors_group(study.factors),
        "uncertainty": uncertainty_group(study.uncertainty),
        **{f"quantified/{each.component}": vars(each) for each in study.quantified},
        "residuals": vars(study.residuals) | {"missing": study.missing},
    }


def _attributes(
    values: Callable[[str], dict[str, Any]], top_groups: frozenset[str]
) -> dict[str, Any]:
    factors = factors_from(values("factors"))
    residuals = values("residuals")
    missing = residuals.pop("missing")
    return {
        "recorded": _recorded_from(values("recorded"), values("conditions")),
        "decision": decision_from(values),
        "sweep": Sweep(**values("sweep")),
        "factors": factors,
        "uncertainty": uncertainty_from(values("uncertainty")),
        "quantified": tuple(
            _quantified_from(values(f"quantified/{number + 1}")) for number in range(factors.k)
        ),
        "residuals": Residuals(**residuals),
        "missing": missing,
    }


def _recorded_from(stored: Mapping[str, Any], of_beam: Mapping[str, Any]) -> RecordedSpectra:
    axis = EnergyAxis(
        float(stored["offset_kev"]), float(stored["step_kev"]), stored["total_spectrum"].size
    )
    conditions = Conditions(
        **{name: of_beam[name] for name in CONDITIONS},
        window=of_beam["window"] or None,
        origins=dict(zip(of_beam["names"], of_beam["origins"], strict=True)),
    )
    return RecordedSpectra(
        stored["total_image"],
        stored["total_spectrum"],
        axis,
        conditions,
        stored["pixel_size_m"],
        stored["files"],
    )


def _quantified_from(stored: Mapping[str, Any]) -> Quantified:
    plain = {"component": int(stored["component"]), "total": float(stored["total"])}
    empty = {
        name: np.empty(0)
        for name, value in stored.items()
        if isinstance(value, np.ndarray) and not value.size
    }
    return Quantified(**{**stored, **plain, **empty})


TABLE = FieldTable(FIELDS, _groups, _attributes)
