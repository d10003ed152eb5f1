"""The methods section of a study of a spectrum image, with the numbers that were really used."""

from __future__ import annotations

from collections.abc import Iterator

from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.parts import (
    NUMPY_SCIPY,
    computing_sentence,
    factorisation_sentences,
    join_words,
    software_sentence,
    version_of,
)
from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy

CITED = {"bulk": "pouchou1991", "film": "pouchou1991", "foil": "cliff1975"}


def methods_of(study: SpectrumImageStudy) -> MethodsText:
    """Describe how a study was made.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    MethodsText
    """
    return MethodsText(tuple(_sentences(study)), version_of(study))


def _sentences(study: SpectrumImageStudy) -> Iterator[str]:
    own, decision = study.settings.unmixing, study.decision
    yield software_sentence(study, "Spectrum images", ("jany2017",))
    yield _image_sentence(study)
    if own.k is None:
        decided = (
            f"the probability of K = {study.k} is {decision.probability:.2f}"
            if decision.k is not None
            else f"it remained undecided, and K = {study.k} is reported"
        )
        yield (
            "The number of components was decided from the singular values of the scaled counts "
            "[@keenan2004] above those of noise [@johnstone2001; @gavish2014] and by splitting the "
            f"counts at random, up to {study.settings.sweep.k_max} components; {decided}."
        )
    if own.scaling == "keenan_kotula":
        yield (
            "Counts were scaled by the square roots of the mean spectrum and the mean image "
            "[@keenan2004]."
        )
    yield from factorisation_sentences(
        study.factors, decision, study.settings.sweep.seed, own.n_restarts
    )
    yield (
        f"Errors of components and maps are standard deviations over {own.n_noise_draws} fits to "
        "the model with fresh noise."
    )
    yield from _quantification_sentences(study)
    yield computing_sentence(study, NUMPY_SCIPY)


def _image_sentence(study: SpectrumImageStudy) -> str:
    recorded = study.recorded
    rows, columns = recorded.total_image.shape
    axis, beam = recorded.axis, recorded.conditions.beam_kev
    energy = "" if beam is None else f", recorded with a beam of {beam:g} keV"
    return (
        f"The spectrum image has {rows} × {columns} pixels and {axis.n_channels:,} channels of "
        f"{1e3 * axis.step_kev:.4g} eV from {axis.offset_kev:.4g} keV{energy}, with a mean of "
        f"{recorded.total_image.mean():,.0f} counts in a pixel."
    )


def _quantification_sentences(study: SpectrumImageStudy) -> Iterator[str]:
    method = study.settings.quantification.method
    if method == "none":
        return
    done = [each for each in study.quantified if each.elements]
    for how in dict.fromkeys(each.method for each in done):
        numbers = [each.component for each in done if each.method == how]
        which = f"component{'s' * (len(numbers) > 1)} {join_words(numbers)}"
        yield f"Composition of {which}: {how.removesuffix('.')} [@{CITED[method]}]."
    if done:
        yield "Errors of compositions are those of counting and of the model."
