"""The methods section of a study of curves, with the numbers that were really used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.curves.page import NAMES
from umlpsd_gpu.analyses.curves.result import CurveStudy
from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.parts import (
    NUMPY_SCIPY,
    UMLPSD,
    computing_sentence,
    decision_sentences,
    join_words,
    label_sentence,
    plural,
    software_sentence,
    sweep_sentences,
    version_of,
)
from umlpsd_gpu.plotting.si_units import si_text


def methods_of(study: CurveStudy) -> MethodsText:
    """Describe how a study was made.

    Parameters
    ----------
    study : CurveStudy

    Returns
    -------
    MethodsText
    """
    return MethodsText(tuple(_sentences(study)), version_of(study))


def _sentences(study: CurveStudy) -> Iterator[str]:
    settings, found = study.settings, study.clustering
    yield software_sentence(study, "Curves", (UMLPSD,))
    yield _map_sentence(study)
    yield from _conditioning_sentences(study)
    forms = join_words([NAMES.get(sweep.scale, sweep.scale) for sweep in found.sweeps])
    yield f"Curves were compared as {forms}, σ being the noise of the current."
    yield from sweep_sentences(found.sweeps, settings, study.versions, "curves", "representation")
    scale = found.decision.scale
    chosen = f"for {NAMES.get(scale, scale)}" if len(found.sweeps) > 1 else ""
    yield from decision_sentences(found.decision, settings, "curves", chosen)
    if study.n_outlier_groups:
        yield (
            f"{plural(study.n_outlier_groups, 'cluster')} of less than 1 % of the curves "
            "were counted as outliers."
        )
    yield label_sentence("curves")
    if study.quantities:
        yield (
            f"{len(study.quantities)} physical quantities of every curve were calculated with "
            f"standard errors, for a temperature of {settings.quantities.temperature_k:g} K."
        )
    yield computing_sentence(study, NUMPY_SCIPY)


def _map_sentence(study: CurveStudy) -> str:
    curves, n = study.map, int(study.conditioned.is_usable.sum())
    grid = "" if curves.shape is None else f" on a grid of {curves.shape[0]} × {curves.shape[1]}"
    return (
        f"The map holds {plural(curves.n_curves, 'curve')}{grid} with {curves.n_points:,} points "
        f"from {curves.bias[0]:.4g} to {curves.bias[-1]:.4g} V ({join_words(list(curves.current))} "
        f"sweep{'s' * (len(curves.current) > 1)}); {n:,} were clustered."
    )


def _conditioning_sentences(study: CurveStudy) -> Iterator[str]:
    own, conditioned = study.settings.conditioning, study.conditioned
    noise = float(np.median(conditioned.noise[conditioned.is_usable]))
    yield (
        "The noise of each curve was found from third differences (median "
        f"{si_text(noise, 'A', 2)}), and saturated points were treated as bounds, not as values."
    )
    removed = []
    if own.remove_current_offset:
        removed.append("the current at zero bias was subtracted from every curve")
    if own.remove_bias_offset:
        removed.append(
            f"the bias was shifted by {si_text(conditioned.bias_offset, 'V')}, at which the mean "
            "current vanishes"
        )
    if removed:
        text = join_words(removed)
        yield f"{text[0].upper()}{text[1:]}."
    for note in conditioned.notes:
        if note.startswith("dI/dV is averaged"):
            yield "Derivatives dI/dV were calculated by Savitzky–Golay filters [@savitzky1964]."
        elif note.startswith("dI/dV is"):
            yield f"{note.removesuffix('.')}."
