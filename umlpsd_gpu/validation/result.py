"""The results of a validation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.validation.ensembles import OUTLIER_CLASS, Conditions
from umlpsd_gpu.validation.rates import Rate, pooled_rate, rate_of

# below this confidence a decision counts as “cannot decide”
DECIDED = 0.5


@dataclass(frozen=True)
class Recovery:
    """Decisions and labels of studies of simulated ensembles, compared with the truth.

    Attributes
    ----------
    classes : tuple of str
        Rows of the confusion: first the classes that should be clusters, then MSB, if it is not
        one.
    k_true : int
    scales : tuple of str
        Smoothing scales, in the order in which they were tried.
    k_opt : ndarray, shape (n_ensembles,), int
    confidence : ndarray, shape (n_ensembles,)
    chosen : tuple of str, length n_ensembles
        Scale that each study chose.
    confusion : ndarray, shape (n_ensembles, n_classes, k_true + 1), int
        Number of traces of each class in the cluster that is matched with each of the first
        ``k_true`` classes; the last column counts traces in clusters without a class, and in none.
        For the labels of the study, at its own K.
    confusion_without_outliers : ndarray, same shape, int
        The same for the labels of the clustering without flagged outliers, which are not counted.
    n_flagged : ndarray, shape (n_ensembles, n_classes), int
        Traces flagged as outliers.
    n_right : ndarray, shape (n_ensembles, n_scales), int
        Traces in the cluster of their class, at the true K.
    """

    classes: tuple[str, ...]
    k_true: int
    scales: tuple[str, ...]
    k_opt: np.ndarray
    confidence: np.ndarray
    chosen: tuple[str, ...]
    confusion: np.ndarray
    confusion_without_outliers: np.ndarray
    n_flagged: np.ndarray
    n_right: np.ndarray

    @property
    def n_ensembles(self) -> int:
        """Return the number of simulated ensembles."""
        return len(self.k_opt)

    @property
    def k_right(self) -> Rate:
        """Return the share of ensembles in which K_opt is the true K."""
        return rate_of(int((self.k_opt == self.k_true).sum()), self.n_ensembles)

    @property
    def undecided(self) -> Rate:
        """Return the share of ensembles with a confidence too low for a decision."""
        return rate_of(int((self.confidence < DECIDED).sum()), self.n_ensembles)

    @property
    def k_right_if_decided(self) -> Rate:
        """Return the share of correct K_opt among the ensembles with a decision."""
        decided = self.confidence >= DECIDED
        return rate_of(int((self.k_opt[decided] == self.k_true).sum()), int(decided.sum()))

    @property
    def said(self) -> dict[int, int]:
        """Return the number of ensembles for each K_opt."""
        return dict(sorted(Counter(self.k_opt.tolist()).items()))

    @property
    def times_chosen(self) -> dict[str, int]:
        """Return the number of studies that chose each scale."""
        return {scale: self.chosen.count(scale) for scale in self.scales}

    @property
    def accuracy(self) -> Rate:
        """Return the share of traces in the cluster of their class, at the K of each study."""
        return self._right_in(self.confusion)

    @property
    def accuracy_without_outliers(self) -> Rate:
        """Return the same for the clustering without flagged outliers, which are not counted."""
        return self._right_in(self.confusion_without_outliers)

    def accuracy_at(self, scale: str) -> Rate:
        """Return the share of traces in the cluster of their class, at the true K and one scale.

        Parameters
        ----------
        scale : str
            One of ``scales``.

        Returns
        -------
        Rate
        """
        n_right = self.n_right[:, self.scales.index(scale)]
        return pooled_rate(n_right, self.confusion[:, : self.k_true].sum(axis=(1, 2)))

    @property
    def accuracy_at_chosen(self) -> Rate:
        """Return the share of traces in the cluster of their class, at true K and chosen scale."""
        columns = [self.scales.index(scale) for scale in self.chosen]
        n_right = self.n_right[np.arange(self.n_ensembles), columns]
        return pooled_rate(n_right, self.confusion[:, : self.k_true].sum(axis=(1, 2)))

    def class_in_cluster(self, row: int, column: int) -> Rate:
        """Return the share of the traces of a class that are in one column of the confusion.

        Parameters
        ----------
        row, column : int
            Of the confusion.

        Returns
        -------
        Rate
        """
        return pooled_rate(self.confusion[:, row, column], self.confusion[:, row].sum(axis=1))

    def flagged(self, of_outliers: bool) -> Rate:
        """Return the share of traces that were flagged as outliers.

        Parameters
        ----------
        of_outliers : bool
            Of MSB traces in addition to other classes (True), or of all others (False).

        Returns
        -------
        Rate
        """
        rows = np.arange(len(self.classes)) >= self.k_true
        rows = rows if of_outliers else ~rows
        n_traces = self.confusion[:, rows].sum(axis=(1, 2))
        return pooled_rate(self.n_flagged[:, rows].sum(axis=1), n_traces)

    @property
    def has_outliers(self) -> bool:
        """Return whether MSB traces were simulated in addition to other classes."""
        return len(self.classes) > self.k_true and OUTLIER_CLASS in self.classes

    def _right_in(self, confusion: np.ndarray) -> Rate:
        clustered = confusion[:, : self.k_true]
        n_right = np.trace(clustered[:, :, : self.k_true], axis1=1, axis2=2)
        return pooled_rate(n_right, clustered.sum(axis=(1, 2)))


@dataclass(frozen=True)
class ExponentTest:
    """Fitted β of noise with a known β.

    Attributes
    ----------
    beta : float
        The truth.
    shot_noise : bool
        Whether the noise was converted to counts of a camera.
    white_percent : float
        Share of the variance that the camera adds, %.
    model : str
        The fitted model.
    n_traces, n_without_beta : int
        All traces, and those without a meaningful fit.
    bias : float
        Mean β less the truth; NaN without any fit.
    bias_stderr, scatter : float
        Standard error of the bias, and standard deviation of β; NaN for fewer than two fits.
    coverage : Rate
        Share of the 95 % intervals that contain the truth.
    """

    beta: float
    shot_noise: bool
    white_percent: float
    model: str
    n_traces: int
    n_without_beta: int
    bias: float
    bias_stderr: float
    scatter: float
    coverage: Rate

    @property
    def tells(self) -> bool:
        """Return whether most traces have a β; otherwise the few that do are exceptions."""
        return 2 * self.n_without_beta < self.n_traces


@dataclass(frozen=True)
class Validation:
    """How reliable the method is for data of these conditions.

    Attributes
    ----------
    conditions : Conditions
    settings : Settings
        Of the studies.
    seed : int
    recovery : Recovery
    exponents : tuple of ExponentTest
    f_range_hz : tuple of float
        Fitted frequencies, Hz.
    fitting : str
        Of the model of the settings.
    timings_s : dict of str to float
        Wall time of each step, s.
    device : str
    versions : dict of str to str
    """

    conditions: Conditions
    settings: Settings
    seed: int
    recovery: Recovery
    exponents: tuple[ExponentTest, ...]
    f_range_hz: tuple[float, float]
    fitting: str
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]
