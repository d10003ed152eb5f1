"""What a comparison of two results says; the same for all analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One quantity in two results.

    Attributes
    ----------
    name : str
        With its unit, as "mean equivalent diameter (nm)".
    first, second : float
        NaN where a result has no such value.
    change : float
        Second minus first.
    low, high : float
        95 % interval of the change; NaN if unknown.
    effect_size : float
        Change over the common standard deviation (Hedges' g); NaN where it has none.
    clusters : tuple of int
        Cluster of the first and of the second result that the values are of; empty for all items.
    """

    name: str
    first: float
    second: float
    change: float
    low: float = float("nan")
    high: float = float("nan")
    effect_size: float = float("nan")
    clusters: tuple[int, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the change excludes 0; bool."""
        return self.low > 0 or self.high < 0

    @property
    def change_text(self) -> str:
        """The change with its sign; 0 where the first four digits of both values agree; str."""
        if abs(self.change) < 5e-5 * max(abs(self.first), abs(self.second)) or self.change == 0:
            return "0"
        return f"{self.change:+.3g}"

    @classmethod
    def of(cls, name: str, first: float, second: float) -> Difference:
        """Return the difference of two numbers without an interval.

        Parameters
        ----------
        name : str
        first, second : float

        Returns
        -------
        Difference
        """
        return cls(name, first, second, second - first)


@dataclass(frozen=True)
class ClusterMatch:
    """A cluster of the first result and the one of the second with the same items.

    Attributes
    ----------
    first, second : int
        Numbers of the clusters, from 1.
    n_first, n_second : int
        Their common items, of those that both results clustered.
    n_shared : int
        Items that are in both clusters.
    """

    first: int
    second: int
    n_first: int
    n_second: int
    n_shared: int


@dataclass(frozen=True)
class Agreement:
    """How two results group the items that both have.

    Attributes
    ----------
    items : str
        What was grouped, in the plural.
    matched_by : str
        How common items were found.
    n_common : int
        Items that both results grouped.
    n_only_first, n_only_second : int
        Items that only one result has, or has grouped.
    adjusted_rand : float
        1: the same groups; 0: by chance.
    matches : sequence of ClusterMatch
        One to one, so that matched clusters share the most items.
    counts : sequence of sequence of int
        Common items by cluster of the first (rows) and of the second (columns).
    """

    items: str
    matched_by: str
    n_common: int
    n_only_first: int
    n_only_second: int
    adjusted_rand: float
    matches: Sequence[ClusterMatch]
    counts: Sequence[Sequence[int]]

    @property
    def sentence(self) -> str:
        """The agreement in a sentence, without its full stop; str."""
        return (
            f"Labels of {self.n_common:,} common {self.items} agree with an adjusted Rand index of "
            f"{self.adjusted_rand:.2f}"
        )


@dataclass(frozen=True)
class Comparison:
    """Two results side by side.

    Attributes
    ----------
    sentence : str
        The most important difference, without a full stop.
    differences : sequence of Difference
    notes : sequence of str
        What the reader should know.
    agreement : Agreement or None
        None where items can't be the same, as those of two samples.
    """

    sentence: str
    differences: Sequence[Difference]
    notes: Sequence[str] = ()
    agreement: Agreement | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, None in place of NaN."""
        rows = [
            {k: None if v != v else v for k, v in asdict(each).items()} | {"clear": each.is_clear}
            for each in self.differences
        ]
        agreement = None if self.agreement is None else asdict(self.agreement)
        return {
            "sentence": self.sentence,
            "differences": rows,
            "notes": list(self.notes),
            "agreement": agreement,
        }


@dataclass(frozen=True)
class Changed:
    """A setting or version that differs between two results.

    Attributes
    ----------
    name : str
    first, second : object
        Plain values; None where a result has none.
    """

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class SideBySide:
    """Two results and all that differs between them.

    Attributes
    ----------
    analysis : str
        Name of their analysis.
    comparison : Comparison
    settings, versions : tuple of Changed
        Only what differs.
    digests : tuple of str
        Of the first and the second result; equal where data and settings are.
    names : tuple of str
        What the two results are called.
    """

    analysis: str
    comparison: Comparison
    settings: tuple[Changed, ...]
    versions: tuple[Changed, ...]
    digests: tuple[str, str]
    names: tuple[str, str] = field(default=("A", "B"))

    @property
    def is_identical(self) -> bool:
        """Whether both hold the same data and settings; bool."""
        return self.digests[0] == self.digests[1]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, None in place of NaN."""
        return {
            "analysis": self.analysis,
            "names": list(self.names),
            **self.comparison.to_dict(),
            "settings": [asdict(each) for each in self.settings],
            "versions": [asdict(each) for each in self.versions],
            "digests": list(self.digests),
            "identical": self.is_identical,
        }
