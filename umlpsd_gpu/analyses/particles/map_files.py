"""Label images and ImageJ ROI sets of a study, to be looked at, corrected, and taken back."""

from __future__ import annotations

from pathlib import Path

import tifffile

from umlpsd_gpu.analyses.particles.result import ParticleStudy
from umlpsd_gpu.images.segmentation.label_files import write_roi_set

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
        tifffile.imwrite(
            place / f"{stem}_labels.tif",
            image.labels,
            imagej=True,
            resolution=(1 / image.nm_per_px, 1 / image.nm_per_px),
            metadata={"unit": "nm"},
            compression="zlib",
        )
        write_roi_set(place / f"{stem}_rois.zip", image.labels)
