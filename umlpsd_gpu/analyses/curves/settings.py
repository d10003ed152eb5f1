"""All settings of an analysis of curves: its own sections and the shared ones."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from umlpsd_gpu.settings import AnalysisSettings, Section

CurrentUnit = Literal["A", "mA", "µA", "uA", "nA", "pA", "fA"]
BiasUnit = Literal["V", "mV", "µV", "uV"]
LengthUnit = Literal["m", "mm", "µm", "um", "nm", "Å", "pm"]
RepresentationName = Literal[
    "asinh",
    "shape",
    "magnitude",
    "log_conductance",
    "normalised_conductance",
    "unit_norm",
    "raw",
]


class CurvesSettings(Section):
    """How maps of curves are read; what a file says itself need not be given."""

    section: ClassVar[str] = "curves"

    current_unit: CurrentUnit | None = Field(
        None, description="Unit of the current, if the file doesn't say it; it is never guessed."
    )
    bias_unit: BiasUnit | None = Field(
        None, description="Unit of the bias, if the file doesn't say it; it is never guessed."
    )
    length_unit: LengthUnit | None = Field(
        None, description="Unit of positions and heights, if the file doesn't say it."
    )
    channel: str | None = Field(
        None,
        min_length=1,
        description="Name of the channel with the current. Default: the one that is called "
        "Current, if there is only one.",
    )
    lock_in_channel: str | None = Field(
        None,
        min_length=1,
        description="Name of the lock-in channel that is in phase with the modulation. Default: "
        "all channels whose names say lock-in are read.",
    )
    array: str | None = Field(
        None,
        min_length=1,
        description="Name of the array of currents in a NumPy, HDF5 or MATLAB file that has "
        "several.",
    )
    bias_array: str | None = Field(
        None,
        min_length=1,
        description="Name of the bias axis in such a file. Default: an array called bias, "
        "voltage or v.",
    )
    bias_from_v: float | None = Field(
        None,
        description="Bias of the first point, in volts, for a file without a bias axis.",
    )
    bias_to_v: float | None = Field(
        None, description="Bias of the last point, in volts, for a file without a bias axis."
    )
    invert_current: bool = Field(
        False,
        description="Change the sign of the current, for an amplifier that inverts it.",
    )
    n_rows: int | None = Field(
        None,
        ge=1,
        description="Rows of the grid, for a table or matrix of curves that are the pixels of a "
        "map, row by row. Default: such curves have no places.",
    )
    pixel_size_m: float | None = Field(
        None,
        gt=0,
        description="Distance between neighbouring pixels, in metres, if the file doesn't say it.",
    )
    layout: Literal["auto", "columns", "pairs"] = Field(
        "auto",
        description="For text: the first column is the bias of all others (columns), or every "
        "two columns are bias and current of one curve (pairs). auto: as the headings or the "
        "values show.",
    )
    decimal: Literal["auto", "point", "comma"] = Field(
        "auto",
        description="For text: decimal mark. auto: the one that the numbers show.",
    )
    topography: str | None = Field(
        None,
        min_length=1,
        description="Nanonis scan (.sxm) of the same place, whose height is used where the map "
        "has none.",
    )

    @model_validator(mode="after")
    def _bias_range_is_whole(self) -> Self:
        if (self.bias_from_v is None) != (self.bias_to_v is None):
            raise ValueError("bias_from_v and bias_to_v belong together: give both or neither")
        if self.bias_from_v is not None and self.bias_from_v == self.bias_to_v:
            raise ValueError("bias_from_v and bias_to_v must be different")
        return self


class ConditioningSettings(Section):
    """How offsets, noise and saturation are found before anything else."""

    section: ClassVar[str] = "conditioning"

    compliance_a: float | None = Field(
        None,
        gt=0,
        description="Largest current that the amplifier or source can give, in amperes; points at "
        "it are bounds, not values. Default: found where curves stay at a common extreme.",
    )
    saturated_points: int = Field(
        3,
        ge=2,
        description="Least number of neighbouring points at the common extreme of the currents "
        "that count as saturated.",
    )
    remove_current_offset: bool = Field(
        True, description="Subtract the current at zero bias from every curve."
    )
    remove_bias_offset: bool = Field(
        True,
        description="Shift the bias so that the current of the average curve vanishes at zero.",
    )
    zero_bias_window_v: float | None = Field(
        None,
        gt=0,
        description="Half width of the range around zero bias in which the offset of the current "
        "is measured, in volts. Default: a few points.",
    )
    smoothing_points: int | None = Field(
        None,
        ge=3,
        description="Points of the window in which curves are differentiated; an odd number. "
        "Default: chosen by the noise.",
    )

    @model_validator(mode="after")
    def _window_is_odd(self) -> Self:
        if self.smoothing_points is not None and self.smoothing_points % 2 == 0:
            raise ValueError(f"smoothing_points must be odd, got {self.smoothing_points}")
        return self


class RepresentationSettings(Section):
    """In which forms curves are clustered."""

    section: ClassVar[str] = "representation"

    names: tuple[RepresentationName, ...] = Field(
        ("asinh",),
        min_length=1,
        description="Forms of the curves that are compared: asinh (of the current in units of "
        "three times its noise), shape and magnitude (the same without its size, and the size "
        "alone), log_conductance, normalised_conductance, unit_norm, raw.",
    )


class QuantitySettings(Section):
    """What is needed to calculate physical quantities from curves."""

    section: ClassVar[str] = "quantities"

    temperature_k: float = Field(300.0, gt=0, description="Temperature of the sample, in kelvins.")
    area_m2: float | None = Field(
        None,
        gt=0,
        description="Area of the contact, in square metres; without it there is no barrier height.",
    )
    richardson_a_m2_k2: float | None = Field(
        None,
        gt=0,
        description="Effective Richardson constant A*, in A/(m² K²), as 1.2e6 for free "
        "electrons; without it there is no barrier height.",
    )
    read_voltages_v: tuple[float, ...] = Field(
        (),
        description="Biases at which current and conductance are mapped, in volts. Default: half "
        "of both ends of the bias range.",
    )
    turn_on_sigma: float = Field(
        5.0,
        gt=0,
        description="The turn-on voltage is where the current exceeds this many standard "
        "deviations of its noise.",
    )
    turn_on_current_a: float | None = Field(
        None,
        gt=0,
        description="Current at the turn-on voltage, in amperes, instead of turn_on_sigma.",
    )


class CurveSettings(AnalysisSettings):
    """All settings of an analysis of curves, with the sections of its TOML file.

    Attributes
    ----------
    curves : CurvesSettings
    conditioning : ConditioningSettings
    representation : RepresentationSettings
    quantities : QuantitySettings

    Examples
    --------
    >>> from umlpsd_gpu import CurveSettings
    >>> CurveSettings().with_values({"quantities.temperature_k": 77.0}).quantities.temperature_k
    77.0
    """

    analysis: ClassVar[str] = "curves"
    naming_files: ClassVar[tuple[str, ...]] = ("curves.topography",)

    curves: CurvesSettings = CurvesSettings()
    conditioning: ConditioningSettings = ConditioningSettings()
    representation: RepresentationSettings = RepresentationSettings()
    quantities: QuantitySettings = QuantitySettings()
