"""What to check next after a study of particles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.analyses.particles.sizes import FEWEST_IMAGES
from umlpsd_gpu.analyses.particles.stability import LEAST_ARI

# A larger share of particles that don't count asks for a look
MANY_LEFT_OUT = 1 / 3


def checks_of(study: ParticleStudy) -> Iterator[str]:
    """Yield what should be checked next, the most important first.

    Parameters
    ----------
    study : ParticleStudy

    Yields
    ------
    str
    """
    table, classes = study.table, study.classes
    if study.settings.particle.nm_per_px is not None:
        yield "Compare the scale that was given with a scale bar; every size depends on it."
    if study.settings.particle.labels is None:
        yield (
            "Compare the outlines with the particles on the images; corrected ones replace them "
            "with --labels."
        )
    n_out = int(np.count_nonzero(~table.is_counted))
    if n_out > MANY_LEFT_OUT * len(table):
        yield (
            f"{n_out} of {len(table)} particles don't count: see the reasons in particles.csv, and "
            "take images with fewer overlaps or a wider field."
        )
    if len(study.images) < FEWEST_IMAGES:
        yield (
            f"Add images: with fewer than {FEWEST_IMAGES}, particles are resampled as if they were "
            "independent, and intervals are too narrow."
        )
    if classes.k > 1 and np.isfinite(classes.ari) and classes.ari < (1 + LEAST_ARI) / 2:
        yield (
            "The classes of two halves agree only in part (adjusted Rand index "
            f"{classes.ari:.2f}); more particles decide."
        )
