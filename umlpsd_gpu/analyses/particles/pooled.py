"""Pool the studies of many micrographs into one ensemble, without finding particles again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from umlpsd_gpu.analyses.particles.particle_table import ParticleTable, join_tables
from umlpsd_gpu.analyses.particles.result import AnalysedImage, ParticleStudy
from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.analyses.particles.source import require_one_magnification
from umlpsd_gpu.analyses.records import StoredResult
from umlpsd_gpu.storage.result_folder import read_summary


@dataclass(frozen=True, eq=False)
class PooledParticles:
    """Images and particles of several studies.

    Attributes
    ----------
    images : tuple of AnalysedImage
    table : ParticleTable
    settings : ParticlesSettings
    """

    images: tuple[AnalysedImage, ...]
    table: ParticleTable
    settings: ParticlesSettings


def pool_studies(parts: Sequence[StoredResult], settings: ParticlesSettings) -> PooledParticles:
    """Read the images and particles of studies.

    Parameters
    ----------
    parts : sequence of StoredResult
    settings : ParticlesSettings

    Returns
    -------
    PooledParticles
        Images have the names of the results within their archive, and rising numbers.

    Raises
    ------
    SettingsError
        If magnifications differ.
    UmlpsdError
        If a study can't be read.
    """
    images: list[AnalysedImage] = []
    tables = []
    for part in parts:
        study = ParticleStudy.load(part.folder)
        table, before = study.table, len(images)
        values = dict(table.values) | {"image": table["image"] + before}
        tables.append(replace(table, values=values))
        names = [part.name] if len(study.images) == 1 else [i.name for i in study.images]
        images += [replace(i, name=name) for i, name in zip(study.images, names, strict=True)]
    require_one_magnification([(image.name, image.nm_per_px) for image in images])
    return PooledParticles(tuple(images), join_tables(tables), settings)


def pooled_size(parts: Sequence[StoredResult], n_features: int) -> tuple[int, float]:
    """Return the number of particles of several studies and the size of their matrix in MB.

    Parameters
    ----------
    parts : sequence of StoredResult
    n_features : int

    Returns
    -------
    n_particles : int
    matrix_mb : float
    """
    n = sum((read_summary(part.folder) or {}).get("n_counted", 0) for part in parts)
    return n, 8e-6 * n * n_features
