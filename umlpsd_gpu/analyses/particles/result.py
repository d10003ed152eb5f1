"""The result of an analysis of particles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from umlpsd_gpu.analyses.particles.particle_table import ParticleTable
from umlpsd_gpu.analyses.particles.sizes import SizeStatistics, size_statistics
from umlpsd_gpu.analyses.particles.stability import MethodStability
from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.clustering.cluster import Clustering

# The length that headlines, histograms and batches show
MAIN_LENGTH = "equivalent_diameter_nm"
LENGTHS = (MAIN_LENGTH, "feret_min_nm", "feret_max_nm")


@dataclass(frozen=True, eq=False)
class AnalysedImage:
    """A micrograph whose particles were found.

    Attributes
    ----------
    name : str
        Of its file.
    grey : ndarray of uint8, shape (n_rows, n_columns)
        For looking at: the lowest and highest 0.5 % are black and white.
    labels : ndarray of uint16, shape (n_rows, n_columns)
        0: background.
    nm_per_px : float
    scale_origin : str
        Where the size of a pixel is from.
    polarity : str
        ``"dark"`` or ``"bright"``: the particles on their background.
    psf_px : float
        Standard deviation of the blur; NaN if unknown.
    notes : tuple of str
    """

    name: str
    grey: np.ndarray
    labels: np.ndarray
    nm_per_px: float
    scale_origin: str
    polarity: str
    psf_px: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ParticleClasses:
    """Classes of particles, and how far they can be trusted.

    Attributes
    ----------
    labels : ndarray of int16, shape (n_particles,)
        From 1, the largest first; 0 for particles that don't count, or fit no class.
    ari : float
        Adjusted Rand index of the classes of two halves; NaN for one cluster.
    methods : tuple of MethodStability
        K-means, Gaussian mixture and average linkage at the same number of classes.
    cophenetic_correlation : float
        Of the single-linkage tree, as published; NaN for fewer than three particles.
    accuracy, accuracy_shuffled : float
        Of a support vector machine that learns the classes, as published, and of one that learns
        clusters of shuffled columns; NaN for one class.
    parameters : mapping of str to float or str
        Of that support vector machine; empty for one class.
    classifier : str
        Name of the file whose classifier gave the classes; empty if they were found here.
    """

    labels: np.ndarray
    ari: float = float("nan")
    methods: tuple[MethodStability, ...] = ()
    cophenetic_correlation: float = float("nan")
    accuracy: float = float("nan")
    accuracy_shuffled: float = float("nan")
    parameters: Mapping[str, Any] = field(default_factory=dict)
    classifier: str = ""

    @property
    def k(self) -> int:
        """Number of classes; int."""
        return max(int(self.labels.max(initial=0)), 1)


@dataclass(frozen=True, repr=False)
class ParticleStudy(Result):
    """Particles of one ensemble of micrographs: sizes, shapes and classes.

    Attributes
    ----------
    settings : ParticlesSettings
        All settings of the run, defaults included.
    images : tuple of AnalysedImage
    table : ParticleTable
        All particles, also those that don't count.
    clustering : Clustering or None
        Of the counted particles, spread over all; None below 10 particles, or with a classifier.
    classes : ParticleClasses
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
    versions : dict of str to str
        Versions of this package and of those it uses.
    """

    analysis: ClassVar[str] = "particles"

    settings: Any
    images: tuple[AnalysedImage, ...]
    table: ParticleTable
    clustering: Clustering | None
    classes: ParticleClasses
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    def __repr__(self) -> str:
        """Return the answer in a line."""
        main = self.sizes[0, MAIN_LENGTH]
        return (
            f"ParticleStudy({main.n} particles, {main.values['mean']:.3g} ± "
            f"{main.values['sd']:.2g} nm, {self.classes.k} classes)"
        )

    @cached_property
    def sizes(self) -> dict[tuple[int, str], SizeStatistics]:
        """Statistics by class (0: all counted particles) and length (`LENGTHS`)."""
        counted, labels = self.table.is_counted, self.classes.labels
        groups = {0: counted}
        if self.classes.k > 1:
            groups |= {k: counted & (labels == k) for k in range(1, self.classes.k + 1)}
        return {
            (number, length): size_statistics(
                self.table[length][group],
                self.table["weight"][group],
                self.table["image"][group],
                self.settings.sweep.seed,
                self.settings.particle.n_size_resamples,
            )
            for number, group in groups.items()
            for length in LENGTHS
        }
