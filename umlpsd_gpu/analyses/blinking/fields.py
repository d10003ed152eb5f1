"""What study.h5 holds: one table of fields, read when writing, reading and documenting a study.

A path names a noun and its attribute: ``sweeps/*/ssd`` is ``Sweep.ssd`` of every scale. The star
stands for the name of the scale, in ``movies/*/…`` for the number of the movie, from 1, and in
``maps/*/…`` for ``raw`` or ``detrended``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.blinking.map_fields import MAP_FIELDS, map_groups, maps_from
from umlpsd_gpu.analyses.blinking.result import MovieSummary, Study
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum
from umlpsd_gpu.storage.field import Field
from umlpsd_gpu.traces.blocks import row_blocks
from umlpsd_gpu.traces.traces import Traces

Stored = np.ndarray | list[str] | str


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
    Field("sweeps/scales", "n_scales", "", "The scales in the order they were tried", "texts"),
    Field("sweeps/*/k_values", "n_k", "1", "Trial numbers of clusters K"),
    Field(
        "sweeps/*/labels",
        "n_k, n_epochs, n_clustered",
        "1",
        "Cluster of each clustered trace, from 0, in every K-means run",
        compressed=True,
    ),
    Field("sweeps/*/silhouette", "n_k, n_epochs", "1", "Mean silhouette SS"),
    Field(
        "sweeps/*/silhouette_stderr",
        "n_k, n_epochs",
        "1",
        "Standard error of SS where it is a sample's; 0: of all traces",
    ),
    Field("sweeps/*/calinski_harabasz", "n_k, n_epochs", "1", "Calinski-Harabasz index CH"),
    Field("sweeps/*/ssd", "n_k, n_epochs", "1", "Sum of squared distances to the centroids"),
    Field("sweeps/*/misclassified_percent", "n_k, n_epochs", "%", "Silhouettes below 0, %Mscl"),
    Field("sweeps/*/thresholds", "n_thresholds", "1", "Silhouette thresholds of %EM"),
    Field(
        "sweeps/*/below_percent",
        "n_thresholds, n_k, n_epochs",
        "%",
        "Silhouettes below each threshold, %EM",
    ),
    Field(
        "sweeps/*/smallest_cluster_silhouette",
        "n_k, n_epochs",
        "1",
        "Least of the clusters' mean silhouettes",
    ),
    Field(
        "sweeps/*/separation",
        "n_k, n_epochs",
        "1",
        "Clusters' mean margin over its standard deviation",
    ),
    Field("sweeps/*/least_separation", "n_k, n_epochs", "1", "That of the worst cluster"),
    Field("sweeps/*/n_iterations", "n_k, n_epochs", "1", "Lloyd iterations done"),
    Field("sweeps/*/scale", "", "", "Smoothing scale: raw, W80, WL6", "text"),
    Field("sweeps/*/engine", "", "", "Who ran K-means", "text"),
    Field("sweeps/*/silhouette_metric", "", "", "Distance of the silhouette", "text"),
    Field("sweeps/*/seed", "", "1", "Seed of the K-means starts", "number"),
    Field("sweeps/*/n_silhouettes", "", "1", "Traces that silhouettes rest on", "number"),
    Field("decision/k_opt", "", "1", "Number of clusters; 1: no cluster structure", "number"),
    Field("decision/scale", "", "", "Smoothing scale of the final clustering", "text"),
    Field("decision/confidence", "", "1", "0 to 1; see the rule", "number"),
    Field(
        "decision/confidence_ci95",
        "2",
        "1",
        "95 % interval of the confidence over the choice of traces; NaN where not made",
        "numbers",
    ),
    Field("decision/criteria", "n_criteria", "", "Criteria that voted", "texts"),
    Field("decision/votes", "n_criteria", "1", "K that each criterion votes for"),
    Field("decision/rule", "", "", "Name of the rule", "text"),
    Field("decision/reason", "", "", "Why, in a sentence", "text"),
    Field("clustering/labels", "n_traces", "1", "Cluster from 1, largest first; 0: not clustered"),
    Field(
        "clustering/label_uncertainty",
        "n_traces",
        "1",
        "Weighted share of K-means runs that put the trace into another cluster",
    ),
    Field("clustering/silhouette", "n_traces", "1", "Silhouette of the final clustering"),
    Field(
        "clustering/scaled",
        "n_clustered, n_samples",
        "1",
        "Clustered traces at the chosen scale, min-max scaled",
    ),
    Field("outliers/score", "n_traces", "1", "How far the trace is beyond every cluster's range"),
    Field("outliers/threshold", "", "1", "Outliers have a larger score; infinite: none", "number"),
    Field(
        "outliers/false_positive_rate",
        "",
        "1",
        "Share of traces above the threshold if all belong to their clusters",
        "number",
    ),
    Field(
        "outliers/labels",
        "n_traces",
        "1",
        "Cluster, found again without the outliers; 0: outlier or not clustered",
    ),
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

# How a result is computed, never what comes out of it: left out of the digest.
_SETTINGS_WITHOUT_EFFECT: dict[str, Any] = {
    "device": True,
    "n_threads": True,
    "movie": {"memory_mb": True},
    # the region's name and content are in the history of the traces
    "traces": {"memory_mb": True, "roi": True},
}


def stored_fields(study: Study) -> Iterator[tuple[str, Field, Stored]]:
    """Yield path, field and value on disk of every dataset of a study."""
    for group, values in _groups(study).items():
        for field in _fields_of(group):
            yield f"{group}/{field.name}", field, _to_disk(values[field.name])


def nouns_from(read: Callable[[str], Any], has_maps: bool) -> dict[str, Any]:
    """Return what study.h5 holds of a Study: its attributes by name.

    Parameters
    ----------
    read : callable
        Gives the stored value at a path: an array, a list of texts, a text or a number.
    has_maps : bool
        Whether there is a group of maps.
    """

    def values(group: str) -> dict[str, Any]:
        return {
            field.name: _from_disk(field, read(f"{group}/{field.name}"))
            for field in _fields_of(group)
        }

    n_movies = len(values("movies")["names"])
    decision = values("decision")
    ballots = zip(decision.pop("criteria"), decision.pop("votes").tolist(), strict=True)
    return {
        "movies": tuple(MovieSummary(**values(f"movies/{i + 1}")) for i in range(n_movies)),
        "traces": Traces(**values("traces")),
        "sweeps": tuple(Sweep(**values(f"sweeps/{s}")) for s in values("sweeps")["scales"]),
        "decision": KDecision(**decision, votes=dict(ballots)),
        **values("clustering"),
        "outliers": Outliers(**values("outliers")),
        "spectrum": Spectrum(**values("spectrum")),
        "fit": PowerLawFit(**values("fit")),
        "clusters": ClusterSpectra(**values("clusters")),
        "maps": maps_from(values) if has_maps else None,
    }


def digest_of(study: Study) -> str:
    """Return the SHA-256 of everything in study.h5 and of the settings that can change it.

    Equal digests mean equal results: device, threads and chunk size do not enter.
    """
    sha = hashlib.sha256()
    settings = study.settings.model_dump(mode="json", exclude=_SETTINGS_WITHOUT_EFFECT)
    sha.update(json.dumps(settings, sort_keys=True).encode())
    for path, _, value in sorted(stored_fields(study), key=lambda stored: stored[0]):
        if isinstance(value, np.ndarray):
            sha.update(f"{path} {value.dtype.str} {value.shape}".encode())
            _add_bytes(sha, value)
        else:
            sha.update(f"{path} {json.dumps(value)}".encode())
    return sha.hexdigest()


def _add_bytes(sha: Any, value: np.ndarray) -> None:
    values = value.reshape(1) if value.ndim == 0 else value
    for rows in row_blocks(values):
        sha.update(np.ascontiguousarray(values[rows]).reshape(-1).view(np.uint8).data)


def _groups(study: Study) -> dict[str, dict[str, Any]]:
    decision = vars(study.decision) | {
        "criteria": tuple(study.decision.votes),
        "votes": np.array(list(study.decision.votes.values()), dtype=np.int64),
    }
    return {
        "movies": {"names": tuple(movie.name for movie in study.movies)},
        **{f"movies/{i}": vars(movie) for i, movie in enumerate(study.movies, start=1)},
        "traces": vars(study.traces),
        "sweeps": {"scales": tuple(sweep.scale for sweep in study.sweeps)},
        **{f"sweeps/{sweep.scale}": vars(sweep) for sweep in study.sweeps},
        "decision": decision,
        "clustering": vars(study),
        "outliers": vars(study.outliers),
        "spectrum": vars(study.spectrum),
        "fit": vars(study.fit),
        "clusters": vars(study.clusters),
        **map_groups(study.maps),
    }


def _fields_of(group: str) -> list[Field]:
    pattern = re.sub(r"^(movies|sweeps)/.+", r"\1/*", group)
    pattern = re.sub(r"^maps/(raw|detrended)$", "maps/*", pattern)
    return [field for field in FIELDS if field.group == pattern]


def _to_disk(value: Any) -> Stored:
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return [_storable(item) for item in value]
    # any array as it is: one in a file stays there
    return np.asanyarray(np.nan if value is None else value)


def _storable(text: str) -> str:
    """Replace what HDF5 text can't hold: zero characters, and file names that are no UTF-8."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "�")


def _from_disk(field: Field, stored: Any) -> Any:
    match field.kind:
        case "texts" | "numbers":
            return tuple(stored) if field.kind == "texts" else tuple(map(float, stored))
        case "number":
            return stored.item()
        case "perhaps number":
            return None if np.isnan(stored) else float(stored)
        case _:
            return stored
