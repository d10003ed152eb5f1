"""A micrograph before it is analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from umlpsd_gpu.analyses.micrographs.settings import MicrographSettings
from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.open import open_micrograph


@dataclass(frozen=True, eq=False)
class MicrographSource:
    """A micrograph that was opened; single images are small enough to be read at once.

    Attributes
    ----------
    path : Path
    micrograph : Micrograph
    settings : MicrographSettings
    """

    path: Path
    micrograph: Micrograph
    settings: MicrographSettings


def open_source(names: Sequence[str], settings: MicrographSettings) -> MicrographSource:
    """Open a micrograph.

    Parameters
    ----------
    names : sequence of str
        One file.
    settings : MicrographSettings

    Returns
    -------
    MicrographSource

    Raises
    ------
    SettingsError
        If there is not exactly one file.
    MovieError, TracesError
        As `open_micrograph`; or if the image is too small for the windows.
    """
    if len(names) != 1:
        raise SettingsError(
            f"{len(names)} files were given, and an analysis of a micrograph takes one; analyse a "
            "folder of them with umlpsd batch"
        )
    path = Path(names[0])
    if path.is_dir():
        raise SettingsError(
            f"{path} is a folder; analyse a folder of micrographs with umlpsd batch"
        )
    micrograph = read_micrograph(path, settings)
    require_windows(micrograph, settings)
    return MicrographSource(path, micrograph, settings)


def read_micrograph(path: str | Path, settings: MicrographSettings | None = None) -> Micrograph:
    """Read a micrograph with its scale.

    Parameters
    ----------
    path : path
        As `open_micrograph`: TIFF, .npy, PNG, JPEG, .dm3, .dm4, .emd and others.
    settings : MicrographSettings, optional

    Returns
    -------
    Micrograph

    Raises
    ------
    MovieError, TracesError
        As `umlpsd_gpu.images.open.open_micrograph`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from umlpsd_gpu import read_micrograph
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/image.npy", np.random.default_rng(0).normal(size=(200, 300)))
    ...     read_micrograph(f"{folder}/image.npy").image.shape
    (200, 300)
    """
    settings = settings or MicrographSettings()
    return open_micrograph(
        path,
        settings.pixel_size_m,
        title=settings.title,
        cut_data_bar=not settings.keep_data_bar,
        is_luminance_taken=settings.luminance,
    )


def require_windows(micrograph: Micrograph, settings: MicrographSettings) -> None:
    """Refuse an image that is too small for its windows.

    Parameters
    ----------
    micrograph : Micrograph
    settings : MicrographSettings

    Raises
    ------
    TracesError
    """
    n_rows, n_columns = micrograph.image.shape
    needed = settings.window + 2 * settings.step_px
    if min(n_rows, n_columns) < needed:
        name = f"{micrograph.path}: " if micrograph.path.name else ""
        raise TracesError(
            f"{name}an image of {n_rows} × {n_columns} pixels is too small for windows of "
            f"{settings.window} at steps of {settings.step_px}: {needed} pixels are needed on each "
            "side; choose smaller windows with --window"
        )
