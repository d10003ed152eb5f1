"""The methods section of a study of particles, with the numbers that were really used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.parts import (
    NUMPY_SCIPY,
    UMLPSD,
    computing_sentence,
    decision_sentences,
    join_words,
    plural,
    software_sentence,
    sweep_sentences,
    version_of,
)
from umlpsd_gpu.analyses.particles.result import MAIN_LENGTH, ParticleStudy
from umlpsd_gpu.analyses.particles.stability import LEAST_ARI
from umlpsd_gpu.plotting.si_units import si_text

PUBLISHED = "williamson2022"
FOUND = {
    "contours": "by local thresholds, groups being divided where two outlines explain the pixels "
    "better than one",
    "paper": f"by the published steps of thresholds, erosion and watershed [@{PUBLISHED}]",
}
SHAPES = {
    "pixels": "super-ellipses fitted to the pixels, with the blur in the model",
    "published": f"super-ellipses predicted by the published neural network [@{PUBLISHED}]",
    "classifier": "super-ellipses predicted by a neural network that classifies their symmetry",
}
FEATURES = {
    "shape": "the logarithm of the aspect ratio, solidity, circularity and harmonics 2 to 6 of the "
    "outline",
    "published": f"the thirteen published features [@{PUBLISHED}]",
}


def methods_of(study: ParticleStudy) -> MethodsText:
    """Describe how a study was made.

    Parameters
    ----------
    study : ParticleStudy

    Returns
    -------
    MethodsText
    """
    return MethodsText(tuple(_sentences(study)), version_of(study))


def _sentences(study: ParticleStudy) -> Iterator[str]:
    own, main = study.settings.particle, study.sizes[0, MAIN_LENGTH]
    yield software_sentence(study, "Particles", (PUBLISHED,))
    yield from _finding_sentences(study)
    yield f"Shapes are described as {SHAPES[own.shapes]}."
    yield (
        f"Sizes are weighted for the particles that touch the edge (Miles–Lantuéjoul); Feret "
        f"diameters follow ISO 21363 [@iso21363]. The mean equivalent diameter is "
        f"{main.values['mean']:.4g} nm with a standard deviation of {main.values['sd']:.3g} nm "
        f"(n = {main.n:,}), with 95 % intervals from {plural(own.n_size_resamples, 'resample')} "
        f"of {main.resampled} [@efron1979]."
    )
    yield from _class_sentences(study)
    yield computing_sentence(study, NUMPY_SCIPY)


def _finding_sentences(study: ParticleStudy) -> Iterator[str]:
    own, n = study.settings.particle, len(study.table)
    scales = sorted({image.nm_per_px for image in study.images})
    origins = join_words(sorted({image.scale_origin for image in study.images}))
    pixels = join_words([si_text(scale * 1e-9, "m", 4) for scale in scales[:3]])
    if len(scales) > 3:
        pixels = f"{si_text(scales[0] * 1e-9, 'm', 4)} to {si_text(scales[-1] * 1e-9, 'm', 4)}"
    how = "by hand" if own.labels is not None else FOUND[study.settings.segmentation.method]
    yield (
        f"In {plural(len(study.images), 'image')} with pixels of {pixels} ({origins}), "
        f"{plural(n, 'particle')} were found {how}; {int(study.table.is_counted.sum()):,} of them "
        "count, the others touch the edge, overlap, or are damaged."
    )


def _class_sentences(study: ParticleStudy) -> Iterator[str]:
    own, classes, found = study.settings.particle, study.classes, study.clustering
    if classes.classifier:
        yield f"Classes were given by the classifier {classes.classifier}."
        return
    if found is None:
        yield "There were too few particles to look for classes."
        return
    features = FEATURES[own.features]
    yield f"Particles were compared by {features}, following the method of [@{UMLPSD}]."
    yield from sweep_sentences(
        found.sweeps, study.settings, study.versions, "particles", "representation"
    )
    yield from decision_sentences(found.decision, study.settings, "particles", "")
    if np.isfinite(classes.ari):
        yield (
            "Clusters are called classes where two halves of the particles give the same ones, "
            f"with an adjusted Rand index [@hubert1985] of {LEAST_ARI} or more (here "
            f"{classes.ari:.2f})."
        )
