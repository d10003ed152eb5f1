"""Maps and power spectra of a micrograph as OME-TIFF with scales, for ImageJ and Fiji."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.storage.ome_tiff import write_ome_tiff


def write_map_files(study: MicrographStudy, folder: Path) -> None:
    """Write maps.ome.tif and spectra.ome.tif.

    The pixels of the maps are steps of the windows. The unit of the spectra is 1/nm, which a TIFF
    has no word for: "1 µm" in the file is 1/nm. Without a scale neither has one.

    Parameters
    ----------
    study : MicrographStudy
    folder : Path
        An existing folder.
    """
    size_m = study.micrograph.pixel_size_m
    step_um = None if size_m is None else size_m * study.settings.micrograph.step_px * 1e6
    names = [f"component {number + 1}" for number in range(study.k)]
    errors = study.uncertainty.map_errors.T.reshape(study.k, *study.grid)
    maps = dict(zip(names, study.maps, strict=True))
    maps |= {f"{name}, error": error for name, error in zip(names, errors, strict=True)}
    write_ome_tiff(folder / "maps.ome.tif", maps, step_um)
    per_nm = None if size_m is None else study.frequency_step * 1e-9
    spectra = study.spectra * study.factors.maps.mean(axis=0)[:, None, None]
    write_ome_tiff(folder / "spectra.ome.tif", dict(zip(names, spectra**2, strict=True)), per_nm)
