"""The result of an analysis of a spectrum image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from umlpsd_gpu.analyses.result import Result
from umlpsd_gpu.analyses.spectrum_images.quantified import Quantified
from umlpsd_gpu.factorisation.residuals import Residuals
from umlpsd_gpu.factorisation.result import Factorisation, RankDecision, Uncertainty
from umlpsd_gpu.xrays.spectrum import Conditions, EnergyAxis

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RecordedSpectra:
    """What is kept of a spectrum image: its sums, not the counts of every pixel and channel.

    Attributes
    ----------
    total_image : ndarray, shape (n_rows, n_columns)
        Counts of each pixel.
    total_spectrum : ndarray, shape (n_channels,)
        Counts of each channel.
    axis : EnergyAxis
    conditions : Conditions
    pixel_size_m : float or None
    files : tuple of str
        Names of the files.
    """

    total_image: Floats
    total_spectrum: Floats
    axis: EnergyAxis
    conditions: Conditions
    pixel_size_m: float | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class Sweep:
    """Factorisations into 1, 2, 3, … components.

    Attributes
    ----------
    relative_errors : ndarray, shape (k_max,)
        Norm of the residual by the norm of the scaled data.
    stability : ndarray, shape (k_max,)
        Of the least stable component.
    """

    relative_errors: Floats
    stability: Floats


@dataclass(frozen=True, repr=False)
class SpectrumImageStudy(Result):
    """A spectrum image as a sum of components, and the composition of each.

    Attributes
    ----------
    settings : SpectrumImagesSettings
        All settings of the run, defaults included.
    recorded : RecordedSpectra
    decision : RankDecision
    sweep : Sweep
    factors : Factorisation
        Maps over the pixels, row by row, in counts; components over the channels.
    uncertainty : Uncertainty
    quantified : tuple of Quantified
        Of each component.
    residuals : Residuals
        Of the factorisation.
    missing : tuple of str
        Lines in the residual of the worst pixels that no component explains.
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
    versions : dict of str to str
        Versions of this package and of those it uses.
    """

    analysis: ClassVar[str] = "spectrum_images"

    settings: Any
    recorded: RecordedSpectra
    decision: RankDecision
    sweep: Sweep
    factors: Factorisation
    uncertainty: Uncertainty
    quantified: tuple[Quantified, ...]
    residuals: Residuals
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    def __repr__(self) -> str:
        """Return the answer in a line."""
        return f"SpectrumImageStudy({self.k} components)"

    @property
    def k(self) -> int:
        """Number of components; int."""
        return self.factors.k

    @property
    def maps(self) -> Floats:
        """Maps of the components; ndarray of shape (k, n_rows, n_columns), counts."""
        maps: Floats = self.factors.maps.T.reshape(self.k, *self.recorded.total_image.shape)
        return maps
