"""Label images and ImageJ ROI sets of a study, to be looked at, corrected, and taken back."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.images.segmentation.label_files import write_labels

FOLDER = "labels"


def write_label_files(study: ParticleStudy, folder: Path) -> None:
    """Write ``labels/<image>_labels.tif`` and ``labels/<image>_rois.zip`` for each image.

    The folder can be given back with ``--labels`` after a correction.

    Parameters
    ----------
    study : ParticleStudy
    folder : Path
        An existing folder.
    """
    place = folder / FOLDER
    place.mkdir()
    for image in study.images:
        stem = Path(image.name).stem
        write_labels(place / f"{stem}_labels.tif", image.labels, image.nm_per_px)
        write_labels(place / f"{stem}_rois.zip", image.labels, image.nm_per_px)
