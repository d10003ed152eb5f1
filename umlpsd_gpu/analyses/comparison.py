"""What a comparison of two results says; the same for all analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    """

    name: str
    first: float
    second: float
    change: float
    low: float
    high: float
    effect_size: float = float("nan")

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the change excludes 0; bool."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """Two results side by side.

    Attributes
    ----------
    sentence : str
        The most important difference.
    differences : sequence of Difference
    notes : sequence of str
        What the reader should know, as settings that differ.
    """

    sentence: str
    differences: Sequence[Difference]
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, None in place of NaN."""
        rows = [
            {k: None if v != v else v for k, v in asdict(each).items()} | {"clear": each.is_clear}
            for each in self.differences
        ]
        return {"sentence": self.sentence, "differences": rows, "notes": list(self.notes)}


def changed_settings(first: Any, second: Any) -> list[str]:
    """Return a note for every setting that differs between two results.

    Parameters
    ----------
    first, second : AnalysisSettings

    Returns
    -------
    list of str
    """
    one, other = _flat(first.with_effect()), _flat(second.with_effect())
    return [
        f"{name} is {one.get(name)} in the first and {other.get(name)} in the second."
        for name in sorted(set(one) | set(other))
        if one.get(name) != other.get(name)
    ]


def _flat(values: Any, head: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {head: values}
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{head}.{name}" if head else str(name))
    return found
