"""Families of lines: all lines of one shell of an element, whose ratios are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from umlpsd_gpu.xrays.elements import symbol_of
from umlpsd_gpu.xrays.lines import Line, edge_kev, lines_of

_WEAKEST = 1e-3
_HIGHEST_OVERVOLTAGE_SHARE = 0.95  # of the beam: edges closer to it are hardly excited


@dataclass(frozen=True)
class Family:
    """The lines of one shell of an element.

    Attributes
    ----------
    z : int
    shell : {"K", "L", "M"}
    """

    z: int
    shell: str

    @property
    def symbol(self) -> str:
        """Symbol of the element."""
        return symbol_of(self.z)

    @property
    def label(self) -> str:
        """For example "Fe K"."""
        return f"{self.symbol} {self.shell}"

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that are strong enough to count."""
        return _lines_of_shell(self.z, self.shell)

    @property
    def main_line(self) -> Line:
        """The strongest line: Kα1, Lα1 or Mα."""
        return max(self.lines, key=lambda line: (line.level, line.weight))


@cache
def _lines_of_shell(z: int, shell: str) -> tuple[Line, ...]:
    lines = (line for line in lines_of(z) if line.shell == shell and line.weight > _WEAKEST)
    return tuple(lines)


def measurable_families(
    elements: Iterable[int], beam_kev: float, low_kev: float, high_kev: float
) -> tuple[Family, ...]:
    """Return the families of elements that a beam excites and whose main line is in a range.

    Parameters
    ----------
    elements : iterable of int
        Atomic numbers.
    beam_kev, low_kev, high_kev : float
    """
    candidates = (Family(z, shell) for z in elements for shell in "KLM")
    return tuple(
        family
        for family in candidates
        if family.lines
        and low_kev < family.main_line.energy_kev < high_kev
        and edge_kev(family.z, family.main_line.level) < _HIGHEST_OVERVOLTAGE_SHARE * beam_kev
    )
