"""An X-ray spectrum, the energies of its channels, and how it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Take-off angle where nothing states one: that of most microscopes
DEFAULT_TAKE_OFF_DEG = 35.0


@dataclass(frozen=True)
class EnergyAxis:
    """The energies of the channels of a detector.

    Attributes
    ----------
    offset_kev : float
        Energy of the centre of the first channel.
    step_kev : float
        Width of a channel; positive.
    n_channels : int
    """

    offset_kev: float
    step_kev: float
    n_channels: int

    @property
    def energies_kev(self) -> NDArray[np.float64]:
        """Energies of the centres of all channels; ndarray of shape (n_channels,), keV."""
        return self.offset_kev + self.step_kev * np.arange(self.n_channels, dtype=np.float64)


@dataclass(frozen=True)
class Conditions:
    """How spectra were measured; None where nothing says it.

    Attributes
    ----------
    beam_kev : float or None
        Energy of the electrons.
    take_off_deg : float or None
        Angle between the surface of the sample and the direction of the detector.
    resolution_ev : float or None
        Full width at half maximum of the detector at Mn Kα.
    live_time_s : float or None
        Of the whole measurement.
    probe_current_na : float or None
    window : str or None
        Name of the window of the detector.
    origins : mapping of str to str
        Where each value comes from: "file" or "setting".
    """

    beam_kev: float | None = None
    take_off_deg: float | None = None
    resolution_ev: float | None = None
    live_time_s: float | None = None
    probe_current_na: float | None = None
    window: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class XraySpectrum:
    """One X-ray spectrum.

    Attributes
    ----------
    counts : ndarray, shape (n_channels,)
    axis : EnergyAxis
    conditions : Conditions
    name : str
    """

    counts: NDArray[np.float64]
    axis: EnergyAxis
    conditions: Conditions = field(default_factory=Conditions)
    name: str = ""
