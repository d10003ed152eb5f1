"""How many components a matrix of counts has."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.transfer import on_host
from umlpsd_gpu.factorisation.binning import Binned, binnings
from umlpsd_gpu.factorisation.count_splitting import count_splitting_loss
from umlpsd_gpu.factorisation.noise_edges import (
    largest_of_noise,
    noise_edge,
    optimal_threshold,
)
from umlpsd_gpu.factorisation.result import RankDecision
from umlpsd_gpu.factorisation.subspace import project, require_non_negative

# Counts of a row below which singular values of scaled counts are larger than those of Gaussian
# noise; the same for the mean of all elements, where the sharper of two thresholds is used
FEWEST_COUNTS_OF_ROW, FEWEST_COUNTS_OF_ELEMENT = 18.0, 0.15
# Variation of a component, relative to the first, below which it rather is drift of the energy
# axis, absorption or thickness than a material, as found in real spectrum images of many counts
LEAST_VARIATION = 2e-3
# A number with a smaller probability is not decided
LEAST_PROBABILITY = 0.5
# Log odds of a right number: this much less, and so much per logarithm of the detection limit;
# fitted to 360 simulated cubes of four kinds (benchmarks/spectrum_image_rank.py)
ODDS_AT_LIMIT, ODDS_PER_LOG_LIMIT = -3.15, -2.29


@dataclass(frozen=True)
class _Spectrum:
    """Singular values of scaled counts in one binning."""

    values: Array
    shape: tuple[int, int]
    pixels: int
    channels: int
    counts_of_row: float

    @property
    def is_sharp(self) -> bool:
        """Whether noise is near enough to Gaussian for its largest singular value to be known."""
        return self.counts_of_row / self.shape[1] >= FEWEST_COUNTS_OF_ELEMENT

    @property
    def threshold(self) -> float:
        """Singular value above which a component is significant."""
        return largest_of_noise(*self.shape) if self.is_sharp else optimal_threshold(*self.shape)

    @property
    def detection_limit(self) -> float:
        """Singular value of the weakest component that is seen, relative to the first."""
        return self.threshold / float(self.values[0])

    @property
    def n_significant(self) -> int:
        """Number of singular values above the threshold."""
        return int(np.count_nonzero(self.values > self.threshold))

    @property
    def n_components(self) -> int:
        """Number of those that are large enough to be components."""
        excess = self.values**2 - noise_edge(*self.shape) ** 2
        is_large = excess > LEAST_VARIATION * self.values[0] ** 2
        return int(np.count_nonzero((self.values > self.threshold) & is_large))


def decide_rank_of_counts(
    counts: Array, shape: tuple[int, int] | None = None, k_max: int = 8, seed: int = 0
) -> RankDecision:
    """Decide how many components a matrix of counts has.

    Counts are scaled so that their noise has unit variance (Keenan and Kotula), and singular values
    above the largest of such noise are components. This is done for counts summed over squares of
    pixels and neighbouring channels too: what is smooth stays, and the edge of the noise falls.

    Parameters
    ----------
    counts : ndarray of counts, shape (n_pixels, n_channels)
    shape : tuple of int, optional
        Rows and columns of the image whose pixels are the samples. Default: samples have no
        neighbours.
    k_max : int
        Largest number that is considered.
    seed : int
        Of the random splits of the counts.

    Returns
    -------
    RankDecision
        With the estimates "singular values" (no binning), "binned singular values" and "count
        splitting".

    Raises
    ------
    TracesError
        If these are no counts; see `project`.
    """
    require_non_negative(counts)
    spectra, finest = [], None
    for binned in binnings(counts, shape):
        finest = finest or binned
        spectra.append(_spectrum_of(binned))
    assert finest is not None
    loss = count_splitting_loss(finest.counts, k_max, seed)
    estimates = {
        "singular values": min(k_max, max(1, spectra[0].n_significant)),
        "count splitting": int(np.argmin(loss)) + 1,
    }
    curves = {"singular values": spectra[0].values[:k_max], "count splitting": loss}
    usable = [each for each in spectra if each.counts_of_row >= FEWEST_COUNTS_OF_ROW]
    if not usable:
        return RankDecision(None, 0.0, _too_few(counts), estimates, curves)
    best = max(usable, key=lambda each: (each.n_components, -each.pixels * each.channels))
    k = min(k_max, max(1, best.n_components))
    n_weak = max(each.n_significant for each in usable) - max(1, best.n_components)
    limit = min(1.0, min(each.detection_limit for each in usable))
    probability = 1 / (1 + exp(-ODDS_AT_LIMIT - ODDS_PER_LOG_LIMIT * log(limit)))
    estimates["binned singular values"] = k
    is_decided = probability >= LEAST_PROBABILITY
    return RankDecision(
        k if is_decided else None, probability, _reason(k, n_weak, best, limit), estimates, curves
    )


def _spectrum_of(binned: Binned) -> _Spectrum:
    subspace = project(binned.counts, 1, "keenan_kotula")
    n_rows = binned.counts.shape[0]
    return _Spectrum(
        on_host(subspace.all_values),
        binned.counts.shape,
        binned.pixels,
        binned.channels,
        float(binned.counts.sum()) / n_rows,
    )


def _too_few(counts: Array) -> str:
    return (
        f"{float(counts.sum()):,.0f} counts are too few to tell components from noise, even in the "
        "largest bins"
    )


def _reason(k: int, n_weak: int, best: _Spectrum, limit: float) -> str:
    bins = f"{best.pixels} × {best.pixels} pixels and {best.channels} channels"
    where = "without binning" if best.pixels == best.channels == 1 else f"in bins of {bins}"
    words = "component is" if k == 1 else "components are"
    weak = ""
    if n_weak > 0:
        weak = (
            f"; {n_weak} more, each with less than {LEAST_VARIATION:.1%} of the variation of the "
            "first, may be drift, absorption or thickness"
        )
    return (
        f"{k} {words} above the noise of the counts {where}{weak}; one with less than "
        f"{limit**2:.2%} of the variation of the first would not be seen"
    )
