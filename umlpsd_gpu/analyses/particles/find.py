"""The particles of an image: found, or given by somebody who corrected them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.segmentation import relabel_sequential

from umlpsd_gpu.analyses.particles.settings import ParticlesSettings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.images.segmentation.edges import edge_weights, touches_edge
from umlpsd_gpu.images.segmentation.label_files import read_labels
from umlpsd_gpu.images.segmentation.segment import CUT, Segmentation, segment_particles

# Names that files of corrected particles may have, for an image "a.tif"
ENDINGS = ("_labels.tif", "_labels.tiff", "_rois.zip", ".zip", ".roi", ".tif", ".tiff")


def find_particles(image: np.ndarray, path: Path, settings: ParticlesSettings) -> Segmentation:
    """Find the particles of an image, or take those that were given.

    Parameters
    ----------
    image : ndarray of float32, shape (n_rows, n_columns)
    path : Path
        File of the image.
    settings : ParticlesSettings

    Returns
    -------
    Segmentation
        Given particles replace those that were found; scale bar, background and noise are those of
        the image.

    Raises
    ------
    SettingsError
        If there are no corrected particles of this image, or of another size.
    """
    found = segment_particles(image, settings.segmentation)
    given = settings.particle.labels
    if given is None:
        return found
    file = labels_file_of(given, path)
    labels = relabel_sequential(read_labels(file, image.shape))[0].astype(np.int32)
    weights = edge_weights(labels)
    at_edge = touches_edge(labels)[1:]
    weights[at_edge] = np.nan
    return replace(
        found,
        labels=labels,
        weights=weights,
        reasons=tuple(CUT if cut else "" for cut in at_edge),
        notes=(f"The particles are those of {file.name}.",),
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
