"""The whole analysis: micrographs → particles → measures → classes → ParticleStudy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from umlpsd_gpu.analyses.particles.classes import FEWEST_OF_CLASS, classify
from umlpsd_gpu.analyses.particles.find import find_particles
from umlpsd_gpu.analyses.particles.measure import measure_particles
from umlpsd_gpu.analyses.particles.particle_table import ParticleTable, join_tables
from umlpsd_gpu.analyses.particles.pooled import PooledParticles
from umlpsd_gpu.analyses.particles.result import AnalysedImage, ParticleClasses, ParticleStudy
from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.analyses.particles.source import ParticleSource, open_source
from umlpsd_gpu.analyses.particles.stability import LEAST_ARI
from umlpsd_gpu.clustering.cluster import Clustering
from umlpsd_gpu.clustering.device import device_of
from umlpsd_gpu.clustering.small_clusters import list_group_notes
from umlpsd_gpu.compute.context import Context, Progress
from umlpsd_gpu.compute.device_memory import told_when_full
from umlpsd_gpu.compute.progress import choose_progress
from umlpsd_gpu.compute.versions import recorded_versions
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.keywords import settings_from_keywords, show_settings

# Percentiles of an image that are shown black and white
BLACK, WHITE = 0.5, 99.5


@show_settings(ParticlesSettings)
def run_particles(
    source: str | Path | Sequence[str | Path],
    settings: ParticlesSettings | None = None,
    progress: Progress | None = None,
    **values: Any,
) -> ParticleStudy:
    """Find the nanocrystals in micrographs, measure them, and put them into classes.

    Parameters
    ----------
    source : file, folder, or sequence of them
        Micrographs of one sample at one magnification.
    settings : ParticlesSettings, optional
    progress : callable, optional
        Called with (step, done, total). Default: bars in a notebook, nothing elsewhere.
    **values
        Single settings by name, which replace those of ``settings``: ``nm_per_px=0.2``.

    Returns
    -------
    ParticleStudy

    Raises
    ------
    UmlpsdError
        If an image can't be read or has no scale, or no particle counts.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from umlpsd_gpu import run_particles
    >>> from umlpsd_gpu.simulate.particles import write_simulated_particles
    >>> small = {"n_particles": 9, "n_rows": 256, "n_columns": 256, "kind": "isolated"}
    >>> with TemporaryDirectory() as folder:
    ...     image, _ = write_simulated_particles(f"{folder}/scene.tif", **small)
    ...     study = run_particles(image, n_size_resamples=100)
    >>> len(study.table), study.images[0].scale_origin
    (8, 'ImageJ XResolution')
    """
    chosen = settings_from_keywords(settings or ParticlesSettings(), values, "run_particles")
    names = [source] if isinstance(source, str | os.PathLike) else list(source)
    context = Context(device_of(chosen), choose_progress(progress))
    return analyse(open_source([str(name) for name in names], chosen), chosen, context)


def analyse(
    source: ParticleSource | PooledParticles, settings: ParticlesSettings, context: Context
) -> ParticleStudy:
    """Analyse micrographs as `run_particles` does, in a given context.

    Parameters
    ----------
    source : ParticleSource or PooledParticles
    settings : ParticlesSettings
    context : Context

    Returns
    -------
    ParticleStudy

    Raises
    ------
    UmlpsdError
        As `run_particles`.
    """
    if isinstance(source, PooledParticles):
        images, table = source.images, source.table
    else:
        images, table = _find_all(source, context)
    if not table.is_counted.any():
        raise TracesError(_nothing_counts(images, table))
    with told_when_full():
        clustering, classes = classify(table, settings, context)
    return ParticleStudy(
        settings=settings,
        images=images,
        table=table,
        clustering=clustering,
        classes=classes,
        notes=tuple(_list_notes(images, table, clustering, classes)),
        timings_s=context.clock.seconds,
        device=context.device,
        versions=recorded_versions(context.device),
    )


def _find_all(
    source: ParticleSource, context: Context
) -> tuple[tuple[AnalysedImage, ...], ParticleTable]:
    images, tables = [], []
    for number in range(len(source.images)):
        context.progress("particles", number, len(source.images))
        image, table = _analyse_image(source, number, context)
        images.append(image)
        tables.append(table)
    context.progress("particles", len(source.images), len(source.images))
    return tuple(images), join_tables(tables)


def _analyse_image(
    source: ParticleSource, number: int, context: Context
) -> tuple[AnalysedImage, ParticleTable]:
    settings = source.settings
    with context.clock.timing("read"):
        micrograph = source.read(number)
    facts = source.images[number]
    with context.clock.timing("find"):
        found = find_particles(micrograph.image, facts.path, settings)
    with context.clock.timing("measure"):
        measured = measure_particles(
            micrograph.image,
            found,
            facts.nm_per_px,
            settings.particle,
            number + 1,
            context.device,
        )
    image = AnalysedImage(
        name=facts.path.name,
        grey=_as_grey(micrograph.image),
        labels=found.labels.astype(np.uint16),
        nm_per_px=facts.nm_per_px,
        scale_origin=facts.scale_origin,
        polarity=found.polarity,
        psf_px=measured.psf_px,
        notes=(*micrograph.notes, *found.notes),
    )
    return image, measured.table


def _as_grey(image: np.ndarray) -> np.ndarray:
    low, high = np.percentile(image, (BLACK, WHITE))
    scaled = (image - low) * (255.0 / max(high - low, 1e-300))
    grey: np.ndarray = np.clip(scaled, 0, 255).astype(np.uint8)
    return grey


def _nothing_counts(images: Sequence[AnalysedImage], table: ParticleTable) -> str:
    names = ", ".join(image.name for image in images[:3])
    more = " and others" if len(images) > 3 else ""
    if not len(table):
        notes = " ".join(dict.fromkeys(note for image in images for note in image.notes))
        return (
            f"{names}{more}: no particles were found; if there are some, choose their polarity "
            "with --polarity, give their diameter with --diameter-px, or give them with --labels"
            + (f". {notes.removesuffix('.')}" if notes else "")
        )
    reasons = sorted(set(table.reasons))
    return (
        f"{names}{more}: none of the {len(table)} particles counts ({'; '.join(reasons)}); give "
        "images with whole particles"
    )


def _list_notes(
    images: Sequence[AnalysedImage],
    table: ParticleTable,
    clustering: Clustering | None,
    classes: ParticleClasses,
) -> Iterator[str]:
    n_left_out = len(table) - int(np.count_nonzero(table.is_counted))
    if n_left_out:
        # a particle may have several reasons
        named = Counter(part for reason in table.reasons if reason for part in reason.split("; "))
        listed = ", ".join(f"{n} {reason}" for reason, n in sorted(named.items()))
        yield f"{n_left_out} of {len(table)} particles don't count: {listed}."
    n_irregular = table.outcomes.count("irregular")
    if n_irregular:
        yield (
            f"{n_irregular} particles are no super-ellipses; their p, d and L mean little, their "
            "harmonics describe them."
        )
    if clustering is not None:
        clustered = ~np.isnan(clustering.outliers.score)
        yield from list_group_notes(clustering, clustered, "particles", FEWEST_OF_CLASS)
    if clustering is not None and clustering.labels.max() > 1 and classes.k == 1:
        yield (
            f"A clustering into {clustering.labels.max()} was not found again in halves of the "
            f"particles (adjusted Rand index {classes.ari:.2f}, {LEAST_ARI} needed): no classes."
        )
    for image in images:
        yield from (f"{image.name}: {note}" for note in image.notes)
