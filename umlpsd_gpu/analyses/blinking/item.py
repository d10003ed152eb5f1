"""One trace of a blinking study: its values, and its curves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.trace_table import trace_flags
from umlpsd_gpu.analyses.items.find_item import find_item
from umlpsd_gpu.analyses.items.item import Curve, Item, measured
from umlpsd_gpu.spectrum.result import falling_density


def item_of(study: Study, wanted: str) -> Item:
    """Return a trace of a study.

    Parameters
    ----------
    study : Study
    wanted : str
        Its number from 0, its name in traces.csv, or row and column of a pixel.

    Returns
    -------
    Item

    Raises
    ------
    SettingsError
        If there is no such trace.
    """
    traces = study.traces
    of_pixels = study.settings.traces.mode == "pixels" and len(study.movies) > 0
    places = np.stack([traces.rows, traces.cols], axis=1) if of_pixels else None
    index = find_item(wanted, "trace", traces.n_traces, traces.ids, places)
    return Item(
        f"Trace {index}: {traces.ids[index]}",
        int(study.labels[index]),
        tuple(_rows(study, index)),
        tuple(_curves(study, index)),
    )


def _rows(study: Study, i: int) -> Iterator[tuple[str, str]]:
    traces, fit, outliers = study.traces, study.fit, study.outliers
    yield "from", traces.source[i]
    if np.isfinite(traces.rows[i]):
        yield "place", f"row {traces.rows[i]:.2f}, column {traces.cols[i]:.2f} px"
    cluster = int(study.labels[i])
    flag = trace_flags(study)[i]
    yield "cluster", str(cluster) if cluster else f"none ({flag})"
    yield "β", measured(fit.beta[i], fit.beta_stderr[i])
    low, high = fit.beta_ci95[i]
    yield "β, 95 % interval", "–" if np.isnan(low) else f"{low:.3f} … {high:.3f}"
    yield "model of the spectrum", fit.trace_models[i] or "none fits"
    yield "p-value of the fit", measured(fit.p_value[i])
    yield "silhouette", measured(study.silhouette[i])
    yield "label uncertainty", measured(study.label_uncertainty[i])
    beyond = ", an outlier" if outliers.is_outlier[i] else ""
    score = measured(outliers.score[i], n_digits=2)
    limit = "none" if np.isinf(outliers.threshold) else f"{outliers.threshold:.2f}"
    yield "outlier score", f"{score} (threshold {limit}){beyond}"
    values = traces.values[i]
    if np.isfinite(values).any():
        yield "mean intensity", f"{np.nanmean(values):.4g} counts"


def _curves(study: Study, i: int) -> Iterator[Curve]:
    traces, spectrum, fit = study.traces, study.spectrum, study.fit
    time_s = traces.dt_s * np.arange(traces.n_frames)
    yield Curve("Raw trace", time_s, traces.values[i], "Time (s)", "Intensity (counts)")
    if study.labels[i] > 0:
        scaled = study.scaled[int(np.count_nonzero(study.clustered[:i]))]
        at_s = (np.arange(scaled.size) + 0.5) * traces.n_frames * traces.dt_s / scaled.size
        title = f"Scaled trace at {study.decision.scale}"
        yield Curve(title, at_s, scaled, "Time (s)", "Scaled intensity")
    if np.isfinite(spectrum.psd[i]).all():
        # log_welch keeps its published factor, 1/4π of the one-sided density
        unit = "counts²/Hz ÷ 4π" if spectrum.method == "log_welch" else "counts²/Hz"
        others: tuple[tuple[str, np.ndarray, np.ndarray], ...] = ()
        if np.isfinite(fit.beta[i]):
            f_hz = np.geomspace(*fit.f_range_hz, 100)
            falling = falling_density(f_hz, fit.beta[i], fit.knee_hz[i])
            density = fit.amplitude[i] * falling + fit.floor[i]
            others = ((f"fit, β = {fit.beta[i]:.2f}", f_hz, density),)
        yield Curve(
            "Power spectral density",
            spectrum.freqs_hz,
            spectrum.psd[i],
            "Frequency (Hz)",
            f"S ({unit})",
            is_logarithmic=True,
            others=others,
            name="spectrum",
        )
