"""The formats of `umlpsd export`, by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from umlpsd_gpu.exports.contents import Contents
from umlpsd_gpu.exports.imagej_maps import write_imagej_maps
from umlpsd_gpu.exports.imagej_rois import write_roi_sets
from umlpsd_gpu.exports.matlab5 import write_matlab5
from umlpsd_gpu.exports.matlab73 import write_matlab73
from umlpsd_gpu.exports.ome_zarr_images import write_ome_zarr
from umlpsd_gpu.exports.origin_text import write_origin_text


@dataclass(frozen=True)
class Format:
    """A format that one study is written to.

    Attributes
    ----------
    meaning : str
        Who opens it, for the help.
    write : callable
        Takes contents and an existing folder.
    """

    meaning: str
    write: Callable[[Contents, Path], None]


def _write_mat(contents: Contents, folder: Path) -> None:
    write_matlab73(contents, folder / "study.mat")


def _write_mat5(contents: Contents, folder: Path) -> None:
    write_matlab5(contents, folder / "study.mat")


# one folder for each study
BY_STUDY = {
    "mat": Format("MATLAB 7.3 (HDF5)", _write_mat),
    "mat5": Format("MATLAB 5, for Octave and SciPy", _write_mat5),
    "imagej-rois": Format("regions for ImageJ's ROI Manager", write_roi_sets),
    "imagej-maps": Format("ImageJ hyperstacks with look-up tables", write_imagej_maps),
    "ome-zarr": Format("OME-Zarr", write_ome_zarr),
    "origin": Format("text for Origin", write_origin_text),
}
# several studies below each other in one file
JOINED = {"csv": ".csv", "parquet": ".parquet"}
# figures are drawn by the analysis
FIGURES = "figures"
FORMATS = (*JOINED, *BY_STUDY, FIGURES)
