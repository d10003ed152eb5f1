"""The result of a blinking analysis."""

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
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.maps.result import AssemblyMaps
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum
from umlpsd_gpu.traces.traces import Traces


@dataclass(frozen=True, repr=False, eq=False)
class Study(Result, Displayed, Exported):
    """The result of the analysis of one ensemble.

    Attributes
    ----------
    settings : Settings
        All settings of the run, defaults included.
    movies : tuple of MovieSummary
        Empty for imported traces.
    traces : Traces
        All raw trajectories, also those that were not clustered.
    sweeps : tuple of Sweep
        One for each smoothing scale; of the clustered traces, in the order of ``traces``.
    decision : KDecision
    scaled : ndarray, shape (n_clustered, n_samples)
        The clustered traces, smoothed at the chosen scale and min-max scaled.
    labels : ndarray, shape (n_traces,), int16
        Cluster of each trace, 1…K, the largest cluster first; 0: not clustered.
    label_uncertainty : ndarray, shape (n_traces,)
        Weighted share of epochs that assign a trace to another cluster; NaN for traces that were
        not clustered, and after a single epoch.
    silhouette : ndarray, shape (n_traces,)
        Of the final labels; NaN for traces that were not clustered, and at K = 1.
    outliers : Outliers
        Traces that fit no cluster, and the clusters without them.
    tests : ClusterTests
        Whether each cluster is one cloud, and apart from the others.
    spectrum : Spectrum
        Power spectra of the raw traces, one row per trace.
    fit : PowerLawFit
        Exponents of the raw traces.
    clusters : ClusterSpectra
        Mean spectra and exponents of the clusters.
    maps : AssemblyMaps or None
        Of the pixels of one movie; None for emitters, imported traces and several movies.
    notes : tuple of str
        What the user should know: skipped scales, traces that were not clustered, and the like.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
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
    tests: ClusterTests
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
        """Which traces were clustered; ndarray, shape (n_traces,), bool."""
        return self.labels > 0

    def sweep_at(self, scale: str) -> Sweep:
        """Return the sweep at one smoothing scale.

        Parameters
        ----------
        scale : str
            As ``"W80"``.

        Returns
        -------
        Sweep

        Raises
        ------
        KeyError
            If this scale was not swept.
        """
        for sweep in self.sweeps:
            if sweep.scale == scale:
                return sweep
        raise KeyError(f"no sweep at scale {scale}; there are {[s.scale for s in self.sweeps]}")

    def _describe(self) -> Outline:
        return describe_study(self)

    def _labelled(self) -> LabelledArrays:
        return label_study(self)
