"""Records of the protocol: what an analysis returns about inputs, and what a batch gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """Memory and time that the analysis of one input needs at default settings.

    Attributes
    ----------
    memory_mb : float
        In MB.
    duration_s : float
        In seconds.
    """

    memory_mb: float
    duration_s: float


@dataclass(frozen=True)
class Description:
    """Description of an input, from its headers.

    Attributes
    ----------
    verdict : str
        ``"whole"``, or one word for the damage.
    reason : str
        What is wrong; empty for a whole input.
    size : str
        In a few words, as "1000 frames".
    rows : tuple of (str, str)
        More facts for the user: name and text.
    facts : dict
        Plain values that a batch keeps in its manifest.
    """

    verdict: str
    reason: str
    size: str
    rows: tuple[tuple[str, str], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the input is complete and undamaged; bool."""
        return self.verdict == "whole"


@dataclass(frozen=True)
class Column:
    """A column in the table of a batch, for inputs that have a result.

    Attributes
    ----------
    name : str
        Name in movies.csv.
    value : callable
        Takes the facts of an input (see `Description`) and the summary of its result; returns a
        plain value.
    heading : str
        Heading on the page; empty for a column that is only in movies.csv.
    show : callable or None
        Takes the same as ``value``; returns text or `Markup` for the page. None: ``value`` is used.
    least_spread : float or None
        Given: the page shows the distribution of this number and lists studies far from it. It is
        the smallest standard deviation to count with, in the unit of the value.
    """

    name: str
    value: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
    heading: str = ""
    show: Callable[[Mapping[str, Any], Mapping[str, Any]], str] | None = None
    least_spread: float | None = None


@dataclass(frozen=True)
class BatchRow:
    """An input with a result, for the figures of a batch.

    Attributes
    ----------
    name : str
    summary : dict
        Summary of its result.
    seconds : float or None
        Duration of the analysis, if known.
    """

    name: str
    summary: dict[str, Any]
    seconds: float | None


@dataclass(frozen=True)
class StoredResult:
    """A result of a batch that is not loaded.

    Attributes
    ----------
    name : str
        Name of the input within the archive.
    folder : Path
        Its result folder.
    """

    name: str
    folder: Path
