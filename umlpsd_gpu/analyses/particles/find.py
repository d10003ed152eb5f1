"""The particles of an image: found, or given by somebody who corrected them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.segmentation import relabel_sequential

from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.images.segmentation.edges import edge_weights
from umlpsd_gpu.images.segmentation.label_files import read_labels
from umlpsd_gpu.images.segmentation.segment import CUT, segment_particles

# Names that files of corrected particles may have, for an image "a.tif"
ENDINGS = ("_labels.tif", "_labels.tiff", "_rois.zip", ".zip", ".roi", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class FoundParticles:
    """The particles of an image.

    Attributes
    ----------
    labels : ndarray of int32, shape (n_rows, n_columns)
        From 1, without gaps; 0: background.
    reasons : tuple of str
        Of each label, why it does not count; empty if it does.
    weights : ndarray of float64, shape (n_labels,)
        Miles-Lantuéjoul weights; NaN for particles that don't count.
    polarity : str
        ``"dark"`` or ``"bright"``: the particles on their background.
    notes : tuple of str
        What the user should know.
    """

    labels: np.ndarray
    reasons: tuple[str, ...]
    weights: np.ndarray
    polarity: str
    notes: tuple[str, ...]


def find_particles(image: np.ndarray, path: Path, settings: ParticlesSettings) -> FoundParticles:
    """Find the particles of an image, or take those that were given.

    Parameters
    ----------
    image : ndarray of float32, shape (n_rows, n_columns)
    path : Path
        File of the image.
    settings : ParticlesSettings

    Returns
    -------
    FoundParticles

    Raises
    ------
    SettingsError
        If there are no corrected particles of this image.
    TracesError
        If they can't be read, or are of another size.
    """
    given = settings.particle.labels
    if given is None:
        found = segment_particles(image, settings.segmentation)
        return FoundParticles(
            found.labels, found.reasons, found.weights, found.polarity, found.notes
        )
    file = labels_file_of(given, path)
    labels = relabel_sequential(read_labels(file, image.shape))[0].astype(np.int32)
    weights = edge_weights(labels)
    return FoundParticles(
        labels,
        tuple(CUT if np.isnan(weight) else "" for weight in weights),
        weights,
        _polarity_of(image, labels, settings),
        (f"The particles are those of {file.name}.",),
    )


def labels_file_of(given: Path, path: Path) -> Path:
    """Return the file with the corrected particles of an image.

    Parameters
    ----------
    given : Path
        That file, or a folder in which it has the name of the image.
    path : Path
        File of the image.

    Returns
    -------
    Path

    Raises
    ------
    SettingsError
        If the folder has no such file.
    """
    if not given.is_dir():
        return given
    for ending in ENDINGS:
        file = given / f"{path.stem}{ending}"
        if file.is_file() and file.resolve() != path.resolve():
            return file
    raise SettingsError(
        f"{given} holds no particles of {path.name}; name them {path.stem}_labels.tif or "
        f"{path.stem}_rois.zip"
    )


def _polarity_of(image: np.ndarray, labels: np.ndarray, settings: ParticlesSettings) -> str:
    if settings.segmentation.polarity != "auto":
        return settings.segmentation.polarity
    inside = labels > 0
    return "bright" if np.median(image[inside]) > np.median(image[~inside]) else "dark"
