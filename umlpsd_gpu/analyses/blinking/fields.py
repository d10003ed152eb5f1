"""The content of study.h5: one table of fields, for writing, reading and documentation.

A path gives an object and its attribute: ``sweeps/*/ssd`` is ``Sweep.ssd`` of every scale. The star
is the name of the scale; in ``movies/*/…`` it is the number of the movie, from 1, and in
``maps/*/…`` it is ``raw`` or ``detrended``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from umlpsd_gpu.analyses.blinking.map_fields import MAP_FIELDS, map_groups, maps_from
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.clustering.fields import (
    CLUSTERING_FIELDS,
    decision_from,
    decision_groups,
    sweep_groups,
    sweeps_from,
)
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum
from umlpsd_gpu.storage.field import Field, FieldTable
from umlpsd_gpu.traces.traces import Traces

# The published normalisation of log_welch is kept, so that published spectra compare.
PSD_FACTOR = "one-sided, but for log_welch 1/(4 pi) of it"

FIELDS = (
    Field("movies/names", "n_movies", "", "The movies in the order of their numbers", "texts"),
    Field("movies/*/name", "", "", "File or folder of the movie", "text"),
    Field("movies/*/mean_image", "n_rows, n_cols", "counts", "Time average of the movie"),
    Field("movies/*/dt_origin", "", "", "Where the frame interval comes from", "text"),
    Field("movies/*/dt_nominal_s", "", "s", "Interval asked of the camera", "perhaps number"),
    Field("movies/*/pixel_size_um", "", "um", "Object-plane pixel size", "perhaps number"),
    Field("movies/*/verdict", "", "", "Integrity: 'whole', or what is wrong", "text"),
    Field("traces/values", "n_traces, n_frames", "counts", "Raw trajectories, one a row"),
    Field("traces/dt_s", "", "s", "Frame interval", "number"),
    Field("traces/rows", "n_traces", "px", "Row in the movie, from 0; NaN for imported traces"),
    Field("traces/cols", "n_traces", "px", "Column in the movie, from 0; NaN for imported traces"),
    Field("traces/source", "n_traces", "", "Movie or table of each trace", "texts"),
    Field("traces/ids", "n_traces", "", "Unique name of each trace", "texts"),
    Field("traces/history", "n_steps", "", "What was done to the values, oldest first", "texts"),
    *CLUSTERING_FIELDS,
    Field("spectrum/freqs_hz", "n_freqs", "Hz", "Frequencies; may repeat"),
    Field(
        "spectrum/psd",
        "n_traces, n_freqs",
        "counts^2/Hz",
        f"Power spectral density; {PSD_FACTOR}",
    ),
    Field("spectrum/method", "", "", "Estimator", "text"),
    Field("spectrum/dof", "n_freqs", "1", "Chi-squared degrees of freedom of an estimate"),
    Field("spectrum/dt_s", "", "s", "Frame interval of the traces", "number"),
    Field("spectrum/n_frames", "", "1", "Frames of a trace", "number"),
    Field("spectrum/nperseg", "", "1", "Frames of a window of welch, else 0", "number"),
    Field("spectrum/noverlap", "", "1", "Frames that neighbouring windows share", "number"),
    Field("fit/beta", "n_traces", "1", "Exponent of S(f) = amplitude/(f^beta + knee^beta) + floor"),
    Field("fit/beta_stderr", "n_traces", "1", "Standard error of beta"),
    Field("fit/beta_ci95", "n_traces, 2", "1", "95 % confidence interval of beta"),
    Field("fit/amplitude", "n_traces", "counts^2/Hz", f"Power law at 1 Hz; {PSD_FACTOR}"),
    Field("fit/floor", "n_traces", "counts^2/Hz", f"White floor, 0 for none; {PSD_FACTOR}"),
    Field("fit/knee_hz", "n_traces", "Hz", "Level below it, 0 for none"),
    Field("fit/f_range_hz", "2", "Hz", "Lowest and highest frequency of the fit", "numbers"),
    Field("fit/model", "", "", "power_law, power_law_floor, power_law_knee or auto", "text"),
    Field(
        "fit/trace_models", "n_traces", "", "Model of each trace; empty where none fits", "texts"
    ),
    Field("fit/fitting", "", "", "least_squares or whittle", "text"),
    Field("fit/reduced_chi2", "n_traces", "1", "Misfit per degree of freedom, about 1 where sound"),
    Field("fit/p_value", "n_traces", "1", "Chance of a larger misfit in noise of the model"),
    Field("clusters/clusters", "n_clusters", "1", "Cluster numbers, from 1"),
    Field("clusters/n_traces", "n_clusters", "1", "Traces with a finite spectrum"),
    Field(
        "clusters/psd_mean", "n_clusters, n_freqs", "counts^2/Hz", f"Mean spectrum; {PSD_FACTOR}"
    ),
    Field("clusters/psd_stderr", "n_clusters, n_freqs", "counts^2/Hz", "Its standard error"),
    Field("clusters/n_beta", "n_clusters", "1", "Traces with a finite exponent"),
    Field("clusters/beta_mean", "n_clusters", "1", "Mean exponent <beta>"),
    Field("clusters/beta_stderr", "n_clusters", "1", "Its standard error"),
    *MAP_FIELDS,
)


def _groups(study: Any) -> dict[str, Mapping[str, Any]]:
    return {
        "movies": {"names": tuple(movie.name for movie in study.movies)},
        **{f"movies/{i}": vars(movie) for i, movie in enumerate(study.movies, start=1)},
        "traces": vars(study.traces),
        **sweep_groups(study.sweeps),
        **decision_groups(study.decision),
        "clustering": vars(study),
        "outliers": vars(study.outliers),
        "tests": vars(study.tests),
        "spectrum": vars(study.spectrum),
        "fit": vars(study.fit),
        "clusters": vars(study.clusters),
        **map_groups(study.maps),
    }


def _attributes(
    values: Callable[[str], dict[str, Any]], top_groups: frozenset[str]
) -> dict[str, Any]:
    n_movies = len(values("movies")["names"])
    return {
        "movies": tuple(MovieSummary(**values(f"movies/{i + 1}")) for i in range(n_movies)),
        "traces": Traces(**values("traces")),
        "sweeps": sweeps_from(values),
        "decision": decision_from(values),
        **values("clustering"),
        "outliers": Outliers(**values("outliers")),
        "tests": ClusterTests(**values("tests")),
        "spectrum": Spectrum(**values("spectrum")),
        "fit": PowerLawFit(**values("fit")),
        "clusters": ClusterSpectra(**values("clusters")),
        "maps": maps_from(values) if "maps" in top_groups else None,
    }


TABLE = FieldTable(FIELDS, _groups, _attributes)
