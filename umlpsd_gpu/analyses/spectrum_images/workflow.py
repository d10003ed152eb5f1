"""The whole analysis: spectrum image → number of components → components → compositions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.component_parts import factor_notes
from umlpsd_gpu.analyses.spectrum_images.element_search import (
    elements_of_image,
    name_missing_lines,
)
from umlpsd_gpu.analyses.spectrum_images.films import quantify_with_films
from umlpsd_gpu.analyses.spectrum_images.restore import restore_components
from umlpsd_gpu.analyses.spectrum_images.result import (
    RecordedSpectra,
    SpectrumImageStudy,
    Sweep,
)
from umlpsd_gpu.analyses.spectrum_images.settings import (
    QuantificationSettings,
    SpectrumImagesSettings,
)
from umlpsd_gpu.analyses.spectrum_images.source import SpectrumImageSource, open_source
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.analyses.spectrum_images.standard_files import read_standard_files
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.compute.context import Context, Progress
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.progress import choose_progress
from umlpsd_gpu.compute.transfer import record_on_host, uploaded
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.factorisation.factorise import (
    SPARE_RANK,
    FactorisationOptions,
    polish_factorisation,
    sweep_components,
)
from umlpsd_gpu.factorisation.rank_of_counts import decide_rank_of_counts
from umlpsd_gpu.factorisation.residuals import find_residuals
from umlpsd_gpu.factorisation.result import Factorisation, RankDecision, Uncertainty
from umlpsd_gpu.factorisation.subspace import Subspace, project
from umlpsd_gpu.factorisation.uncertainty import bound_components
from umlpsd_gpu.keywords import settings_from_keywords, show_settings
from umlpsd_gpu.xrays.spectrum import XraySpectrum


@show_settings(SpectrumImagesSettings)
def run_spectrum_image(
    source: SpectrumImage | str | Path,
    settings: SpectrumImagesSettings | None = None,
    progress: Progress | None = None,
    **values: Any,
) -> SpectrumImageStudy:
    """Unmix a spectrum image into components and quantify each.

    Parameters
    ----------
    source : SpectrumImage or file
        As `read_spectrum_image` takes or returns.
    settings : SpectrumImagesSettings, optional
    progress : callable, optional
        Called with (step, done, total). Default: bars in a notebook, nothing elsewhere.
    **values
        Single settings by name, which replace those of ``settings``: ``beam_kev=15``.

    Returns
    -------
    SpectrumImageStudy

    Raises
    ------
    UmlpsdError
        If the image can't be read, or has no counts.

    Examples
    --------
    >>> from umlpsd_gpu import run_spectrum_image
    >>> from umlpsd_gpu.simulate.spectrum_images import simulate_spectrum_image
    >>> from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
    >>> made = simulate_spectrum_image(n_rows=24, n_columns=24, counts_per_pixel=400)
    >>> image = SpectrumImage(made.counts, made.axis, made.conditions)
    >>> study = run_spectrum_image(image, n_restarts=4, k_max=4, method="none")
    >>> study.maps.shape
    (3, 24, 24)
    """
    chosen = settings_from_keywords(
        settings or SpectrumImagesSettings(), values, "run_spectrum_image"
    )
    context = Context(device_of(chosen), choose_progress(progress))
    if isinstance(source, SpectrumImage):
        return analyse(source, chosen, context)
    return analyse(open_source([str(source)], chosen.spectrum_image), chosen, context)


def analyse(
    source: SpectrumImageSource | SpectrumImage,
    settings: SpectrumImagesSettings,
    context: Context,
) -> SpectrumImageStudy:
    """Analyse a spectrum image as `run_spectrum_image` does, in a given context.

    Parameters
    ----------
    source : SpectrumImageSource or SpectrumImage
    settings : SpectrumImagesSettings
    context : Context

    Returns
    -------
    SpectrumImageStudy

    Raises
    ------
    UmlpsdError
        As `run_spectrum_image`.
    """
    standards = read_standard_files(settings.quantification.standards)
    with told_when_full():
        with context.clock.timing("read"):
            image = source.read() if isinstance(source, SpectrumImageSource) else source
        shape = image.counts.shape[:2]
        counts = image.counts.reshape(-1, image.counts.shape[2])
        matrix: Array = uploaded(counts) if context.device == "gpu" else counts
        with context.clock.timing("number of components"):
            decision = _decide(matrix, shape, settings, context)
        k = settings.unmixing.k or decision.k or decision.estimates["count splitting"]
        with context.clock.timing("unmix"):
            factors, sweep, subspace = _unmix(matrix, k, settings, context)
        with context.clock.timing("errors"):
            uncertainty = _bound(matrix, factors, subspace, settings, context)
    factors, uncertainty = record_on_host(factors), record_on_host(uncertainty)
    recorded = _record(image)
    context.progress("quantify", 0, 1)
    with context.clock.timing("quantify"):
        elements = _search_elements(counts, factors, recorded, settings.quantification)
        parts = np.zeros((k, k))
        if elements and recorded.conditions.beam_kev is not None and k > 1:
            restored = restore_components(counts, factors, uncertainty, elements, recorded)
            factors, uncertainty, parts = restored.factors, restored.uncertainty, restored.parts
        spectra, variances = _component_spectra(factors, uncertainty, recorded)
        quantified, film_notes = quantify_with_films(
            spectra, variances, elements, settings.quantification, standards
        )
        residuals = find_residuals(counts, factors.maps, factors.components)
        missing = name_missing_lines(residuals, elements, recorded)
    context.progress("quantify", 1, 1)
    return SpectrumImageStudy(
        settings=settings,
        recorded=recorded,
        decision=decision,
        sweep=sweep,
        factors=factors,
        uncertainty=uncertainty,
        quantified=tuple(quantified),
        residuals=residuals,
        missing=missing,
        notes=(
            *_list_notes(image, settings, decision, factors, missing, parts),
            *film_notes,
        ),
        timings_s=context.clock.seconds,
        device=context.device,
        versions=recorded_versions(context.device),
    )


def _decide(
    matrix: Array, shape: tuple[int, int], settings: SpectrumImagesSettings, context: Context
) -> RankDecision:
    context.progress("number of components", 0, 1)
    k_max = min(settings.sweep.k_max, *matrix.shape)
    decision = decide_rank_of_counts(matrix, shape, k_max, settings.sweep.seed)
    context.progress("number of components", 1, 1)
    return decision


def _unmix(
    matrix: Array, k: int, settings: SpectrumImagesSettings, context: Context
) -> tuple[Factorisation, Sweep, Subspace]:
    options = _options(settings)
    k_max = min(max(k, settings.sweep.k_max), *matrix.shape)
    context.progress("unmix", 0, 2)
    subspace = project(matrix, k_max + SPARE_RANK, options.scaling)
    found = sweep_components(subspace, k_max, options, k)
    sweep = Sweep(
        np.array([each.relative_error for each in found]),
        np.array([each.stability.min() for each in found]),
    )
    context.progress("unmix", 1, 2)
    factors = found[k - 1]
    if options.loss != "frobenius":
        factors = polish_factorisation(matrix, factors, options)
    context.progress("unmix", 2, 2)
    return factors, sweep, subspace


def _bound(
    matrix: Array,
    factors: Factorisation,
    subspace: Subspace,
    settings: SpectrumImagesSettings,
    context: Context,
) -> Uncertainty:
    context.progress("errors", 0, 1)
    n_draws = settings.unmixing.n_noise_draws
    bounds = bound_components(matrix, factors, subspace, _options(settings), n_draws)
    context.progress("errors", 1, 1)
    return bounds


def _options(settings: SpectrumImagesSettings) -> FactorisationOptions:
    own = settings.unmixing
    return FactorisationOptions(
        loss=own.loss, scaling=own.scaling, n_restarts=own.n_restarts, seed=settings.sweep.seed
    )


def _record(image: SpectrumImage) -> RecordedSpectra:
    return RecordedSpectra(
        total_image=image.counts.sum(axis=2, dtype=np.float64),
        total_spectrum=image.counts.sum(axis=(0, 1), dtype=np.float64),
        axis=image.axis,
        conditions=image.conditions,
        pixel_size_m=image.pixel_size_m,
        # a result does not depend on where its files are
        files=tuple(path.name for path in image.paths),
    )


def _component_spectra(
    factors: Factorisation, uncertainty: Uncertainty, recorded: RecordedSpectra
) -> tuple[list[XraySpectrum], list[np.ndarray]]:
    """Return the spectra of components in counts, and their variances."""
    totals = factors.maps.sum(axis=0)
    spectra, variances = [], []
    for number, total in enumerate(totals):
        counts = total * factors.components[number]
        error = total * uncertainty.component_errors[number]
        spectra.append(
            XraySpectrum(counts, recorded.axis, recorded.conditions, name=f"component {number + 1}")
        )
        # no less than Poisson's own: an element that is zero in all fits has no scatter
        variances.append(np.maximum(error**2, np.maximum(counts, 1.0)))
    return spectra, variances


def _search_elements(
    counts: np.ndarray,
    factors: Factorisation,
    recorded: RecordedSpectra,
    settings: QuantificationSettings,
) -> tuple[str, ...]:
    """Return the given elements, or those that the recorded spectra show."""
    is_wanted = recorded.conditions.beam_kev is not None and settings.method != "none"
    if settings.elements or not is_wanted:
        return tuple(settings.elements)
    return elements_of_image(counts, factors.maps, recorded)


def _list_notes(
    image: SpectrumImage,
    settings: SpectrumImagesSettings,
    decision: RankDecision,
    factors: Factorisation,
    missing: tuple[str, ...],
    parts: np.ndarray,
) -> Iterator[str]:
    yield from image.notes
    own = settings.unmixing
    if own.k is None and decision.k is None:
        yield (
            f"The number of components can't be decided ({decision.reason}); "
            f"{factors.k} are shown, which count splitting prefers."
        )
    if own.k is not None and own.k != decision.k:
        yield f"The number of components was set to {own.k}; the data show {decision.k}."
    if image.conditions.beam_kev is None and settings.quantification.method != "none":
        yield (
            "The beam energy is unknown, so that nothing is quantified; give it with --beam-kev."
        )
    yield from factor_notes(factors)
    if parts.any():
        yield (
            f"Unmixing had taken up to {100 * parts.max():.0f} % of one component from another, so "
            "that lines were below the background; this was given back."
        )
    if missing:
        yield f"In the worst pixels, no component explains {', '.join(missing)}."
