"""Is something local? The windows of a micrograph against those of images with random phases."""

from __future__ import annotations

import numpy as np

from umlpsd_gpu.analyses.micrographs.settings import MicrographsSettings
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.backend import n_cores
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.compute.threads import thread_pool
from umlpsd_gpu.compute.transfer import uploaded
from umlpsd_gpu.factorisation.result import RankDecision
from umlpsd_gpu.factorisation.surrogate_rank import centred_variances, decide_rank_by_surrogates
from umlpsd_gpu.images.spectral_shapes import coherent_frequencies, spectral_shapes
from umlpsd_gpu.images.surrogates import Surrogates
from umlpsd_gpu.images.trends import describe_contrast
from umlpsd_gpu.images.windowed_fft import WindowedSpectra, windowed_spectra

# Principal components looked at beyond the largest number of spectra
SPARE_COMPONENTS = 4


def compare_with_surrogates(
    image: Array, spectra: WindowedSpectra, settings: MicrographsSettings, context: Context
) -> tuple[RankDecision, str | None]:
    """Compare the windows with those of images with the same spectrum and random phases.

    Parameters
    ----------
    image : ndarray, shape (n_rows, n_columns)
    spectra : WindowedSpectra
        Of the image.
    settings : MicrographsSettings
    context : Context

    Returns
    -------
    decision : RankDecision
    contrast_note : str or None
        What is to be said of the contrast of the windows.
    """
    n_leading = min(settings.sweep.k_max + SPARE_COMPONENTS, spectra.amplitudes.shape[0] - 1)
    surrogates = Surrogates(image)
    coherent = coherent_frequencies(spectra)
    n = settings.micrograph.n_phase_surrogates
    on_gpu = context.device == "gpu"

    def compare(amplitudes: Array) -> tuple[np.ndarray, np.ndarray]:
        shapes = spectral_shapes(amplitudes, coherent)
        return centred_variances(shapes.values, n_leading), shapes.contrast

    def compare_surrogate(number: int) -> tuple[np.ndarray, np.ndarray]:
        drawn = surrogates.draw([settings.sweep.seed, number])
        values = uploaded(drawn) if on_gpu else drawn
        return compare(windowed_spectra(values, spectra.window, spectra.step).amplitudes)

    of_surrogates, contrasts = [], []
    context.progress("surrogates", 0, n)
    with thread_pool(1 if on_gpu else settings.n_threads or n_cores()) as pool:
        for variances, contrast in pool.map(compare_surrogate, range(n)):
            of_surrogates.append(variances)
            contrasts.append(contrast)
            context.progress("surrogates", len(of_surrogates), n)
    own, contrast = compare(spectra.amplitudes)
    k_max = min(settings.sweep.k_max, n_leading - 1)
    decision = decide_rank_by_surrogates(own, of_surrogates, k_max, n_left_out=int(coherent.sum()))
    return decision, describe_contrast(contrast, contrasts, spectra.grid)
