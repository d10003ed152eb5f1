"""The result of an analysis of a micrograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.factorisation.result import Factorisation, RankDecision, Uncertainty
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.images.spots import Spot
from umlpsd_gpu.images.windowed_fft import full_spectrum


@dataclass(frozen=True, repr=False)
class MicrographStudy(Result):
    """What is local in a micrograph: spectra of its windows, and where they are.

    Attributes
    ----------
    settings : MicrographsSettings
        All settings of the run, defaults included.
    micrograph : Micrograph
    grid : tuple of int
        Rows and columns of windows.
    decision : RankDecision
        How many spectra are local; 1 where nothing is.
    factors : Factorisation
        Maps over the windows, row by row; components are half planes of amplitude spectra.
    uncertainty : Uncertainty
    spots : tuple of Spot
        Of all components.
    by_window : mapping of int to (int, float)
        Number of spectra and p-value of their being local, by the size of windows in pixels.
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
    versions : dict of str to str
        Versions of this package and of those it uses.
    """

    analysis: ClassVar[str] = "micrographs"

    settings: Any
    micrograph: Micrograph
    grid: tuple[int, int]
    decision: RankDecision
    factors: Factorisation
    uncertainty: Uncertainty
    spots: tuple[Spot, ...]
    by_window: Mapping[int, tuple[int, float]]
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    def __repr__(self) -> str:
        """Return the answer in a line."""
        return f"MicrographStudy({self.k} local spectra, p = {self.p_value:.2g})"

    @property
    def k(self) -> int:
        """Number of components; int."""
        return self.factors.k

    @property
    def p_value(self) -> float:
        """Probability of the image if nothing in it were local; float."""
        return float(self.decision.curves["p-value"][0])

    @property
    def maps(self) -> np.ndarray:
        """Maps of the components; ndarray of shape (k, rows of windows, columns of windows)."""
        maps: np.ndarray = self.factors.maps.T.reshape(self.k, *self.grid)
        return maps

    @property
    def spectra(self) -> np.ndarray:
        """Centred amplitude spectra of the components; ndarray of shape (k, window, window)."""
        return full_spectrum(self.factors.components, self.settings.micrograph.window)

    @property
    def frequency_step(self) -> float:
        """Distance of frequencies, in 1/m, or in 1/pixel where the scale is unknown; float."""
        window = int(self.settings.micrograph.window)
        return 1 / (window * (self.micrograph.pixel_size_m or 1.0))
