"""Micrographs of one ensemble of particles, before they are analysed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from natsort import natsorted

from umlpsd_gpu.analyses.particles.settings import ParticleSettings, ParticlesSettings
from umlpsd_gpu.errors import MovieError, SettingsError
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.open import SUFFIXES, open_micrograph

# Images of one magnification differ by rounding only
EQUAL_SCALE = 0.01
# What a segmentation saves beside the images of a folder
LABEL_ENDING = "_labels"


@dataclass(frozen=True)
class ImageFacts:
    """A micrograph that was opened; its pixels are read again when it is analysed.

    Attributes
    ----------
    path : Path
    shape : (int, int)
    nm_per_px : float
    scale_origin : str
    """

    path: Path
    shape: tuple[int, int]
    nm_per_px: float
    scale_origin: str


@dataclass(frozen=True, eq=False)
class ParticleSource:
    """Micrographs of one ensemble.

    Attributes
    ----------
    images : tuple of ImageFacts
    settings : ParticlesSettings
    """

    images: tuple[ImageFacts, ...]
    settings: ParticlesSettings

    def read(self, number: int) -> Micrograph:
        """Return a micrograph with its scale.

        Parameters
        ----------
        number : int
            From 0.

        Returns
        -------
        Micrograph
        """
        facts = self.images[number]
        image = read_image(facts.path, self.settings.particle)
        return replace(
            image, pixel_size_m=facts.nm_per_px * 1e-9, pixel_size_origin=facts.scale_origin
        )


def open_source(names: Sequence[str], settings: ParticlesSettings) -> ParticleSource:
    """Open micrographs of one ensemble.

    Parameters
    ----------
    names : sequence of str
        Files, or folders, all images of which are taken.
    settings : ParticlesSettings

    Returns
    -------
    ParticleSource

    Raises
    ------
    SettingsError
        If there is no image, or images of several magnifications.
    MovieError, TracesError
        As `open_micrograph`; or if the scale is unknown.
    """
    paths = [path for name in names for path in _files_of(Path(name))]
    if not paths:
        raise SettingsError(
            f"{', '.join(names) or 'nothing'}: no images were given; give files or a folder of "
            f"{', '.join(SUFFIXES)}"
        )
    images = tuple(_open(path, settings.particle) for path in paths)
    require_one_magnification([(image.path.name, image.nm_per_px) for image in images])
    return ParticleSource(images, settings)


def read_image(path: Path, settings: ParticleSettings) -> Micrograph:
    """Read an image without its data bar.

    Parameters
    ----------
    path : Path
    settings : ParticleSettings

    Returns
    -------
    Micrograph
    """
    return open_micrograph(
        path,
        None if settings.nm_per_px is None else settings.nm_per_px * 1e-9,
        title=settings.title,
        is_luminance_taken=settings.luminance,
    )


def _files_of(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = [
        file
        for file in path.iterdir()
        if file.suffix.lower() in SUFFIXES
        and not file.stem.endswith(LABEL_ENDING)
        and not file.name.startswith(".")
    ]
    yield from natsorted(found, key=str)


def _open(path: Path, settings: ParticleSettings) -> ImageFacts:
    image = read_image(path, settings)
    size_m, origin = image.pixel_size_m, image.pixel_size_origin
    if size_m is None and settings.bar_nm is not None:
        size_m, origin = _scale_from_bar(path, settings), "scale bar"
    if size_m is None:
        raise MovieError(
            path,
            "the size of its pixels is unknown; give it with --nm-per-px, or the length written at "
            "its scale bar with --bar-nm",
        )
    n_rows, n_columns = image.image.shape
    return ImageFacts(path, (n_rows, n_columns), size_m * 1e9, origin)


def _scale_from_bar(path: Path, settings: ParticleSettings) -> float:
    """Return metres per pixel from a bar burnt into the image, or into its data bar."""
    from umlpsd_gpu.images.segmentation.annotations import find_scale_bar

    whole = open_micrograph(
        path, title=settings.title, cut_data_bar=False, is_luminance_taken=settings.luminance
    )
    bar = find_scale_bar(whole.image)
    if bar is None:
        raise MovieError(
            path, "no scale bar was found in it; give the size of a pixel with --nm-per-px"
        )
    assert settings.bar_nm is not None
    return settings.bar_nm * 1e-9 / bar.length_px


def require_one_magnification(scales: Sequence[tuple[str, float]]) -> None:
    """Refuse images whose pixels differ by more than 1 %.

    Parameters
    ----------
    scales : sequence of (str, float)
        Name and nanometres per pixel of each image.

    Raises
    ------
    SettingsError
    """
    name, scale = scales[0]
    for other, its_scale in scales:
        if abs(its_scale / scale - 1) > EQUAL_SCALE:
            raise SettingsError(
                f"{name} has {scale:.4g} nm per pixel and {other} {its_scale:.4g}; particles that "
                "one magnification shows are lost at another: analyse the images of each by "
                "themselves"
            )
