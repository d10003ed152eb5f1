"""The study: everything found about one ensemble, ready to be saved and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from umlpsd_gpu.analyses.blinking.display import describe_study, label_study
from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.compute.display import Displayed, Outline
from umlpsd_gpu.compute.export import Exported, LabelledArrays
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum
from umlpsd_gpu.traces.traces import Traces


@dataclass(frozen=True, repr=False)
class Study(Result, Displayed, Exported):
    """A finished analysis.

    Attributes
    ----------
    settings : Settings
        As they ran, defaults filled in.
    movies : tuple of MovieSummary
        Empty for imported traces.
    traces : Traces
        Raw trajectories, every one that was found, flagged ones included.
    sweeps : tuple of Sweep
        One per smoothing scale, over the clustered traces only, in the order of ``traces``.
    decision : KDecision
    scaled : ndarray, shape (n_clustered, n_samples)
        The clustered traces, smoothed at the chosen scale and min-max scaled.
    labels : ndarray, shape (n_traces,), int16
        Cluster of each trace, 1…K from the largest cluster down; 0 for a flagged trace.
    label_uncertainty : ndarray, shape (n_traces,)
        Weighted share of epochs that put a trace into another cluster; NaN for flagged traces and
        after a single epoch.
    silhouette : ndarray, shape (n_traces,)
        Of the final labels; NaN for flagged traces and at K = 1.
    outliers : Outliers
        Traces that fit no cluster, and the clusters without them.
    spectrum, fit : Spectrum, PowerLawFit
        Of the raw traces, one row per trace.
    clusters : ClusterSpectra
    maps : AssemblyMaps or None
        Of the pixels of one movie; None for emitters, imported traces and several movies.
    notes : tuple of str
        What the user should know: skipped scales, flagged traces, settings that were adapted.
    timings_s : dict of str to float
        Wall seconds per step.
    device : str
    versions : dict of str to str
    """

    analysis: ClassVar[str] = "blinking"

    settings: Settings
    movies: tuple[MovieSummary, ...]
    traces: Traces
    sweeps: tuple[Sweep, ...]
    decision: KDecision
    scaled: np.ndarray
    labels: np.ndarray
    label_uncertainty: np.ndarray
    silhouette: np.ndarray
    outliers: Outliers
    spectrum: Spectrum
    fit: PowerLawFit
    clusters: ClusterSpectra
    maps: AssemblyMaps | None
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    @property
    def clustered(self) -> np.ndarray:
        """Return which traces were clustered; (n_traces,) bool."""
        return self.labels > 0

    def sweep_at(self, scale: str) -> Sweep:
        """Return the sweep of one scale; KeyError where it was not made."""
        for sweep in self.sweeps:
            if sweep.scale == scale:
                return sweep
        raise KeyError(f"no sweep at scale {scale}; made: {[s.scale for s in self.sweeps]}")

    def _describe(self) -> Outline:
        return describe_study(self)

    def _labelled(self) -> LabelledArrays:
        return label_study(self)
