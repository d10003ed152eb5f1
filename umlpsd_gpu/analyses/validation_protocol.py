"""The part of the protocol by which a result is validated: simulate data like it, find it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from umlpsd_gpu.errors import SettingsError

Source = TypeVar("Source")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Quantity:
    """A quantity of known truth, as it was found in simulated data.

    Attributes
    ----------
    group, name : str
        As "component 1", and "In (at%)".
    truth : float
    found : float
        NaN where it was not found.
    error : float
        Standard error that the analysis states; NaN if it states none.
    """

    group: str
    name: str
    truth: float
    found: float
    error: float = float("nan")


@dataclass(frozen=True)
class Recovery:
    """What an analysis found in simulated data.

    Attributes
    ----------
    k_true : int
    k_found : int or None
        None where the analysis could not decide.
    probability : float
        That the number is right, as the analysis states.
    quantities : sequence of Quantity
        The same ones, in the same order, for all data that are like one result.
    """

    k_true: int
    k_found: int | None
    probability: float
    quantities: Sequence[Quantity]


class ValidationProtocol(Generic[Source, Result]):
    """What validations ask of an analysis; a base of `umlpsd_gpu.analyses.protocol.Analysis`.

    Attributes
    ----------
    name : str
        Name of the analysis.
    validation_caption : str
        What is simulated, and what the quantities are.
    """

    name: ClassVar[str]
    validation_caption: ClassVar[str] = ""

    def simulate_like(self, result: Result, seed: int) -> Source:
        """Simulate data for which a result is the truth.

        Parameters
        ----------
        result : Result
        seed : int

        Returns
        -------
        source
            What `run` takes.

        Raises
        ------
        SettingsError
            If results of this analysis can't be validated, as by default.
        """
        raise self._cannot_validate()

    def settings_like(self, result: Result) -> Any:
        """Return the settings with which data that are like a result are analysed.

        Parameters
        ----------
        result : Result

        Returns
        -------
        AnalysisSettings
            By default those of the result.
        """
        return result.settings  # type: ignore[attr-defined]

    def compare_with(self, truth: Result, found: Result) -> Recovery:
        """Compare what was found in simulated data with the truth.

        Parameters
        ----------
        truth : Result
            That of `simulate_like`.
        found : Result
            Of the simulated data.

        Returns
        -------
        Recovery

        Raises
        ------
        SettingsError
            If results of this analysis can't be validated, as by default.
        """
        raise self._cannot_validate()

    def _cannot_validate(self) -> SettingsError:
        return SettingsError(
            f"results of the analysis '{self.name}' can't be validated yet; give a study of "
            "blinking, spectrum_images or micrographs with --like"
        )
