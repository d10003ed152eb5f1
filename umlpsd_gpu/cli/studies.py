"""Load the study that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

StudyFolder = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Study folder.", show_default=False)
]


def load_study(folder: Path) -> Any:
    """Load the result of a study folder, whatever its analysis.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Result

    Raises
    ------
    UmlpsdError
        If the folder holds no study, or a damaged one.
    """
    from umlpsd_gpu.analyses.registry import DEFAULT, get_analysis
    from umlpsd_gpu.analyses.saving import load_result
    from umlpsd_gpu.storage.result_folder import read_summary

    summary = read_summary(folder)
    name = DEFAULT if summary is None else str(summary.get("analysis", DEFAULT))
    return load_result(folder, get_analysis(name).result_type())
