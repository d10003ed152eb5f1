"""Is something local? The windows of a micrograph against those of images with random phases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from umlpsd_gpu.analyses.micrographs.settings import MicrographsSettings
from umlpsd_gpu.analyses.micrographs.windows_apart import count_predictive
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.compute.transfer import uploaded
from umlpsd_gpu.factorisation.result import RankDecision
from umlpsd_gpu.factorisation.surrogate_rank import (
    centred_variances,
    decide_rank_by_surrogates,
    show_p,
)
from umlpsd_gpu.images.spectral_shapes import coherent_frequencies, spectral_shapes
from umlpsd_gpu.images.surrogates import Surrogates
from umlpsd_gpu.images.trends import describe_contrast
from umlpsd_gpu.images.windowed_fft import WindowedSpectra, windowed_spectra

# Principal components looked at beyond the largest number of spectra
SPARE_COMPONENTS = 4
# That bi-cross-validation alone tells the number: it tells whether something is local, not how many
PROBABILITY_OF_LEAST = 0.5


def compare_with_surrogates(
    image: Array,
    all_spectra: Sequence[WindowedSpectra],
    settings: MicrographsSettings,
    context: Context,
) -> list[tuple[RankDecision, str | None]]:
    """Compare the windows with those of images with the same spectrum and random phases.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
    all_spectra : sequence of WindowedSpectra
        Of the image, in windows of one or several sizes.
    settings : MicrographsSettings
    context : Context

    Returns
    -------
    list of (RankDecision, str or None)
        For each size, with what is to be said of the contrast of the windows.
    """
    surrogates = Surrogates(image)
    comparisons = [_Comparison(spectra, settings.sweep.k_max) for spectra in all_spectra]
    n = settings.micrograph.n_phase_surrogates
    on_gpu = context.device == "gpu"

    def draw(number: int) -> Array:
        drawn = surrogates.draw([settings.sweep.seed, number])
        return uploaded(drawn) if on_gpu else drawn

    def compare_surrogate(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
        values = draw(number)
        return [each.measure_windows_of(values) for each in comparisons]

    found = []
    context.progress("surrogates", 0, n)
    with thread_pool(1 if on_gpu else settings.n_threads or n_cores()) as pool:
        for of_surrogate in pool.map(compare_surrogate, range(n)):
            found.append(of_surrogate)
            context.progress("surrogates", len(found), n)
    by_size = zip(*found, strict=True)
    return [each.judge(of_size, draw) for each, of_size in zip(comparisons, by_size, strict=True)]


class _Comparison:
    """The windows of one size: what is compared of them."""

    def __init__(self, spectra: WindowedSpectra, k_max: int) -> None:
        self.spectra = spectra
        self.n_leading = min(k_max + SPARE_COMPONENTS, spectra.amplitudes.shape[0] - 1)
        self.k_max = min(k_max, self.n_leading - 1)
        self.coherent = coherent_frequencies(spectra)

    def measure_windows_of(self, image: Array) -> tuple[np.ndarray, np.ndarray]:
        """Return the variances and contrasts of the windows of another image."""
        return self._measure(self._windows_of(image).amplitudes)

    def judge(
        self,
        of_surrogates: Sequence[tuple[np.ndarray, np.ndarray]],
        draw: Callable[[int], Array],
    ) -> tuple[RankDecision, str | None]:
        """Return how many components vary locally, and what is to be said of the contrast."""
        variances, contrast = self._measure(self.spectra.amplitudes)
        decision = decide_rank_by_surrogates(
            variances,
            [each for each, _ in of_surrogates],
            self.k_max,
            n_left_out=int(self.coherent.sum()),
        )
        if decision.k == 1:
            n_predictive = self._count_predictive(self.spectra)
            # a random field of long correlations predicts itself, and so do its surrogates
            if n_predictive and any(
                self._count_predictive(self._windows_of(draw(number)))
                for number in range(len(of_surrogates))
            ):
                n_predictive = 0
            decision = _with_second_opinion(decision, n_predictive)
        contrasts = [each for _, each in of_surrogates]
        return decision, describe_contrast(contrast, contrasts, self.spectra.grid)

    def _windows_of(self, image: Array) -> WindowedSpectra:
        return windowed_spectra(image, self.spectra.window, self.spectra.step)

    def _count_predictive(self, spectra: WindowedSpectra) -> int:
        return count_predictive(spectra, self.coherent, self.k_max)

    def _measure(self, amplitudes: Array) -> tuple[np.ndarray, np.ndarray]:
        shapes = spectral_shapes(amplitudes, self.coherent)
        return centred_variances(shapes.values, self.n_leading), shapes.contrast


def _with_second_opinion(decision: RankDecision, n_predictive: int) -> RankDecision:
    """Return a decision for nothing local, or for two spectra where windows predict each other."""
    estimates = {**decision.estimates, "bi-cross-validation": 1 + n_predictive}
    if not n_predictive:
        return replace(decision, estimates=estimates)
    p = float(decision.curves["p-value"][0])
    reason = (
        "at least 2 local spectra, whose number can't be decided: the windows vary no more than "
        f"those of images with the same spectrum and random phases (p {show_p(p)}), but the "
        "spectra of some predict those of others, which share no pixel with them, better than the "
        "mean does (bi-cross-validation)"
    )
    return replace(
        decision, k=2, probability=PROBABILITY_OF_LEAST, reason=reason, estimates=estimates
    )
