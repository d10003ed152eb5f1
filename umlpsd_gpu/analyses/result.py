"""What every result has, whichever analysis made it: settings, notes, timings, and two verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from umlpsd_gpu.analyses.saving import load_result, save_result


class Result:
    """Base of the results of analyses, which are frozen dataclasses.

    Attributes
    ----------
    analysis : str
        Name of the analysis that made it.
    settings : AnalysisSettings
        As they ran, defaults filled in.
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall seconds by step.
    device : str
    versions : dict of str to str
    """

    analysis: ClassVar[str]
    settings: Any
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the data files of a result folder; it is complete, or as it was before.

        Parameters
        ----------
        folder : path
            Missing, empty, or with ``overwrite`` a result folder, replaced in one step.
        overwrite : bool

        Returns
        -------
        Path
            The folder, absolute.

        Raises
        ------
        OutputError
            If the folder is not ours to write or replace, or the disk is full.
        """
        return save_result(self, folder, overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a result folder.

        Parameters
        ----------
        folder : path

        Raises
        ------
        UmlpsdError
            If the folder holds no such result, or one that is damaged.
        """
        result: Self = load_result(folder, cls)
        return result
