"""One emitter as plain values for JSON: its trace so far, and what the latest study says of it.

Keys of an emitter:

``number``
    Of the snapshot.
``id``, ``row``, ``col``
    Its name and its place in pixels (null if unknown).
``trace``
    ``x`` (s) and ``y`` (counts): the smallest and the largest value in each column of a plot.
``study``
    Null before it was part of a study; else ``cluster`` (0: not clustered), ``silhouette``,
    ``label_uncertainty``, ``beta``, ``beta_low``, ``beta_high`` (95 % interval), ``is_outlier``,
    ``processed`` (``scale``, ``x``, ``y``; null if not clustered), ``spectrum`` (``method``, ``x``,
    ``y``) and ``fit`` (``x``, ``y``, ``low``, ``high``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.explore import fitted_spectra
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.explorer.thinning import thin_curves
from umlpsd_gpu.live.page.plain import plain_number, plain_numbers
from umlpsd_gpu.live.page.state_json import shown_traces
from umlpsd_gpu.live.snapshot import Snapshot
from umlpsd_gpu.traces.traces import Traces

FEWEST_COLUMNS, MOST_COLUMNS = 10, 2000


def trace_of(
    snapshot: Snapshot, name: str, n_columns: int = 600, last_s: float | None = None
) -> dict[str, Any]:
    """Return one emitter.

    Parameters
    ----------
    snapshot : Snapshot
    name : str
        One of ``traces.ids``.
    n_columns : int
        Columns of the plot, 10…2000.
    last_s : float, optional
        Only the last seconds of the trace, above 0.

    Returns
    -------
    dict
        With the keys in the documentation of this module.

    Raises
    ------
    TracesError
        If there is no such emitter.
    SettingsError
        If a number is not allowed.
    """
    if not FEWEST_COLUMNS <= n_columns <= MOST_COLUMNS:
        raise SettingsError(
            f"columns are a whole number from {FEWEST_COLUMNS} to {MOST_COLUMNS}, got {n_columns}"
        )
    if last_s is not None and not (last_s > 0 and np.isfinite(last_s)):
        raise SettingsError(f"seconds are a number above 0, got {last_s:g}; leave them out for all")
    traces = shown_traces(snapshot)
    if traces is None:
        raise TracesError("no emitter has been found yet; ask again when there are some")
    if name not in traces.ids:
        example = f", as {traces.ids[0]!r}" if traces.ids else ""
        raise TracesError(
            f"there is no emitter {name!r}; give the name of one of {traces.n_traces}{example}"
        )
    at = traces.ids.index(name)
    return {
        "number": snapshot.number,
        "id": name,
        "row": plain_number(traces.rows[at]),
        "col": plain_number(traces.cols[at]),
        "trace": _raw(traces, at, n_columns, last_s),
        "study": _of_study(snapshot.study, name, n_columns),
    }


def _raw(traces: Traces, at: int, n_columns: int, last_s: float | None) -> dict[str, Any]:
    first = 0
    if last_s is not None:
        first = max(0, traces.n_frames - max(2, round(last_s / traces.dt_s)))
    values = np.asarray(on_host(traces.values[at : at + 1, first:]), dtype=np.float64)
    x = (first + np.arange(values.shape[1])) * traces.dt_s
    return _curve(*thin_curves(x, values, n_columns))


def _of_study(study: Study | None, name: str, n_columns: int) -> dict[str, Any] | None:
    if study is None or name not in study.traces.ids:
        return None
    at = study.traces.ids.index(name)
    low, high = study.fit.beta_ci95[at]
    return {
        "cluster": int(study.labels[at]),
        "silhouette": plain_number(study.silhouette[at]),
        "label_uncertainty": plain_number(study.label_uncertainty[at]),
        "is_outlier": bool(study.outliers.is_outlier[at]),
        "beta": plain_number(study.fit.beta[at]),
        "beta_low": plain_number(low),
        "beta_high": plain_number(high),
        "processed": _processed(study, at, n_columns),
        "spectrum": _spectrum(study, at, n_columns),
        "fit": _fit(study, at),
    }


def _processed(study: Study, at: int, n_columns: int) -> dict[str, Any] | None:
    if not study.labels[at]:
        return None
    row = int(np.count_nonzero(study.clustered[:at]))
    n_samples = study.scaled.shape[1]
    duration_s = study.traces.n_frames * study.traces.dt_s
    x = (np.arange(n_samples) + 0.5) * duration_s / n_samples
    curve = _curve(*thin_curves(x, study.scaled[row : row + 1], n_columns))
    return {"scale": study.decision.scale, **curve}


def _spectrum(study: Study, at: int, n_columns: int) -> dict[str, Any]:
    freqs_hz, first = np.unique(study.spectrum.freqs_hz, return_index=True)
    psd = np.asarray(on_host(study.spectrum.psd[at]), dtype=np.float64)[first][None]
    # a logarithmic axis has no place for what is not positive
    psd = np.where(psd > 0, psd, np.nan)
    curve = _curve(*thin_curves(freqs_hz, psd, n_columns, is_log=True))
    return {"method": study.spectrum.method.replace("_", " "), **curve}


def _fit(study: Study, at: int) -> dict[str, Any]:
    rows = ("beta", "beta_ci95", "amplitude", "floor", "knee_hz")
    alone = replace(study.fit, **{name: getattr(study.fit, name)[at : at + 1] for name in rows})
    freqs_hz, fitted, low, high = fitted_spectra(alone)
    return {
        "x": plain_numbers(freqs_hz),
        "y": plain_numbers(fitted[0]),
        "low": plain_numbers(low[0]),
        "high": plain_numbers(high[0]),
    }


def _curve(x: Array, y: Array) -> dict[str, Any]:
    return {"x": plain_numbers(x), "y": plain_numbers(y[0])}
