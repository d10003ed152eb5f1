"""The part of the protocol that batches use: their table and figures, and pooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from umlpsd_gpu.analyses.records import BatchRow, Column, StoredResult
from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.plotting.figures import FigurePlan

# Where most studies agree on K, those that differ by two or more stand out
K_SPREAD = 0.5
Source = TypeVar("Source")
Result = TypeVar("Result")


class BatchProtocol(Generic[Source, Result]):
    """What batches ask of an analysis; the base of `umlpsd_gpu.analyses.protocol.Analysis`.

    Attributes
    ----------
    name : str
        Name of the analysis.
    batch_caption : str
        Explanation of the columns in the table of a batch.
    """

    name: ClassVar[str]
    batch_caption: ClassVar[str] = ""

    def batch_columns(self) -> Sequence[Column]:
        """Return the columns of this analysis in the table of a batch.

        Returns
        -------
        sequence of Column
            By default K and its confidence.
        """
        return (
            Column("k_opt", read_from_summary("k_opt"), "K", None, K_SPREAD),
            Column("confidence", read_from_summary("confidence"), "Confidence"),
        )

    def batch_figures(self, rows: Sequence[BatchRow]) -> Sequence[FigurePlan]:
        """Return the figures of a batch; by default none.

        Parameters
        ----------
        rows : sequence of BatchRow
            Every figure is drawn from these rows.

        Returns
        -------
        sequence of FigurePlan
        """
        return ()

    def open_pooled(self, parts: Sequence[StoredResult], settings: Any) -> Source:
        """Combine the results of a batch into one source.

        Parameters
        ----------
        parts : sequence of StoredResult
        settings : AnalysisSettings

        Returns
        -------
        source
            What `run` takes.

        Raises
        ------
        SettingsError
            If results of this analysis can't be pooled, as by default.
        """
        raise self._cannot_pool()

    def pooled_size(self, parts: Sequence[StoredResult], settings: Any) -> tuple[int, float]:
        """Return the size of pooled results.

        Parameters
        ----------
        parts : sequence of StoredResult
        settings : AnalysisSettings

        Returns
        -------
        n_items : int
        matrix_mb : float
            Size of the largest matrix that is clustered, in MB.

        Raises
        ------
        SettingsError
            If results of this analysis can't be pooled, as by default.
        """
        raise self._cannot_pool()

    def write_pooled_tables(self, result: Result, folder: Path) -> None:
        """Write the tables of a pooled result by input; by default none.

        Parameters
        ----------
        result : Result
        folder : Path
            An existing folder.
        """

    def _cannot_pool(self) -> SettingsError:
        return SettingsError(
            f"results of the analysis '{self.name}' can't be pooled; analyse their files in one run"
        )


def read_from_summary(name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Any]:
    """Return the value of a `Column` that is an entry of a result's summary.

    Parameters
    ----------
    name : str
        Name of the entry; the value is None where a summary lacks it.

    Returns
    -------
    callable
        Takes the facts of an input and the summary of its result.
    """
    return lambda facts, summary: summary.get(name)
