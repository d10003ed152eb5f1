"""Analyses by name: our own, and other people's by the entry point ``umlpsd_gpu.analyses``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.errors import SettingsError

GROUP = "umlpsd_gpu.analyses"
DEFAULT = "blinking"
# name → module and object; each is imported when it is asked for
BUILT_IN = {"blinking": ("umlpsd_gpu.analyses.blinking.analysis", "BLINKING")}


def analysis_names() -> list[str]:
    """Return the names of all analyses that are installed, our own first."""
    return [*BUILT_IN, *sorted(set(_others()) - set(BUILT_IN))]


@cache
def get_analysis(name: str) -> Analysis[Any, Any]:
    """Return the analysis of that name.

    Raises
    ------
    SettingsError
        If there is none, or an installed one can't be loaded.
    """
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name]
        found = getattr(import_module(module), attribute)
    elif name in _others():
        found = _load(_others()[name])
    else:
        raise SettingsError(
            f"there is no analysis '{name}'; installed are {', '.join(analysis_names())}"
        )
    return _require_analysis(name, found)


def guess_analysis(names: Sequence[str]) -> Analysis[Any, Any]:
    """Return the analysis that files certainly belong to, by their suffixes.

    Our own analyses are asked first, then those of other packages. Names without a known suffix,
    as folders and patterns, are inputs of the default analysis.

    Raises
    ------
    SettingsError
        If several analyses claim them.
    """
    suffixes = {Path(name).suffix.lower() for name in names}
    for known in (list(BUILT_IN), sorted(_others())):
        claiming = [name for name in known if suffixes <= set(get_analysis(name).suffixes)]
        if len(claiming) > 1:
            raise SettingsError(
                f"{', '.join(names)} may belong to the analyses {' or '.join(claiming)}; say which "
                "by --analysis"
            )
        if claiming:
            return get_analysis(claiming[0])
    return get_analysis(DEFAULT)


@cache
def _others() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # other people's code may raise anything
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
