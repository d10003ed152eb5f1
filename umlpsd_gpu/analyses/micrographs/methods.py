"""The methods section of a study of a micrograph, with the numbers that were really used."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.parts import (
    NUMPY_SCIPY,
    computing_sentence,
    factorisation_sentences,
    plural,
    software_sentence,
    version_of,
)
from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.factorisation.surrogate_rank import SIGNIFICANCE, show_p
from umlpsd_gpu.plotting.si_units import si_text


def methods_of(study: MicrographStudy) -> MethodsText:
    """Describe how a study was made.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    MethodsText
    """
    return MethodsText(tuple(_sentences(study)), version_of(study))


def _sentences(study: MicrographStudy) -> Iterator[str]:
    own, micrograph = study.settings.micrograph, study.micrograph
    yield software_sentence(study, "Micrographs", ("jany2020",))
    size = micrograph.pixel_size_m
    scale = "" if size is None else f" of {si_text(size, 'm', 4)} ({micrograph.pixel_size_origin})"
    rows, columns = micrograph.image.shape
    yield (
        f"The image of {rows} × {columns} pixels{scale} was cut into {study.grid[0]} × "
        f"{study.grid[1]} windows of {own.window} pixels at steps of {own.step_px}, and the "
        "amplitude of their Fourier transforms was compared."
    )
    yield (
        f"How many local spectra there are was decided by {own.n_phase_surrogates} images with "
        "the same spectrum and random phases, as the number of principal components that vary "
        f"more than in any of them (p ≤ {SIGNIFICANCE:g}); that nothing is local has p "
        f"{show_p(study.p_value)}, and K = {study.decision.k or 1}."
    )
    if study.k > 1 or own.k is not None:
        yield from factorisation_sentences(
            study.factors, study.decision, study.settings.sweep.seed, own.n_restarts
        )
    if study.spots:
        yield (
            f"{plural(len(study.spots), 'lattice spacing')} were measured as maxima of the spectra "
            "above their ring, at positions from parabolas through the logarithms of neighbouring "
            "amplitudes, with propagated standard errors."
        )
    yield computing_sentence(study, NUMPY_SCIPY)
