"""The whole analysis: micrograph → spectra of windows → local spectra, maps and spots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.component_parts import factor_notes
from umlpsd_gpu.analyses.micrographs.local import compare_with_surrogates
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.analyses.micrographs.settings import MicrographSettings, MicrographsSettings
from umlpsd_gpu.analyses.micrographs.source import (
    MicrographSource,
    open_source,
    require_windows,
)
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
    factorise_subspace,
)
from umlpsd_gpu.factorisation.result import Factorisation, RankDecision, Uncertainty
from umlpsd_gpu.factorisation.subspace import project
from umlpsd_gpu.factorisation.uncertainty import bound_components
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.spots import Spot, find_spots
from umlpsd_gpu.images.trends import describe_brightness
from umlpsd_gpu.images.windowed_fft import WindowedSpectra, full_spectrum, windowed_spectra
from umlpsd_gpu.keywords import settings_from_keywords, show_settings

# A lattice is measured well if a window holds this many of its periods
FEWEST_PERIODS = 4
# KKT residual at which the factorisation ends. On lattice scenes the sum of squares is then within
# 1e-6 of that at a tenth of this, and what still moves is far inside the range of equal fits
TOLERANCE = 1e-5


@show_settings(MicrographsSettings)
def run_micrograph(
    source: Micrograph | str | Path,
    settings: MicrographsSettings | None = None,
    progress: Progress | None = None,
    **values: Any,
) -> MicrographStudy:
    """Find what is local in a micrograph: how many spectra, which, and where.

    Parameters
    ----------
    source : Micrograph or file
    settings : MicrographsSettings, optional
    progress : callable, optional
        Called with (step, done, total). Default: bars in a notebook, nothing elsewhere.
    **values
        Single settings by name, which replace those of ``settings``: ``window=64``.

    Returns
    -------
    MicrographStudy

    Raises
    ------
    UmlpsdError
        If the image can't be read, or is too small for the windows.

    Examples
    --------
    >>> from umlpsd_gpu import run_micrograph
    >>> from umlpsd_gpu.images.micrograph import Micrograph
    >>> from umlpsd_gpu.simulate.micrographs import simulate_micrograph
    >>> scene = simulate_micrograph(n_grains=2, size=320, seed=1)
    >>> study = run_micrograph(Micrograph(scene.image), window=64, n_restarts=4)
    >>> study.k, study.maps.shape
    (2, (2, 9, 9))
    """
    chosen = settings_from_keywords(settings or MicrographsSettings(), values, "run_micrograph")
    context = Context(device_of(chosen), choose_progress(progress))
    if isinstance(source, Micrograph):
        require_windows(source, chosen.micrograph)
        return analyse(MicrographSource(source.path, source, chosen.micrograph), chosen, context)
    return analyse(open_source([str(source)], chosen.micrograph), chosen, context)


def analyse(
    source: MicrographSource, settings: MicrographsSettings, context: Context
) -> MicrographStudy:
    """Analyse a micrograph as `run_micrograph` does, in a given context.

    Parameters
    ----------
    source : MicrographSource
    settings : MicrographsSettings
    context : Context

    Returns
    -------
    MicrographStudy

    Raises
    ------
    UmlpsdError
        As `run_micrograph`.
    """
    own, micrograph = settings.micrograph, source.micrograph
    # a result does not depend on where its files are
    micrograph = replace(micrograph, path=Path(micrograph.path.name))
    with told_when_full():
        on_gpu = context.device == "gpu"
        image: Array = uploaded(micrograph.image) if on_gpu else micrograph.image
        with context.clock.timing("spectra"):
            spectra = windowed_spectra(image, own.window, own.step_px)
            others = list(_other_windows(image, own)) if own.all_windows else []
        with context.clock.timing("surrogates"):
            all_spectra = [spectra, *others]
            compared = compare_with_surrogates(image, all_spectra, settings, context)
        decision, contrast_note = compared[0]
        k = own.k or decision.k or 1
        context.progress("factorise", 0, 1)
        with context.clock.timing("factorise"):
            factors, uncertainty = _factorise(spectra.amplitudes, k, settings)
        context.progress("factorise", 1, 1)
    spots = tuple(_spots_of(factors, uncertainty, own.window))
    trends = describe_brightness(micrograph.image, spectra), contrast_note
    by_window = {
        each.window: (found.k or 1, float(found.curves["p-value"][0]))
        for each, (found, _) in zip(all_spectra, compared, strict=True)
    }
    return MicrographStudy(
        settings=settings,
        micrograph=micrograph,
        grid=spectra.grid,
        decision=decision,
        factors=factors,
        uncertainty=uncertainty,
        spots=spots,
        by_window=dict(sorted(by_window.items())),
        notes=(
            *(note for note in trends if note),
            *_list_notes(micrograph, settings, decision, factors, spots),
        ),
        timings_s=context.clock.seconds,
        device=context.device,
        versions=recorded_versions(context.device),
    )


def _factorise(
    amplitudes: Array, k: int, settings: MicrographsSettings
) -> tuple[Factorisation, Uncertainty]:
    options = FactorisationOptions(
        n_restarts=settings.micrograph.n_restarts, seed=settings.sweep.seed, tolerance=TOLERANCE
    )
    subspace = project(amplitudes, k + SPARE_RANK)
    found = factorise_subspace(subspace, k, options)
    bounds = bound_components(amplitudes, found, subspace, options)
    return record_on_host(found), record_on_host(bounds)


def _other_windows(image: Array, settings: MicrographSettings) -> Iterator[WindowedSpectra]:
    """Yield the spectra of windows of half and of twice the size, where they fit."""
    for window in (settings.window // 2, 2 * settings.window):
        if window >= 16 and min(image.shape) >= 2 * window:
            yield windowed_spectra(image, window, window // 2)


def _spots_of(factors: Factorisation, uncertainty: Uncertainty, window: int) -> Iterator[Spot]:
    spectra = full_spectrum(factors.components, window)
    errors = full_spectrum(uncertainty.component_errors, window)
    for number, (spectrum, error) in enumerate(zip(spectra, errors, strict=True), start=1):
        yield from find_spots(spectrum, error, number)


def _list_notes(
    micrograph: Micrograph,
    settings: MicrographsSettings,
    decision: RankDecision,
    factors: Factorisation,
    spots: tuple[Spot, ...],
) -> Iterator[str]:
    yield from micrograph.notes
    own = settings.micrograph
    if micrograph.pixel_size_m is None:
        yield (
            "The size of a pixel is unknown, so that spacings are in pixels; give it with "
            "--image-pixel-m."
        )
    if own.k is not None and own.k != decision.k:
        yield f"The number of spectra was set to {own.k}; surrogates show {decision.k}."
    longest = max((spot.spacing_px for spot in spots), default=0.0)
    if longest > own.window / FEWEST_PERIODS:
        yield (
            f"Spacings of up to {longest:.1f} pixels repeat fewer than {FEWEST_PERIODS} times in a "
            f"window of {own.window} pixels; larger windows measure them better."
        )
    yield from factor_notes(factors)
