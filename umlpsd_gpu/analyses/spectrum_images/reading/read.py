"""Read spectrum images: the verb, and the reader of each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.spectrum_images.reading.arrays import open_arrays
from umlpsd_gpu.analyses.spectrum_images.reading.em import READERS, open_with_rosettasciio
from umlpsd_gpu.analyses.spectrum_images.reading.errors import SpectrumImageError
from umlpsd_gpu.analyses.spectrum_images.reading.finish import finish
from umlpsd_gpu.analyses.spectrum_images.reading.hspy import open_hspy
from umlpsd_gpu.analyses.spectrum_images.reading.oxford import open_oxford
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording
from umlpsd_gpu.analyses.spectrum_images.reading.ripple import open_ripple
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import settings_from_keywords, show_settings

Reader = Callable[[Path, SpectrumImageSettings], Recording]
ARRAY_SUFFIXES = (".npy", ".npz", ".h5", ".hdf5")
OPENERS: dict[str, Reader] = {
    ".hspy": open_hspy,
    ".h5oina": open_oxford,
    ".rpl": open_ripple,
    ".raw": open_ripple,
    **dict.fromkeys(ARRAY_SUFFIXES, open_arrays),
    **dict.fromkeys(READERS, open_with_rosettasciio),
}
# Files that are certainly spectrum images; others may hold images or arrays of anything
CERTAIN_SUFFIXES = (".hspy", ".h5oina", ".rpl", ".bcf", ".spd", ".pts")
ADVICE = {
    ".msa": "it is a single spectrum; give a map, and this file as a standard",
    ".emsa": "it is a single spectrum; give a map, and this file as a standard",
    ".spc": "it is a single spectrum; give the .spd file of the map",
    ".tif": "it is an image; export the spectra of all pixels",
    ".tiff": "it is an image; export the spectra of all pixels",
    ".zspy": "save it as .hspy",
}


@show_settings(SpectrumImageSettings)
def read_spectrum_image(
    source: str | Path, settings: SpectrumImageSettings | None = None, **values: Any
) -> SpectrumImage:
    """Read a spectrum image: counts, energies, pixel size, and how it was measured.

    Parameters
    ----------
    source : path
        ``.hspy``, ``.h5oina``, ``.rpl`` with ``.raw``, ``.npy``, ``.npz``, ``.h5``; with the extra
        ``em`` also ``.bcf``, ``.spd``, ``.pts``, ``.emd``, ``.dm3`` and ``.dm4``.
    settings : SpectrumImageSettings, optional
    **values
        Single settings by name, which replace those of ``settings``: ``beam_kev=15``.

    Returns
    -------
    SpectrumImage

    Raises
    ------
    UmlpsdError
        If the file can't be read, it is no spectrum image, or the energies of its channels are
        unknown.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from umlpsd_gpu import read_spectrum_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/map.npy", np.ones((4, 5, 16), np.uint8))
    ...     image = read_spectrum_image(
    ...         f"{folder}/map.npy", energy_offset_kev=0.0, energy_step_kev=0.01, bin_pixels=2
    ...     )
    >>> image.counts.shape, int(image.counts[0, 0, 0]), image.axis.step_kev
    ((2, 2, 16), 4, 0.01)
    """
    chosen = settings_from_keywords(
        settings or SpectrumImageSettings(), values, "read_spectrum_image"
    )
    return finish(open_recording([str(source)], chosen), chosen)


def open_recording(names: Sequence[str], settings: SpectrumImageSettings) -> Recording:
    """Read the header of a spectrum image.

    Parameters
    ----------
    names : sequence of str
        One file.
    settings : SpectrumImageSettings

    Returns
    -------
    Recording

    Raises
    ------
    SettingsError
        If there is no such file, or several were given.
    SpectrumImageError
        If it can't be read.
    """
    path = _single_file(names)
    suffix = path.suffix.lower()
    if suffix not in OPENERS:
        advice = ADVICE.get(suffix, "export the map as .h5oina, .hspy or .rpl")
        raise SpectrumImageError(
            path,
            f"'{suffix or path.name}' files hold no spectrum image that can be read "
            f"({', '.join(OPENERS)}); {advice}",
        )
    return OPENERS[suffix](path, settings)


def _single_file(names: Sequence[str]) -> Path:
    if not names:
        raise SettingsError("no file was given; name a spectrum image")
    paths = [Path(name) for name in names]
    # the two halves of one image
    if len(paths) == 2 and {path.suffix.lower() for path in paths} == {".rpl", ".raw"}:
        paths = [path for path in paths if path.suffix.lower() == ".rpl"]
    if len(paths) > 1:
        raise SettingsError(
            f"{len(names)} files were given, and an analysis is of one spectrum image; give one, "
            "or analyse a folder with umlpsd batch"
        )
    if paths[0].is_dir():
        raise SettingsError(
            f"{paths[0]} is a folder; give one file, or analyse the folder with umlpsd batch"
        )
    if not paths[0].exists():
        raise SettingsError(f"there is no file {paths[0]}; check the name")
    return paths[0]
