"""A spectrum image before it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from umlpsd_gpu.analyses.spectrum_images.reading.finish import (
    conditions_with,
    energy_axis_of,
    finish,
    require_spectra,
)
from umlpsd_gpu.analyses.spectrum_images.reading.read import open_recording
from umlpsd_gpu.analyses.spectrum_images.reading.recording import Recording
from umlpsd_gpu.analyses.spectrum_images.settings import SpectrumImageSettings
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis


@dataclass(frozen=True, eq=False)
class SpectrumImageSource:
    """A spectrum image whose header was read.

    Attributes
    ----------
    recording : Recording
    settings : SpectrumImageSettings
    axis : EnergyAxis
        Of all recorded channels.
    conditions : Conditions
    """

    recording: Recording
    settings: SpectrumImageSettings
    axis: EnergyAxis
    conditions: Conditions

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of the image; tuple of Path."""
        return self.recording.paths or (self.recording.path,)

    def read(self) -> SpectrumImage:
        """Read the counts.

        Returns
        -------
        SpectrumImage

        Raises
        ------
        SpectrumImageError
            If they are no counts.
        """
        return finish(self.recording, self.settings)


def open_source(names: Sequence[str], settings: SpectrumImageSettings) -> SpectrumImageSource:
    """Open a spectrum image by its header.

    Parameters
    ----------
    names : sequence of str
        One file.
    settings : SpectrumImageSettings

    Returns
    -------
    SpectrumImageSource

    Raises
    ------
    SettingsError
        If there is no such file, or several.
    SpectrumImageError
        If it can't be read with these settings.
    """
    recording = open_recording(names, settings)
    require_spectra(recording)
    axis = energy_axis_of(recording, settings)
    return SpectrumImageSource(recording, settings, axis, conditions_with(recording, settings))
