"""What an analysis is: from names of files to a result, its tables, figures and page.

Command line, batches, watching a folder, saving and reports know this protocol only. An analysis is
one object of a class derived from `Analysis`; `umlpsd_gpu.analyses.registry` finds it by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from umlpsd_gpu.analyses.findings import Findings, find_by_suffix
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.settings import AnalysisSettings

if TYPE_CHECKING:
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.storage.field import FieldTable

Source = TypeVar("Source")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Prediction:
    """What analysing one input takes at default settings.

    Attributes
    ----------
    memory_mb, duration_s : float
    """

    memory_mb: float
    duration_s: float


@dataclass(frozen=True)
class Description:
    """What an input is, by its headers.

    Attributes
    ----------
    verdict : str
        ``"whole"``, or one word for what is wrong.
    reason : str
        What is wrong; empty for a whole input.
    size : str
        In a few words, as "1000 frames".
    rows : tuple of (str, str)
        More facts for a person: name and text.
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
        """Say whether nothing is wrong."""
        return self.verdict == "whole"


@dataclass(frozen=True)
class Column:
    """A column of the table of a batch, for inputs that have a result.

    Attributes
    ----------
    name : str
        In movies.csv.
    value : callable
        Takes an input's facts (see `Description`) and the result's summary; returns a plain value.
    heading : str
        On the page; empty: only in movies.csv.
    show : callable or None
        Takes the same and returns text or `Markup` for the page; None: the value itself.
    """

    name: str
    value: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
    heading: str = ""
    show: Callable[[Mapping[str, Any], Mapping[str, Any]], str] | None = None


@dataclass(frozen=True)
class BatchRow:
    """What figures of a batch may show of an input that has a result.

    Attributes
    ----------
    name : str
    summary : dict
        Of its result.
    seconds : float or None
        That it took.
    """

    name: str
    summary: dict[str, Any]
    seconds: float | None


@dataclass(frozen=True)
class StoredResult:
    """A result of a batch, as far as its name and folder tell.

    Attributes
    ----------
    name : str
        Of the input within the archive.
    folder : Path
        Its result folder.
    """

    name: str
    folder: Path


class Analysis(ABC, Generic[Source, Result]):
    """One kind of analysis.

    Attributes
    ----------
    name : str
        In ``--analysis``, TOML files and summary.json; lower case.
    title : str
        On pages.
    inputs, items : str
        What the inputs are called, and what is clustered, in the plural.
    suffixes : tuple of str
        Of files that are certainly inputs of this analysis; lower case, with the dot.
    settings : type of AnalysisSettings
    options : tuple of (str, str)
        Settings that have an option of their own on the command line, and the option's flags.
    preload : tuple of str
        Modules that a process needs for an input: imported once for all of them.
    prediction_holds_for : str
        What `predict` takes for granted.
    batch_caption : str
        What the columns of a batch's table mean.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    inputs: ClassVar[str] = "files"
    items: ClassVar[str] = "curves"
    suffixes: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[type[AnalysisSettings]]
    options: ClassVar[tuple[tuple[str, str], ...]] = ()
    preload: ClassVar[tuple[str, ...]] = ()
    prediction_holds_for: ClassVar[str] = "default settings"
    batch_caption: ClassVar[str] = ""

    @property
    @abstractmethod
    def fields(self) -> FieldTable:
        """Return what its HDF5 file holds and its digest covers."""

    # --- inputs

    def find(
        self,
        archive: str,
        settings: Any,
        is_skipped: Callable[[Path], bool],
        tell: Callable[[int], None] = lambda n_found: None,
    ) -> Findings:
        """Find the inputs of an archive; headers are read, nothing else.

        By default every file with one of the suffixes is an input. For the parameters see
        `umlpsd_gpu.analyses.findings.find_by_suffix`.
        """
        return find_by_suffix(
            archive, self.suffixes, lambda name: self.open([name], settings), is_skipped, tell
        )

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Return the suffixes of files that `find` looks for in folders."""
        return self.suffixes

    def is_part(self, reason: str) -> bool:
        """Say whether `find` left a file out, for that reason, since it is a part of a folder."""
        return False

    @abstractmethod
    def open(self, names: Sequence[str], settings: Any) -> Source:
        """Open inputs by their headers, and refuse early what can't be analysed.

        Parameters
        ----------
        names : sequence of str
            Files, folders or patterns.
        settings : AnalysisSettings

        Raises
        ------
        UmlpsdError
            With one sentence: what came, what is allowed, what to change.
        """

    def leniently(self, settings: Any) -> Any:
        """Return settings by which `open` opens inputs that are damaged too, to look at them."""
        return settings

    def accepts(self, description: Description, settings: Any) -> bool:
        """Say whether an input can be analysed with these settings."""
        return description.is_whole

    def warnings_on(self, facts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Say what will fail of many inputs, by the facts of their descriptions."""
        return []

    @abstractmethod
    def files_of(self, source: Source) -> tuple[Path, ...]:
        """Return all files that a source is read from, in order."""

    @abstractmethod
    def describe(self, source: Source) -> Description:
        """Say what an input is, by its headers."""

    @abstractmethod
    def predict(self, source: Source, with_report: bool = True) -> Prediction:
        """Predict what the analysis of an input takes."""

    # --- work

    @abstractmethod
    def run(self, source: Source, settings: Any, context: Context) -> Result:
        """Analyse an input.

        Parameters
        ----------
        source
            From `open`.
        settings : AnalysisSettings
        context : Context
        """

    def device_of(self, settings: Any) -> Literal["cpu", "gpu"]:
        """Return the device that these settings run on here.

        Raises
        ------
        DeviceError, SettingsError
            If the device asked for is not there, or the engine doesn't run on it.
        """
        from umlpsd_gpu.clustering.device import device_of

        return device_of(settings)

    # --- results

    @abstractmethod
    def result_type(self) -> Callable[..., Result]:
        """Return the class of results, which load from a folder."""

    @abstractmethod
    def summary(self, result: Result) -> dict[str, Any]:
        """Return what summary.json says of a result: plain values, None in place of NaN.

        An analysis that decides a number of clusters says ``k_opt``, ``confidence`` and ``reason``.
        """

    def write_tables(self, result: Result, folder: Path) -> None:
        """Write tables and images beside study.h5 into a folder that is there."""

    def figures(self, result: Result) -> Sequence[FigurePlan]:
        """Return the figures of a result, in the order of its page."""
        return ()

    @abstractmethod
    def page(self, result: Result) -> Page:
        """Return what the report says: headline, sentences and tables; the shell is shared."""

    def answer(self, result: Result) -> Iterable[Any]:
        """Yield what a terminal shows of a result: texts, or tables of rich."""
        page = self.page(result)
        yield f"{page.headline}. {page.reason}"

    # --- batches

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns that the table of a batch has for this analysis."""
        return (
            Column("k_opt", _of_summary("k_opt"), "K"),
            Column("confidence", _of_summary("confidence"), "Confidence"),
        )

    def batch_figures(self, rows: Sequence[BatchRow]) -> Sequence[FigurePlan]:
        """Return the figures of a batch; each is drawn with these rows."""
        return ()

    def open_pooled(self, parts: Sequence[StoredResult], settings: Any) -> Source:
        """Make one source of the results of a batch.

        Raises
        ------
        SettingsError
            If results of this analysis can't be pooled.
        """
        raise SettingsError(
            f"results of the analysis '{self.name}' can't be pooled; analyse their files in one run"
        )

    def pooled_size(self, parts: Sequence[StoredResult], settings: Any) -> tuple[int, float]:
        """Return the number of curves of pooled results, and the MB of their largest matrix."""
        raise SettingsError(
            f"results of the analysis '{self.name}' can't be pooled; analyse their files in one run"
        )

    def write_pooled_tables(self, result: Result, folder: Path) -> None:
        """Write what a pooled result says of each input."""


def _of_summary(name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Any]:
    return lambda facts, summary: summary.get(name)
