"""Readers of the optional extra ``spm``, imported only when such a file is read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError


def import_reader(module: str, package: str, path: Path) -> Any:
    """Import a module of the extra ``spm``.

    Parameters
    ----------
    module : str
    package : str
        Its name for pip.
    path : Path
        File that needs it.

    Returns
    -------
    module

    Raises
    ------
    CurvesError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise CurvesError(
            path,
            f"{path.suffix} files need the package {package}; install it with "
            "pip install 'umlpsd_gpu[spm]'",
        ) from error
