"""Analyses by name: built-in ones, and those of other packages.

Another package adds an analysis by the entry point group ``umlpsd_gpu.analyses``.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.errors import SettingsError

GROUP = "umlpsd_gpu.analyses"
DEFAULT = "blinking"
# name → module and object, which is imported when it is needed
BUILT_IN = {
    "blinking": ("umlpsd_gpu.analyses.blinking.analysis", "BLINKING"),
    "curves": ("umlpsd_gpu.analyses.curves.analysis", "CURVES"),
    "spectrum_images": ("umlpsd_gpu.analyses.spectrum_images.analysis", "SPECTRUM_IMAGES"),
    "micrographs": ("umlpsd_gpu.analyses.micrographs.analysis", "MICROGRAPHS"),
    "particles": ("umlpsd_gpu.analyses.particles.analysis", "PARTICLES"),
}


def analysis_names() -> list[str]:
    """Return the names of all installed analyses, built-in ones first.

    Returns
    -------
    list of str
    """
    return [*BUILT_IN, *sorted(set(_find_installed()) - set(BUILT_IN))]


@cache
def get_analysis(name: str) -> Analysis[Any, Any]:
    """Return an analysis by its name.

    Parameters
    ----------
    name : str

    Returns
    -------
    Analysis

    Raises
    ------
    SettingsError
        If there is no such analysis, or it can't be loaded.

    Examples
    --------
    >>> from umlpsd_gpu import get_analysis
    >>> get_analysis("blinking").inputs
    'movies'
    """
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name]
        found = getattr(import_module(module), attribute)
    elif name in _find_installed():
        found = _load(_find_installed()[name])
    else:
        near = get_close_matches(name, analysis_names(), n=1)
        raise SettingsError(
            f"there is no analysis '{name}'"
            + (f" (did you mean {near[0]}?)" if near else "")
            + f"; installed are {', '.join(analysis_names())}"
        )
    return _require_analysis(name, found)


def guess_analysis(names: Sequence[str]) -> Analysis[Any, Any]:
    """Return the analysis to which files certainly belong (`Analysis.claims`).

    Built-in analyses take precedence over those of other packages. Names without a known suffix,
    as folders and patterns, are inputs of the default analysis.

    Parameters
    ----------
    names : sequence of str
        Files, folders or patterns.

    Returns
    -------
    Analysis

    Raises
    ------
    SettingsError
        If they are inputs of several analyses.
    """
    if not names:
        return get_analysis(DEFAULT)
    for known in (list(BUILT_IN), sorted(_find_installed())):
        claiming = [name for name in known if all(map(get_analysis(name).claims, names))]
        if len(claiming) > 1:
            raise SettingsError(
                f"{', '.join(names)} can be inputs of the analyses {' or '.join(claiming)}; choose "
                "one with --analysis"
            )
        if claiming:
            return get_analysis(claiming[0])
    return get_analysis(DEFAULT)


@cache
def _find_installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # code of another package may raise anything
        raise SettingsError(
            f"the analysis '{entry.name}' ({entry.value}) can't be loaded "
            f"({type(error).__name__}: {error}); reinstall its package"
        ) from error


def _require_analysis(name: str, found: Any) -> Analysis[Any, Any]:
    if not isinstance(found, Analysis) or found.name != name:
        raise SettingsError(
            f"the analysis '{name}' is no object of a class derived from "
            "umlpsd_gpu.analyses.protocol.Analysis with that name; see docs/architecture.md"
        )
    return found
