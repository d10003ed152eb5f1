"""The part of the protocol for people who read a result: methods, single items, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic

from umlpsd_gpu.analyses.batch_protocol import Result
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.analyses.comparing.comparison import Comparison
    from umlpsd_gpu.analyses.items.item import Item
    from umlpsd_gpu.analyses.methods.methods import MethodsText
    from umlpsd_gpu.plotting.figures import FigurePlan
    from umlpsd_gpu.plotting.publication import Journal


class ReadingProtocol(Generic[Result]):
    """What readers ask of a result; a base of `umlpsd_gpu.analyses.protocol.Analysis`.

    Attributes
    ----------
    name : str
        Name of the analysis.
    """

    name: ClassVar[str]

    def methods(self, result: Result) -> MethodsText:
        """Return what was done, in sentences for a paper; by default program and seed.

        Parameters
        ----------
        result : Result

        Returns
        -------
        MethodsText
        """
        from umlpsd_gpu.analyses.methods.methods import MethodsText
        from umlpsd_gpu.analyses.methods.parts import software_sentence, version_of

        return MethodsText((software_sentence(result, "Data"),), version_of(result))

    def checks(self, result: Result) -> Sequence[str]:
        """Return what should be checked next, the most important first; by default nothing.

        Parameters
        ----------
        result : Result

        Returns
        -------
        sequence of str
            Sentences that say what to do, and why.
        """
        return ()

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

    def publication_figures(self, result: Result, journal: Journal) -> Sequence[FigurePlan]:
        """Return figures for a journal; by default those of the report, at its widths.

        Parameters
        ----------
        result : Result
        journal : Journal

        Returns
        -------
        sequence of FigurePlan
            Drawn within `umlpsd_gpu.plotting.publication.publication_style`.
        """
        from umlpsd_gpu.plotting.publication import of_journal

        return tuple(of_journal(plan, journal) for plan in self.figures(result))

    def item(self, result: Result, wanted: str) -> Item:
        """Return one item of a result, as a trace or a pixel.

        Parameters
        ----------
        result : Result
        wanted : str
            Its number from 0, its name, or row and column.

        Returns
        -------
        Item

        Raises
        ------
        SettingsError
            If there is no such item, or results of this analysis have none, as by default.
        """
        raise SettingsError(f"results of the analysis '{self.name}' have no single items to show")

    def compare(self, first: Result, second: Result) -> Comparison:
        """Compare two results of this analysis.

        Parameters
        ----------
        first, second : Result

        Returns
        -------
        Comparison

        Raises
        ------
        SettingsError
            If results of this analysis can't be compared, as by default.
        """
        raise SettingsError(
            f"results of the analysis '{self.name}' can't be compared; give two studies of one of "
            "the built-in analyses"
        )
