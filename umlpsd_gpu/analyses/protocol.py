"""The protocol of an analysis: from names of files to a result, its tables, figures and page.

The command line, batches, `umlpsd watch`, saving and reports only use this protocol. An analysis is
one object of a class derived from `Analysis`; `umlpsd_gpu.analyses.registry` finds it by its name.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from umlpsd_gpu.analyses.batch_protocol import BatchProtocol, Result, Source
from umlpsd_gpu.analyses.input_protocol import InputProtocol
from umlpsd_gpu.analyses.reading_protocol import ReadingProtocol
from umlpsd_gpu.analyses.records import BatchRow, Column, Description, Prediction, StoredResult
from umlpsd_gpu.analyses.validation_protocol import ValidationProtocol
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.settings import AnalysisSettings

if TYPE_CHECKING:
    from umlpsd_gpu.explorer.parts import Explorer
    from umlpsd_gpu.exports.contents import Contents
    from umlpsd_gpu.plotting.page_parts import Page
    from umlpsd_gpu.plotting.style import DrawnFigure
    from umlpsd_gpu.storage.field import FieldTable

__all__ = ["Analysis", "BatchRow", "Column", "Description", "Prediction", "StoredResult"]


class Analysis(
    InputProtocol[Source],
    BatchProtocol[Source, Result],
    ReadingProtocol[Result],
    ValidationProtocol[Source, Result],
):
    """One kind of analysis.

    Attributes
    ----------
    name : str
        Name in ``--analysis``, TOML files and summary.json; lower case.
    title : str
        Name on pages.
    items : str
        Word for what is clustered, in the plural.
    settings : type of AnalysisSettings
    options : tuple of (str, str)
        Settings that have their own option on the command line, with the flags of the option.
    preload : tuple of str
        Modules that every analysis of an input needs; a worker imports them once.
    batch_caption : str
        Explanation of the columns in the table of a batch.
    """

    title: ClassVar[str]
    items: ClassVar[str] = "curves"
    settings: ClassVar[type[AnalysisSettings]]
    options: ClassVar[tuple[tuple[str, str], ...]] = ()
    preload: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def fields(self) -> FieldTable:
        """Return what its HDF5 file holds and its digest covers."""

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

    def contents(self, result: Result) -> Contents:
        """Return tables, curves, images and places for other programs; by default none.

        Parameters
        ----------
        result : Result

        Returns
        -------
        Contents
        """
        from umlpsd_gpu.exports.contents import Contents

        return Contents("study", self.name)

    def write_documents(self, result: Result, figures: Sequence[DrawnFigure], folder: Path) -> None:
        """Write reports in addition to report.html, from figures that are drawn; by default none.

        Parameters
        ----------
        result : Result
        figures : sequence of DrawnFigure
            Those of `figures`, in their order.
        folder : Path
            An existing folder.
        """

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

    def explore(self, result: Result) -> Explorer | None:
        """Return what can be clicked in the report; by default nothing.

        Parameters
        ----------
        result : Result

        Returns
        -------
        Explorer or None
            Images, items with their values and curves, and saved labels.
        """
        return None

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
