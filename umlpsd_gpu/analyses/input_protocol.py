"""The part of the protocol about inputs: finding, opening, describing and predicting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic

from umlpsd_gpu.analyses.batch_protocol import Source
from umlpsd_gpu.analyses.findings import Findings, find_by_suffix, ignore_count
from umlpsd_gpu.analyses.records import Description, Prediction


class InputProtocol(ABC, Generic[Source]):
    """What an analysis says of its inputs; a base of `umlpsd_gpu.analyses.protocol.Analysis`.

    Attributes
    ----------
    inputs : str
        Word for the inputs, in the plural.
    suffixes : tuple of str
        Suffixes of files that are certainly inputs of this analysis; lower case, with the dot.
    free_suffixes : tuple of str
        Those that other files have too, as a README.txt; such a file that can't be opened is none.
    prediction_holds_for : str
        Conditions of `predict`.
    """

    inputs: ClassVar[str] = "files"
    suffixes: ClassVar[tuple[str, ...]] = ()
    free_suffixes: ClassVar[tuple[str, ...]] = ()
    prediction_holds_for: ClassVar[str] = "default settings"

    def find(
        self,
        archive: str,
        settings: Any,
        is_skipped: Callable[[Path], bool],
        report: Callable[[int], None] = ignore_count,
    ) -> Findings:
        """Find the inputs of an archive; only headers are read.

        By default every file with one of `watched_suffixes` is an input.

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
            archive,
            self.watched_suffixes,
            lambda name: self.open([name], settings),
            is_skipped,
            report,
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
        """Suffixes of the files that a watch looks for first; tuple of str.

        Files with other suffixes are inputs where a folder has none of these.
        """
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
