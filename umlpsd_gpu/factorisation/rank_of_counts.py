"""How many components a matrix of counts has."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.factorisation.binning import (
    BinnedSpectrum,
    binned_spectra,
    sum_channels,
    sum_pixels,
)
from umlpsd_gpu.factorisation.count_splitting import count_splitting_loss
from umlpsd_gpu.factorisation.noise_edges import (
    largest_of_noise,
    noise_edge,
    optimal_threshold,
)
from umlpsd_gpu.factorisation.result import RankDecision
from umlpsd_gpu.factorisation.subspace import require_non_negative

# Counts of a row below which singular values of scaled counts are larger than those of Gaussian
# noise; the same for the mean of all elements, where the sharper of two thresholds is used
FEWEST_COUNTS_OF_ROW, FEWEST_COUNTS_OF_ELEMENT = 18.0, 0.2
# Variation of a component, relative to the first, below which it rather is drift of the energy
# axis, absorption or thickness than a material, as found in real spectrum images of many counts
LEAST_VARIATION = 2e-3
# Bins of pixels whose counts are split at random, and eight times the bins of channels
MOST_SPLIT = 4096
# A number with a smaller probability is not decided
LEAST_PROBABILITY = 0.5
# Log odds of a right number: this much less, and so much per logarithm of the detection limit;
# fitted to 360 simulated cubes of four kinds (benchmarks/spectrum_image_rank.py)
ODDS_AT_LIMIT, ODDS_PER_LOG_LIMIT = -3.15, -2.29


@dataclass(frozen=True)
class _Evidence:
    """What the singular values in one binning say."""

    spectrum: BinnedSpectrum

    @property
    def threshold(self) -> float:
        """Singular value above which a component is significant.

        Where elements have few counts, noise is not Gaussian and the higher threshold is used.
        """
        shape = self.spectrum.shape
        is_gaussian = self.spectrum.counts_of_bin / shape[1] >= FEWEST_COUNTS_OF_ELEMENT
        return largest_of_noise(*shape) if is_gaussian else optimal_threshold(*shape)

    @property
    def detection_limit(self) -> float:
        """Singular value of the weakest component that is seen, relative to the first."""
        return self.threshold / float(self.spectrum.values[0])

    @property
    def n_significant(self) -> int:
        """Number of singular values above the threshold."""
        return int(np.count_nonzero(self.spectrum.values > self.threshold))

    @property
    def n_components(self) -> int:
        """Number of those that are large enough to be components."""
        values = self.spectrum.values
        excess = values**2 - noise_edge(*self.spectrum.shape) ** 2
        is_large = excess > LEAST_VARIATION * values[0] ** 2
        return int(np.count_nonzero((values > self.threshold) & is_large))


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
    evidence = [_Evidence(spectrum) for spectrum in binned_spectra(counts, shape)]
    loss = count_splitting_loss(_few_enough(counts, shape), k_max, seed)
    first = evidence[0]
    estimates = {
        "singular values": min(k_max, max(1, first.n_significant)),
        "count splitting": int(np.argmin(loss)) + 1,
    }
    curves = {"singular values": first.spectrum.values[:k_max], "count splitting": loss}
    usable = [each for each in evidence if each.spectrum.counts_of_bin >= FEWEST_COUNTS_OF_ROW]
    if not usable:
        return RankDecision(None, 0.0, _too_few(counts), estimates, curves)
    # of several that show as many, the finest
    best = max(usable, key=lambda each: each.n_components)
    k = min(k_max, max(1, best.n_components))
    n_weak = max(each.n_significant for each in usable) - max(1, best.n_components)
    limit = min(1.0, min(each.detection_limit for each in usable))
    probability = 1 / (1 + exp(-ODDS_AT_LIMIT - ODDS_PER_LOG_LIMIT * log(limit)))
    estimates["binned singular values"] = k
    is_decided = probability >= LEAST_PROBABILITY
    return RankDecision(
        k if is_decided else None, probability, _reason(k, n_weak, best, limit), estimates, curves
    )


def _few_enough(counts: Array, shape: tuple[int, int] | None) -> Array:
    """Return counts in bins that are few enough for repeated splits, without empty ones."""
    pixels = 1
    while shape is not None and counts.shape[0] // pixels**2 > MOST_SPLIT:
        pixels *= 2
    binned = counts if shape is None or pixels == 1 else sum_pixels(counts, shape, pixels)
    channels = 1
    while binned.shape[1] // channels > MOST_SPLIT // 8:
        channels *= 2
    binned = binned if channels == 1 else sum_channels(binned, channels)
    kept: Array = binned[binned.sum(axis=1) > 0][:, binned.sum(axis=0) > 0]
    return kept


def _too_few(counts: Array) -> str:
    return (
        f"{float(counts.sum()):,.0f} counts are too few to tell components from noise, even in the "
        "largest bins"
    )


def _reason(k: int, n_weak: int, best: _Evidence, limit: float) -> str:
    pixels, channels = best.spectrum.pixels, best.spectrum.channels
    bins = f"in bins of {pixels} × {pixels} pixels and {channels} channels"
    where = "without binning" if pixels == channels == 1 else bins
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
