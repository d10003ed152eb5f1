"""What a blinking study has for other programs: traces, spectra, clusters, images, places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.blinking.map_files import domain_rows, list_images
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.tables import summary_of
from umlpsd_gpu.analyses.blinking.trace_table import trace_table
from umlpsd_gpu.analyses.clustering_contents import metrics_table
from umlpsd_gpu.exports.contents import (
    Column,
    Contents,
    Curves,
    Frame,
    Image,
    Places,
    Table,
)
from umlpsd_gpu.exports.rows import table_of_rows
from umlpsd_gpu.maps.images import image_of
from umlpsd_gpu.spectrum.result import falling_density

PSD_UNIT = "counts^2/Hz"
# of the mean image, in per cent: as the figure of the report
SHOWN = (1.0, 99.7)
# of channels that are correlations
CORRELATIONS = ("neighbours", "pixel row", "mean of cluster")


def contents_of(study: Study) -> Contents:
    """Return what a study has for other programs.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Contents
        Traces and spectra belong to the rows of the table ``traces``.
    """
    frames = {movie.name: _frame(movie) for movie in study.movies}
    decision = study.decision
    low, high = decision.confidence_ci95
    return Contents(
        name="study",
        analysis=study.analysis,
        facts={
            "k_opt": decision.k_opt,
            "scale": decision.scale,
            "confidence": decision.confidence,
            "confidence_low": low,
            "confidence_high": high,
            "reason": decision.reason,
            "dt_s": study.traces.dt_s,
            "n_frames": study.traces.n_frames,
            "psd_method": study.spectrum.method,
        },
        tables=tuple(_tables(study)),
        curves=tuple(_curves(study)),
        images=tuple(_images(study, frames)),
        places=tuple(_places(study, frames)),
    )


def _tables(study: Study) -> Iterator[Table]:
    fit, table = study.fit, trace_table(study)
    more = (
        Column("amplitude", fit.amplitude, PSD_UNIT, "Power law at 1 Hz"),
        Column("floor", fit.floor, PSD_UNIT, "White floor, 0 for none"),
        Column("knee_hz", fit.knee_hz, "Hz", "Level below it, 0 for none"),
        Column("reduced_chi2", fit.reduced_chi2, "", "Misfit per degree of freedom"),
    )
    yield replace(table, columns=(*table.columns, *more))
    yield table_of_rows("clusters", summary_of(study)["clusters"])
    yield metrics_table(study.sweeps)
    if study.maps is not None:
        units = {"area_px": "px^2", "area_um2": "um^2", "row_centroid": "px", "col_centroid": "px"}
        units["largest_component_px"] = "px^2"
        yield table_of_rows("domains", list(domain_rows(study.maps)), units)


def _curves(study: Study) -> Iterator[Curves]:
    traces, spectrum, clusters = study.traces, study.spectrum, study.clusters
    everything = np.arange(traces.n_traces)
    time = Column("time_s", np.arange(traces.n_frames) * traces.dt_s, "s", "Since the first frame")
    counts = Column("counts", traces.values, "counts", "Raw trajectory")
    yield Curves("trajectories", time, (counts,), traces.ids, "traces", everything)
    clustered = np.flatnonzero(study.clustered)
    n_samples = study.scaled.shape[1]
    duration_s = traces.n_frames * traces.dt_s
    middle = (np.arange(n_samples) + 0.5) * duration_s / max(1, n_samples)
    yield Curves(
        "scaled_trajectories",
        Column("time_s", middle, "s", "Middle of the samples"),
        (Column("scaled", study.scaled, "", f"Smoothed at {study.decision.scale}, from 0 to 1"),),
        tuple(traces.ids[i] for i in clustered),
        "traces",
        clustered,
    )
    freqs = Column("frequency_hz", spectrum.freqs_hz, "Hz", "Frequency")
    note = "" if spectrum.method != "log_welch" else "; 1/(4 pi) of the one-sided density"
    yield Curves(
        "power_spectra",
        freqs,
        (Column("psd", spectrum.psd, PSD_UNIT, f"Power spectral density{note}"),),
        traces.ids,
        "traces",
        everything,
        is_logarithmic=True,
        model=_fitted_spectrum(study),
    )
    yield Curves(
        "cluster_spectra",
        freqs,
        (
            Column("psd_mean", clusters.psd_mean, PSD_UNIT, f"Mean spectrum{note}"),
            Column("psd_stderr", clusters.psd_stderr, PSD_UNIT, "Its standard error"),
        ),
        tuple(f"cluster {cluster}" for cluster in clusters.clusters),
        "clusters",
        np.arange(len(clusters.clusters)),
        is_logarithmic=True,
    )


def _fitted_spectrum(study: Study) -> Callable[[int], np.ndarray]:
    fit, freqs = study.fit, study.spectrum.freqs_hz

    def model(n: int) -> np.ndarray:
        falling = falling_density(freqs, fit.beta[n], fit.knee_hz[n])
        fitted = fit.amplitude[n] * falling + fit.floor[n]
        inside = (freqs >= fit.f_range_hz[0]) & (freqs <= fit.f_range_hz[1])
        values: np.ndarray = np.where(inside, fitted, np.nan)
        return values

    return model


def _frame(movie: MovieSummary) -> Frame:
    size = movie.pixel_size_um
    shape = movie.mean_image.shape[0], movie.mean_image.shape[1]
    if size is None:
        return Frame(movie.name, shape)
    return Frame(movie.name, shape, (size, size), "um")


def _images(study: Study, frames: dict[str, Frame]) -> Iterator[Image]:
    for movie in study.movies:
        frame, mean = frames[movie.name], movie.mean_image
        low, high = np.nanpercentile(mean, SHOWN)
        limits = float(low), max(float(high), float(low) + 1e-9)
        yield Image("mean_image", frame, mean, "counts", "grey", limits)
        if study.settings.traces.mode == "pixels":
            yield from _maps(study, frame)


def _maps(study: Study, frame: Frame) -> Iterator[Image]:
    """Yield one value for each pixel of a movie as images."""
    inside = np.array([source == frame.name for source in study.traces.source])
    rows, cols = study.traces.rows[inside], study.traces.cols[inside]

    def image(values: np.ndarray) -> np.ndarray:
        return image_of(values[inside], rows, cols, frame.shape)

    yield Image("cluster", frame, image(study.labels), kind="labels")
    for channels in list_images(study).values():
        for name, values in channels.items():
            if values.dtype.kind in "iu":
                if name != "cluster":
                    yield Image(f"domains, {name}", frame, image(values), kind="labels")
            elif name.startswith(CORRELATIONS) or name.endswith(("raw", "detrended")):
                title = f"Pearson correlation, {name}"
                yield Image(title, frame, image(values), limits=(-1, 1), colours="RdBu_r")
            elif name != "cluster":
                yield Image(name, frame, image(values))


def _places(study: Study, frames: dict[str, Frame]) -> Iterator[Places]:
    are_pixels = study.settings.traces.mode == "pixels"
    source = np.array(study.traces.source, dtype=object)
    for name, frame in frames.items():
        index = np.flatnonzero((source == name) & np.isfinite(study.traces.rows))
        yield Places(
            "pixels" if are_pixels else "emitters",
            frame,
            "traces",
            index,
            np.asarray(study.traces.rows)[index],
            np.asarray(study.traces.cols)[index],
            study.labels[index],
            0.5 if are_pixels else study.settings.traces.box_radius_px + 0.5,
        )
