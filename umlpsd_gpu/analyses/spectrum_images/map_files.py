"""Maps of the components of a spectrum image as OME-TIFF, for ImageJ and Fiji."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.storage.ome_tiff import write_ome_tiff


def write_map_files(study: SpectrumImageStudy, folder: Path) -> None:
    """Write maps.ome.tif: map and error of each component, all counts, and z of the residual.

    Parameters
    ----------
    study : SpectrumImageStudy
    folder : Path
        An existing folder.
    """
    size_m = study.recorded.pixel_size_m
    size_um = None if size_m is None else size_m * 1e6
    write_ome_tiff(folder / "maps.ome.tif", maps_of(study), size_um)


def maps_of(study: SpectrumImageStudy) -> dict[str, np.ndarray]:
    """Return map and error of each component, all counts, and z of the residual.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    dict of str to ndarray, shape (n_rows, n_columns)
        In counts, but for z.
    """
    shape = study.recorded.total_image.shape
    names = [_name(study, number) for number in range(study.k)]
    errors = study.uncertainty.map_errors.T.reshape(study.k, *shape)
    maps = dict(zip(names, study.maps, strict=True))
    maps |= {f"{name}, error": error for name, error in zip(names, errors, strict=True)}
    maps["all counts"] = study.recorded.total_image
    maps["z of the residual"] = study.residuals.sample_z.reshape(shape)
    return maps


def _name(study: SpectrumImageStudy, number: int) -> str:
    formula = study.quantified[number].formula
    return f"component {number + 1}" + (f" ({formula})" if formula else "")
