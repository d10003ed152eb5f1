"""All settings of an analysis of spectrum images: its own sections and the shared ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from umlpsd_gpu.errors import UmlpsdError
from umlpsd_gpu.settings import OF_KMEANS, AnalysisSettings, Section, SweepSettings
from umlpsd_gpu.xrays.elements import atomic_number
from umlpsd_gpu.xrays.material import parse_formula


class SpectrumImageSettings(Section):
    """How spectrum images are read; what a file says itself need not be given."""

    section: ClassVar[str] = "spectrum_image"

    energy_offset_kev: float | None = Field(
        None,
        description="Energy of the first channel, in keV, if the file doesn't say it; it is never "
        "guessed.",
    )
    energy_step_kev: float | None = Field(
        None,
        gt=0,
        description="Width of a channel, in keV, if the file doesn't say it; it is never guessed.",
    )
    beam_kev: float | None = Field(
        None, gt=0, le=1000, description="Energy of the beam, in keV, if the file doesn't say it."
    )
    take_off_deg: float | None = Field(
        None,
        gt=0,
        le=90,
        description="Angle between the surface of the sample and the direction of the detector, in "
        "degrees, if the file doesn't say it.",
    )
    resolution_ev: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Width (FWHM) of Mn Kα, in eV, if the file doesn't say it.",
    )
    detector_window: str | None = Field(
        None, min_length=1, description="Name of the window of the detector, if the file lacks it."
    )
    array: str | None = Field(
        None,
        min_length=1,
        description="Name of the array of counts in a NumPy or HDF5 file that has several, or of "
        "the signal in a file with several spectrum images.",
    )
    energy_array: str | None = Field(
        None,
        min_length=1,
        description="Name of the energies of the channels in such a file. Default: an array called "
        "energy or energies, with its unit in the name or in an attribute.",
    )
    energies_first: bool = Field(
        False, description="The first axis of the array of counts is the energy, not the last."
    )
    pixel_size_m: float | None = Field(
        None,
        gt=0,
        description="Distance between neighbouring pixels, in metres, if the file doesn't say it.",
    )
    from_kev: float | None = Field(
        None, description="Channels below this energy are left out, in keV. Default: none."
    )
    to_kev: float | None = Field(
        None, gt=0, description="Channels above this energy are left out, in keV. Default: none."
    )
    rebin_energy: int = Field(
        1, ge=1, le=64, description="Neighbouring channels that are added to one."
    )
    bin_pixels: int = Field(
        1, ge=1, le=64, description="Rows and columns of pixels that are added to one pixel."
    )

    @model_validator(mode="after")
    def _energies_rise(self) -> Self:
        if self.from_kev is not None and self.to_kev is not None and self.from_kev >= self.to_kev:
            raise ValueError(
                f"from_kev must be less than to_kev, got {self.from_kev:g} and {self.to_kev:g}"
            )
        return self


class UnmixingSettings(Section):
    """How spectra are unmixed into components."""

    section: ClassVar[str] = "unmixing"

    k: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Number of components. Default: decided from the data, up to sweep.k_max.",
    )
    n_restarts: int = Field(
        20,
        ge=2,
        le=1000,
        description="Starts of the factorisation; the best result is taken, and how often the "
        "others agree with it is its stability.",
    )
    loss: Literal["poisson", "frobenius"] = Field(
        "poisson",
        description="What is minimised: poisson is the Kullback–Leibler divergence, as counts "
        "demand; frobenius the sum of squares.",
    )
    scaling: Literal["keenan_kotula", "none"] = Field(
        "keenan_kotula",
        description="Scaling of the sum of squares: keenan_kotula divides by the square roots of "
        "the mean spectrum and the mean image, so that all noise is alike; none.",
    )
    n_noise_draws: int = Field(
        50,
        ge=2,
        le=1000,
        description="Fits to the fitted model with fresh noise, from which errors of spectra and "
        "maps are estimated.",
    )


class QuantificationSettings(Section):
    """How the composition of components is calculated."""

    section: ClassVar[str] = "quantification"

    elements: tuple[str, ...] = Field(
        (), description="Symbols of the elements. Default: found from the lines of each component."
    )
    method: Literal["bulk", "film", "foil", "none"] = Field(
        "bulk",
        description="Model of the sample: bulk (ZAF by XPP), film on a substrate, foil "
        "(Cliff–Lorimer, thin TEM samples), or none: lines are named, nothing is quantified. film "
        "needs films, substrate and film_thickness_nm.",
    )
    films: tuple[str, ...] = Field(
        (),
        description="Components that lie as a film, or as flat wires, on the substrate; the others "
        "are solids. Each is given by its number from 1, or by the symbol of an element, for the "
        "component that has most of it.",
    )
    substrate: str | None = Field(
        None,
        description="What lies below the films: a formula such as SiO2, or the number of a "
        "component.",
    )
    film_thickness_nm: float | None = Field(
        None, gt=0, le=100_000, description="Thickness of the films, in nm."
    )
    film_density: float | None = Field(
        None,
        gt=0,
        le=30,
        description="Density of the films, in g/cm³. Default: that of their elements, each at the "
        "volume that it has alone.",
    )
    standards: tuple[str, ...] = Field(
        (), description="Spectra of standards (.msa), one of each element or compound."
    )
    oxides: bool = Field(
        False, description="Oxygen is calculated from the other elements' usual oxides."
    )
    smallest_share: float = Field(
        0.005,
        gt=0,
        lt=1,
        description="A component with a smaller share of all counts is not quantified.",
    )

    @model_validator(mode="after")
    def _film_is_whole(self) -> Self:
        of_film = {
            "films": self.films,
            "substrate": self.substrate,
            "film_thickness_nm": self.film_thickness_nm,
        }
        missing = [name for name, value in of_film.items() if not value]
        if self.method != "film":
            if len(missing) < len(of_film) or self.film_density is not None:
                raise ValueError(
                    "films, substrate, film_thickness_nm and film_density are for method film, "
                    f"got {self.method}; set method to film, or leave them out"
                )
            return self
        if missing:
            raise ValueError(
                f"method film needs {', '.join(missing)}: which components are films, on what, and "
                "how thick"
            )
        try:
            _require_names(self.films, self.substrate or "")
        except UmlpsdError as error:
            raise ValueError(str(error)) from None
        return self


def _require_names(films: Iterable[str], substrate: str) -> None:
    """Refuse what is neither a number, nor an element or formula."""
    if not substrate.isdecimal():
        parse_formula(substrate)
    for name in films:
        if not name.isdecimal():
            atomic_number(name)


class SpectrumImagesSettings(AnalysisSettings):
    """All settings of an analysis of spectrum images, with the sections of its TOML file.

    Attributes
    ----------
    spectrum_image : SpectrumImageSettings
    unmixing : UnmixingSettings
    quantification : QuantificationSettings

    Examples
    --------
    >>> from umlpsd_gpu import SpectrumImagesSettings
    >>> SpectrumImagesSettings().with_values({"spectrum_image.beam_kev": 15.0}).sweep.k_max
    8
    """

    analysis: ClassVar[str] = "spectrum_images"
    without_effect: ClassVar[tuple[str, ...]] = (*AnalysisSettings.without_effect, *OF_KMEANS)

    sweep: SweepSettings = SweepSettings(k_max=8)
    spectrum_image: SpectrumImageSettings = SpectrumImageSettings()
    unmixing: UnmixingSettings = UnmixingSettings()
    quantification: QuantificationSettings = QuantificationSettings()
