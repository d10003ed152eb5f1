"""How spectra and fits are shown, and their labelled arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from umlpsd_gpu.compute.display import Outline, count, format_number
from umlpsd_gpu.compute.export import Labelled, LabelledArrays

DENSITY = "counts^2/Hz"
FIT_COLUMNS = {
    "beta": ("1", "Power-law exponent"),
    "beta_stderr": ("1", "Its standard error"),
    "amplitude": (DENSITY, "Density of the power law at 1 Hz"),
    "floor": (DENSITY, "White floor"),
    "knee_hz": ("Hz", "Knee, below which the density is level; 0: none"),
    "reduced_chi2": ("1", "Misfit per degree of freedom"),
    "p_value": ("1", "Chance that noise with such a spectrum misfits it more"),
}


def describe_spectrum(spectrum: Any) -> Outline:
    """Describe spectra: how many, of which frequencies, by which estimator.

    Parameters
    ----------
    spectrum : Spectrum
    """
    n_traces, n_freqs = spectrum.psd.shape
    low, high = spectrum.freqs_hz[0], spectrum.freqs_hz[-1]
    grid = f"{count(n_freqs, 'frequency', 'frequencies')} from {low:.3g} to {high:.3g} Hz"
    return Outline(
        line=f"{spectrum.method}, {count(n_traces, 'trace')}, {grid}",
        rows=[
            ("Estimator", spectrum.method),
            ("Traces", f"{n_traces:,}"),
            ("Frequencies", grid),
            ("Frame interval", f"{spectrum.dt_s:.6g} s"),
            ("Unit", DENSITY + (" ÷ 4π" if spectrum.method == "log_welch" else "")),
        ],
    )


def describe_fit(fit: Any) -> Outline:
    """Describe fits: the model, the range, and how β is distributed.

    Parameters
    ----------
    fit : PowerLawFit
    """
    betas = fit.beta[np.isfinite(fit.beta)]
    low, high = fit.f_range_hz
    used = f"{low:.3g} to {high:.3g} Hz"
    median = format_number(np.median(betas), 3) if betas.size else "–"
    rows = [
        ("Model", f"{fit.model}, by {fit.fitting.replace('_', ' ')}"),
        ("Frequencies used", used),
        ("Traces with an exponent", f"{betas.size:,} of {fit.beta.size:,}"),
    ]
    if betas.size:
        quartiles = np.percentile(betas, [25, 75])
        rows.append(("Median β", median))
        rows.append(("Middle half of β", f"{quartiles[0]:.3g} to {quartiles[1]:.3g}"))
    return Outline(
        line=f"{fit.model}, {count(fit.beta.size, 'trace')}, median β = {median}, {used}",
        rows=rows,
    )


def label_spectrum(spectrum: Any) -> LabelledArrays:
    """Return the arrays of spectra, labelled; their table has a column per trace.

    Parameters
    ----------
    spectrum : Spectrum
    """
    n_traces = spectrum.psd.shape[0]
    meaning = "One-sided power spectral density"
    if spectrum.method == "log_welch":
        meaning += ", divided by 4π as published"
    return LabelledArrays(
        coords={
            "trace": Labelled(("trace",), np.arange(n_traces), "1", "Trace, from 0"),
            "freqs_hz": Labelled(("freqs_hz",), spectrum.freqs_hz, "Hz", "Frequency"),
        },
        variables={
            "psd": Labelled(("trace", "freqs_hz"), spectrum.psd, DENSITY, meaning),
            "dof": Labelled(
                ("freqs_hz",), spectrum.dof, "1", "Degrees of freedom of each estimate"
            ),
        },
        attrs={"method": spectrum.method, "dt_s": spectrum.dt_s},
        table="wide",
        in_table=("psd",),
    )


def label_fit(fit: Any) -> LabelledArrays:
    """Return the arrays of fits, labelled; their table has a row per trace.

    Parameters
    ----------
    fit : PowerLawFit
    """
    columns = {
        name: Labelled(("trace",), getattr(fit, name), unit, meaning)
        for name, (unit, meaning) in FIT_COLUMNS.items()
    }
    for name, place in (("beta_ci95_low", 0), ("beta_ci95_high", 1)):
        end = "Lower" if place == 0 else "Upper"
        columns[name] = Labelled(
            ("trace",), fit.beta_ci95[:, place], "1", f"{end} end of the 95 % interval of beta"
        )
    columns["model"] = Labelled(("trace",), np.array(fit.trace_models, dtype=object), "", "Model")
    n_traces = fit.beta.size
    return LabelledArrays(
        coords={"trace": Labelled(("trace",), np.arange(n_traces), "1", "Trace, from 0")},
        variables=columns,
        attrs={
            "model": fit.model,
            "fitting": fit.fitting,
            "f_low_hz": fit.f_range_hz[0],
            "f_high_hz": fit.f_range_hz[1],
        },
    )
