"""The protocol of an analysis: from names of files to a result, its tables, figures and page.

The command line, batches, `umlpsd watch`, saving and reports only use this protocol. An analysis is
one object of a class derived from `Analysis`; `umlpsd_gpu.analyses.registry` finds it by its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from umlpsd_gpu.analyses.batch_protocol import BatchProtocol, Result, Source
from umlpsd_gpu.analyses.findings import Findings, find_by_suffix, ignore_count
from umlpsd_gpu.analyses.records import BatchRow, Column, Description, Prediction, StoredResult
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.settings import AnalysisSettings

if TYPE_CHECKING:
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.storage.field import FieldTable

__all__ = ["Analysis", "BatchRow", "Column", "Description", "Prediction", "StoredResult"]


class Analysis(BatchProtocol[Source, Result], ABC):
    """One kind of analysis.

    Attributes
    ----------
    name : str
        Name in ``--analysis``, TOML files and summary.json; lower case.
    title : str
        Name on pages.
    inputs, items : str
        Words for the inputs and for what is clustered, in the plural.
    suffixes : tuple of str
        Suffixes of files that are certainly inputs of this analysis; lower case, with the dot.
    settings : type of AnalysisSettings
    options : tuple of (str, str)
        Settings that have their own option on the command line, with the flags of the option.
    preload : tuple of str
        Modules that every analysis of an input needs; a worker imports them once.
    prediction_holds_for : str
        Conditions of `predict`.
    batch_caption : str
        Explanation of the columns in the table of a batch.
    """

    title: ClassVar[str]
    inputs: ClassVar[str] = "files"
    items: ClassVar[str] = "curves"
    suffixes: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[type[AnalysisSettings]]
    options: ClassVar[tuple[tuple[str, str], ...]] = ()
    preload: ClassVar[tuple[str, ...]] = ()
    prediction_holds_for: ClassVar[str] = "default settings"

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
        report: Callable[[int], None] = ignore_count,
    ) -> Findings:
        """Find the inputs of an archive; only headers are read.

        By default every file with one of the suffixes is an input.

        Parameters
        ----------
        archive : str
            A folder, which is searched with its subfolders; a pattern; or a file.
        settings : AnalysisSettings
        is_skipped : callable
            Takes a folder (Path); returns whether it is left out of the search.
        report : callable, optional
            Called with the number of inputs found so far.

        Returns
        -------
        Findings

        Raises
        ------
        SettingsError
            If there is no such file or folder.
        """
        return find_by_suffix(
            archive, self.suffixes, lambda name: self.open([name], settings), is_skipped, report
        )

    def claims(self, name: str) -> bool:
        """Return whether a file certainly is an input of this analysis.

        By default its suffix decides. An analysis whose files share a suffix with those of another
        looks into the file.

        Parameters
        ----------
        name : str
            File, folder or pattern.
        """
        return Path(name).suffix.lower() in self.suffixes

    @property
    def watched_suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files that `find` looks for in folders; tuple of str."""
        return self.suffixes

    def is_part(self, reason: str) -> bool:
        """Return whether a file was left out because it is a part of an input that is a folder.

        Parameters
        ----------
        reason : str
            Why `find` left it out.

        Returns
        -------
        bool
        """
        return False

    @abstractmethod
    def open(self, names: Sequence[str], settings: Any) -> Source:
        """Open inputs by their headers; refuse early what can't be analysed.

        Parameters
        ----------
        names : sequence of str
            Files, folders or patterns.
        settings : AnalysisSettings

        Returns
        -------
        source
            What `run` takes.

        Raises
        ------
        UmlpsdError
            In one sentence: what was given, what is allowed, what to change.
        """

    def accept_damage(self, settings: Any) -> Any:
        """Return settings with which `open` also opens damaged inputs, to describe them.

        Parameters
        ----------
        settings : AnalysisSettings

        Returns
        -------
        AnalysisSettings
            By default the same.
        """
        return settings

    def accepts(self, description: Description, settings: Any) -> bool:
        """Return whether an input can be analysed with these settings.

        Parameters
        ----------
        description : Description
        settings : AnalysisSettings

        Returns
        -------
        bool
            By default, whether the input is whole.
        """
        return description.is_whole

    def list_warnings(self, facts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return warnings about many inputs before they are analysed.

        Parameters
        ----------
        facts : sequence of mapping
            Facts of their descriptions.

        Returns
        -------
        list of str
            Sentences; by default none.
        """
        return []

    @abstractmethod
    def files_of(self, source: Source) -> tuple[Path, ...]:
        """Return all files of a source, in the order in which they are read.

        Parameters
        ----------
        source
            From `open`.

        Returns
        -------
        tuple of Path
        """

    @abstractmethod
    def describe(self, source: Source) -> Description:
        """Describe an input from its headers.

        Parameters
        ----------
        source
            From `open`.

        Returns
        -------
        Description
        """

    @abstractmethod
    def predict(self, source: Source, with_report: bool = True) -> Prediction:
        """Predict the memory and time that the analysis of an input needs.

        Parameters
        ----------
        source
            From `open`.
        with_report : bool
            Whether figures and report are drawn.

        Returns
        -------
        Prediction
        """

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
            Device, progress, clock, and who runs the jobs of the clustering.

        Returns
        -------
        Result

        Raises
        ------
        UmlpsdError
            If the input can't be analysed with these settings.
        """

    def device_of(self, settings: Any) -> Literal["cpu", "gpu"]:
        """Return the device on which an analysis with these settings runs on this machine.

        Parameters
        ----------
        settings : AnalysisSettings

        Returns
        -------
        {"cpu", "gpu"}

        Raises
        ------
        DeviceError
            If the chosen device is missing.
        SettingsError
            If the engine doesn't run on the device.
        """
        from umlpsd_gpu.clustering.device import device_of

        return device_of(settings)

    # --- results

    @abstractmethod
    def result_type(self) -> Callable[..., Result]:
        """Return the class of the results.

        Returns
        -------
        type of Result
        """

    @abstractmethod
    def summary(self, result: Result) -> dict[str, Any]:
        """Return the content of summary.json: plain values, None in place of NaN.

        Parameters
        ----------
        result : Result

        Returns
        -------
        dict
            With ``k_opt``, ``confidence`` and ``reason`` if the analysis decides a number of
            clusters.
        """

    def write_tables(self, result: Result, folder: Path) -> None:
        """Write tables and images in addition to study.h5; by default none.

        Parameters
        ----------
        result : Result
        folder : Path
            An existing folder.
        """

    def figures(self, result: Result) -> Sequence[FigurePlan]:
        """Return the figures of a result, in the order of its page; by default none.

        Parameters
        ----------
        result : Result

        Returns
        -------
        sequence of FigurePlan
        """
        return ()

    @abstractmethod
    def page(self, result: Result) -> Page:
        """Return headline, sentences and tables of the report; the rest of the page is shared.

        Parameters
        ----------
        result : Result

        Returns
        -------
        Page
        """

    def answer(self, result: Result) -> Iterable[Any]:
        """Yield what the terminal shows of a result; by default headline and reason of the page.

        Parameters
        ----------
        result : Result

        Yields
        ------
        str or rich.table.Table
        """
        page = self.page(result)
        yield f"{page.headline}. {page.reason}"
