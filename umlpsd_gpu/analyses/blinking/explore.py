"""What can be clicked in the report of a blinking study: emitters or pixels, traces, spectra."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.saved_labels import saved_labellings
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Layer, Panel, Picture
from umlpsd_gpu.spectrum.result import PowerLawFit, falling_density
from umlpsd_gpu.storage.blocks import row_blocks

# frequencies at which a fit is drawn: it is smooth on logarithmic axes
N_FIT_POINTS = 24
# more estimates are drawn as a line
MOST_POINTS = 100


def explore_study(study: Study) -> Explorer:
    """Return images, emitters or pixels, and their curves.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Explorer
        Imported traces have no image: they are placed by β and silhouette.
    """
    traces = study.traces
    columns = _columns(study)
    x, y, x_label, y_label = traces.cols, traces.rows, "column (px)", "row (px)"
    if not study.movies:
        x, y, x_label, y_label = study.fit.beta, study.silhouette, "β", "silhouette"
    of_pixels = bool(study.movies) and study.settings.traces.mode == "pixels"
    return Explorer(
        item=_item_word(study, of_pixels),
        ids=traces.ids,
        x=x,
        y=y,
        x_label=x_label,
        y_label=y_label,
        picture_of=_movie_of(study),
        pictures=tuple(
            Picture(
                movie.name,
                (Layer("Mean image", "counts", movie.mean_image),),
                movie.pixel_size_um,
            )
            for movie in study.movies
        ),
        is_pixels=of_pixels,
        labels=study.labels,
        columns=columns,
        panels=_panels(study),
        labellings=saved_labellings(
            study.sweeps, study.decision, study.labels, study.clustered, "Smoothing scale"
        ),
        outliers=study.outliers.is_outlier,
        outlier_column="Outlier score",
        first=_most_typical(study),
    )


def _item_word(study: Study, of_pixels: bool) -> str:
    if not study.movies:
        return "trace"
    return "pixel" if of_pixels else "emitter"


def _movie_of(study: Study) -> np.ndarray:
    numbers = {movie.name: number for number, movie in enumerate(study.movies)}
    return np.array([numbers.get(name, 0) for name in study.traces.source], dtype=np.int64)


def _most_typical(study: Study) -> int:
    """Return the trace of cluster 1 with the largest silhouette."""
    score = np.where(study.labels == 1, np.nan_to_num(study.silhouette, nan=-1.0), -np.inf)
    return int(score.argmax())


def _columns(study: Study) -> tuple[Column, ...]:
    fit = study.fit
    low, high = fit.beta_ci95.T
    return (
        Column("β", "", fit.beta, low, high),
        Column("Silhouette", "", study.silhouette),
        Column("Label uncertainty", "", study.label_uncertainty),
        Column("Outlier score", "σ", study.outliers.score),
        Column("Mean intensity", "counts", _mean_intensity(study)),
        Column("p-value of the fit", "", fit.p_value),
    )


def _mean_intensity(study: Study) -> np.ndarray:
    """Return the mean of each raw trace; NaN if it holds NaN."""
    values = study.traces.values
    means = np.empty(len(values))
    for rows in row_blocks(values):
        means[rows] = values[rows].mean(axis=1, dtype=np.float64)
    return means


def _panels(study: Study) -> tuple[Panel, ...]:
    traces, spectrum = study.traces, study.spectrum
    duration_s = traces.n_frames * traces.dt_s
    n_samples = study.scaled.shape[1]
    rows = np.where(study.clustered, np.cumsum(study.clustered) - 1, -1)
    times_s = (np.arange(n_samples) + 0.5) * duration_s / n_samples
    # log_welch may repeat a frequency
    freqs_hz, first = np.unique(spectrum.freqs_hz, return_index=True)
    fit_hz, fitted, low, high = fitted_spectra(study.fit)
    return (
        Panel(
            "Raw trace",
            "Time (s)",
            "Intensity (counts)",
            (Curves("raw", np.arange(traces.n_frames) * traces.dt_s, traces.values),),
        ),
        Panel(
            f"Trace as it was clustered, {study.decision.scale}",
            "Time (s)",
            "Intensity, scaled to 0…1",
            (Curves(study.decision.scale, times_s, study.scaled, rows=rows),),
        ),
        Panel(
            "Power spectral density of the raw trace",
            "Frequency (Hz)",
            "PSD (counts²/Hz)",
            (
                Curves("95 % interval of β", fit_hz, low, kind="band", top=high),
                Curves(
                    spectrum.method.replace("_", " "),
                    freqs_hz,
                    spectrum.psd[:, first],
                    kind="points" if freqs_hz.size <= MOST_POINTS else "line",
                ),
                Curves("fit", fit_hz, fitted),
            ),
            is_log=True,
        ),
    )


def fitted_spectra(
    fit: PowerLawFit,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fitted density of every trace, and that at both ends of the interval of β.

    At the ends of the interval the slow part keeps its value in the middle of the fitted range,
    on a logarithmic axis, about where β and the amplitude are least correlated.

    Parameters
    ----------
    fit : PowerLawFit

    Returns
    -------
    freqs_hz : ndarray, shape (n_points,)
        Over the fitted range.
    fitted, low, high : ndarray, shape (n_traces, n_points), counts²/Hz
        NaN where there is no fit, or the interval has no end.
    """
    freqs_hz = np.geomspace(*fit.f_range_hz, N_FIT_POINTS)
    middle_hz = float(np.sqrt(fit.f_range_hz[0] * fit.f_range_hz[1]))

    def falling(f_hz: np.ndarray, beta: np.ndarray) -> np.ndarray:
        return falling_density(f_hz[None, :], beta[:, None], fit.knee_hz[:, None])

    floor = fit.floor[:, None]
    fitted = fit.amplitude[:, None] * falling(freqs_hz, fit.beta)
    middle = fit.amplitude[:, None] * falling(np.array([middle_hz]), fit.beta)
    ends = []
    for end in fit.beta_ci95.T:
        beta = np.where(np.isfinite(end), end, np.nan)
        ratio = falling(freqs_hz, beta) / falling(np.array([middle_hz]), beta)
        ends.append(middle * ratio + floor)
    return freqs_hz, fitted + floor, np.minimum(*ends), np.maximum(*ends)
