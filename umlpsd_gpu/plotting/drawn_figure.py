"""Finished figures and their files; needs no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DrawnFigure:
    """A finished figure.

    Attributes
    ----------
    name : str
        File name without extension.
    title, caption : str
    png, svg : bytes
        Contents of the files.
    figure : Figure or None
        The matplotlib figure, laid out, where it was asked for.
    """

    name: str
    title: str
    caption: str
    png: bytes
    svg: bytes
    figure: Figure | None = field(default=None, compare=False, repr=False)


def write_figures(figures: Sequence[DrawnFigure], folder: Path) -> None:
    """Write figures as PNG and SVG.

    Parameters
    ----------
    figures : sequence of DrawnFigure
    folder : Path
        They are written into its subfolder ``figures``, which must not exist.
    """
    (folder / "figures").mkdir()
    for figure in figures:
        (folder / f"figures/{figure.name}.png").write_bytes(figure.png)
        (folder / f"figures/{figure.name}.svg").write_bytes(figure.svg)
