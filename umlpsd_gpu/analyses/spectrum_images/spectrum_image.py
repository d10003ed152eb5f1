"""An image with an X-ray spectrum in every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis


@dataclass(frozen=True)
class SpectrumImage:
    """A spectrum in every pixel of an image.

    Attributes
    ----------
    counts : ndarray, shape (n_rows, n_columns, n_channels)
        Not negative.
    axis : EnergyAxis
    conditions : Conditions
    pixel_size_m : float or None
        Distance between neighbouring pixels.
    paths : tuple of Path
        The files it was read from.
    metadata : mapping
        What else the file says.
    notes : tuple of str
        What the user should know of the reading.

    Raises
    ------
    SettingsError
        If counts and axis don't fit.
    """

    counts: NDArray[Any]
    axis: EnergyAxis
    conditions: Conditions = field(default_factory=Conditions)
    pixel_size_m: float | None = None
    paths: tuple[Path, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that counts and axis fit."""
        shape = tuple(self.counts.shape)
        if len(shape) != 3 or shape[2] != self.axis.n_channels:
            raise SettingsError(
                f"counts of shape {shape} don't fit an axis of {self.axis.n_channels} channels; "
                "give counts of shape (rows, columns, channels) and their axis"
            )
