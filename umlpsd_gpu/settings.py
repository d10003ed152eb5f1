"""The settings that every analysis shares: one model for TOML files, options and saved results.

An analysis adds its own sections to `AnalysisSettings`. ``umlpsd run --help`` and the settings
reference show the ``description`` of each field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings_faults import describe_fault, describe_unknown, shorten
from umlpsd_gpu.settings_files import read_toml

# Largest number of wrong settings in one error message
MOST_FAULTS = 5
ANALYSIS = "analysis"


class Section(BaseModel):
    """A group of settings.

    Unknown names and infinite values are refused, and values can't be changed later.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    # name of the section in messages if it is used by itself
    section: ClassVar[str] = ""

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str = "") -> Self:
        """Make settings from plain values.

        Parameters
        ----------
        values : dict
            Nested, as in a TOML file.
        source : str
            The file they come from, for messages.

        Returns
        -------
        Section
            Values that are left out have their defaults.

        Raises
        ------
        SettingsError
            If names are unknown or values are not allowed; the message lists the first five.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            where = f" (in {source})" if source else ""
            faults = [
                describe_fault(details, _names(cls), where, cls.section)
                for details in error.errors()
            ]
            n_more = len(faults) - MOST_FAULTS
            more = [f"and {n_more} more"] if n_more > 0 else []
            raise SettingsError("; ".join(faults[:MOST_FAULTS] + more)) from error

    def with_values(self, values: dict[str, Any]) -> Self:
        """Return a copy with some values replaced.

        Parameters
        ----------
        values : dict
            By dotted name, as ``{"sweep.seed": 1, "device": "cpu"}``; None leaves a value
            unchanged.

        Returns
        -------
        Section

        Raises
        ------
        SettingsError
            If a name is unknown or a value is not allowed.
        """
        nested = self.model_dump()
        for name, value in values.items():
            if name not in _names(type(self)):
                raise SettingsError(describe_unknown(name, _names(type(self))))
            if value is not None:
                *sections, field = name.split(".")
                target = nested[sections[0]] if sections else nested
                target[field] = value
        return type(self).from_mapping(nested)


class SweepSettings(Section):
    """How K-means is run for every trial number of clusters."""

    section: ClassVar[str] = "sweep"

    k_max: int = Field(15, ge=2, le=100, description="Largest number of clusters K that is tried.")
    n_epochs: int = Field(
        100,
        ge=1,
        le=10_000,
        description="K-means runs (epochs) for every K, each from another random start.",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**63,
        description="Seed of all random numbers; the same seed gives the same result.",
    )
    engine: Literal["auto", "batched", "sklearn", "cuml"] = Field(
        "auto",
        description="Program that runs K-means: batched is our own, sklearn is scikit-learn (CPU), "
        "cuml is RAPIDS cuML (GPU); auto is batched.",
    )
    silhouette_metric: Literal["sqeuclidean", "euclidean"] = Field(
        "sqeuclidean",
        description="Distance of the silhouette: squared Euclidean, as in MATLAB, or Euclidean.",
    )
    max_iter: int = Field(
        100, ge=1, description="Largest number of Lloyd iterations in a K-means run."
    )
    budget_s: float | None = Field(
        None,
        gt=0,
        description="Time budget of the sweep of one scale on two cores, in seconds. If the "
        "prediction exceeds it, Euclidean silhouettes are computed for a random sample of the "
        "traces. Default: no limit, all traces.",
    )


class DecisionSettings(Section):
    """How the number of clusters is decided from the sweeps."""

    section: ClassVar[str] = "decision"

    rule: Literal["consensus", "paper"] = Field(
        "consensus",
        description="How K is decided: consensus takes the largest K whose clusters random halves "
        "of the traces find again and whose borders are empty; paper uses the silhouette profile "
        "only, as the publication does.",
    )
    n_surrogates: int = Field(
        2,
        ge=0,
        le=20,
        description="Number of simulated ensembles without clusters that are swept at each scale "
        "for the gap statistic.",
    )
    n_resamples: int = Field(
        20,
        ge=0,
        le=2000,
        multiple_of=2,
        description="Number of random halves of the traces that are swept to see whether they find "
        "the same clusters; an even number. 0: none, and the paper's rule decides.",
    )


# What an analysis without K-means does not use: all but the largest K and the seed
OF_KMEANS = (
    *(f"sweep.{name}" for name in SweepSettings.model_fields if name not in ("k_max", "seed")),
    "decision",
)


class AnalysisSettings(Section):
    """All settings of one analysis, with the sections of its TOML file.

    Attributes
    ----------
    device : str
        Where to compute.
    n_threads : int or None
        Number of CPU threads; it never changes a result.
    sweep : SweepSettings
    decision : DecisionSettings
    """

    # name of the analysis, also in the TOML file
    analysis: ClassVar[str] = ""
    # dotted names of settings that can't change a result: left out of digests and keys
    without_effect: ClassVar[tuple[str, ...]] = ("device", "n_threads")
    # settings of the machine, which must not change a byte of a result folder
    of_machine: ClassVar[tuple[str, ...]] = ("device", "n_threads")
    # settings that name a file whose content can change a result
    naming_files: ClassVar[tuple[str, ...]] = ()

    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="Where to compute; auto: on the GPU if there is one, else on the CPU."
    )
    n_threads: int | None = Field(
        None,
        ge=1,
        description="Number of CPU threads; it never changes a result. Default: all cores.",
    )
    sweep: SweepSettings = SweepSettings()
    decision: DecisionSettings = DecisionSettings()

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read settings from a TOML file.

        Parameters
        ----------
        path : path

        Returns
        -------
        AnalysisSettings
            Values that are left out have their defaults.

        Raises
        ------
        SettingsError
            If the file can't be read, is no TOML, is for another analysis, or has an unknown name
            or a value that is not allowed.
        """
        values = read_toml(path)
        named = values.pop(ANALYSIS, cls.analysis)
        if not isinstance(named, str):
            raise SettingsError(
                f"setting {ANALYSIS} (in {path}) must be a text in quotes, got {shorten(named)}"
            )
        if named != cls.analysis:
            raise SettingsError(
                f"settings file {path} is for the analysis '{named}', not for "
                f"'{cls.analysis}'; give --analysis {named}, or another file"
            )
        return cls.from_mapping(values, source=str(path))

    def to_toml(self) -> str:
        """Return the settings as the text of a TOML file.

        Returns
        -------
        str
            Values that are None are left out.
        """
        return tomli_w.dumps(
            {ANALYSIS: self.analysis} | self.model_dump(mode="json", exclude_none=True)
        )

    def canonical(self) -> Self:
        """Return a copy in which the settings of the machine have their defaults.

        Results of a batch keep this copy, so that they don't depend on the machine and its number
        of threads.

        Returns
        -------
        AnalysisSettings
        """
        values, plain = self.model_dump(), type(self)().model_dump()
        for name in self.of_machine:
            *sections, field = name.split(".")
            target, source = (
                nested[sections[0]] if sections else nested for nested in (values, plain)
            )
            target[field] = source[field]
        return type(self).from_mapping(values)

    def named_files(self) -> dict[str, str]:
        """Return the files that are given in the settings.

        Returns
        -------
        dict of str to str
            File by the dotted name of its setting.
        """
        nested = self.model_dump()
        found = {}
        for name in self.naming_files:
            section, _, field = name.rpartition(".")
            value = (nested[section] if section else nested)[field]
            if value is not None:
                found[name] = str(value)
        return found

    def with_effect(self) -> dict[str, Any]:
        """Return the settings that can change a result.

        Returns
        -------
        dict
            Plain values, nested.
        """
        left_out: dict[str, Any] = {}
        for name in self.without_effect:
            section, _, field = name.rpartition(".")
            (left_out.setdefault(section, {}) if section else left_out)[field] = True
        return self.model_dump(mode="json", exclude=left_out)


def _names(model: type[Section]) -> list[str]:
    """Return the dotted names of all settings and sections of a model."""
    names = []
    for name, field in model.model_fields.items():
        names.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            names += [f"{name}.{part}" for part in field.annotation.model_fields]
    return names
