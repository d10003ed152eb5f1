"""Compare two results of one analysis, with the settings and versions that differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from umlpsd_gpu.analyses.comparing.comparison import Changed, SideBySide
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.errors import SettingsError


def compare_results(
    first: Any, second: Any, names: tuple[str, str] = ("the first", "the second")
) -> SideBySide:
    """Compare two results.

    Parameters
    ----------
    first, second : Result
        Of the same analysis.
    names : tuple of str
        What they are called, as their folders.

    Returns
    -------
    SideBySide

    Raises
    ------
    SettingsError
        If they are of different analyses, or have no common items.

    Examples
    --------
    >>> from umlpsd_gpu import compare_results, run_study
    >>> from umlpsd_gpu.simulate.traces import simulate_traces
    >>> traces = simulate_traces({"PEB": 10, "PBB": 10}, n_frames=1000).traces
    >>> quick = {"k_max": 3, "n_epochs": 5, "n_resamples": 0, "n_surrogates": 0}
    >>> one, other = (run_study(traces, scales=[scale], **quick) for scale in ("W20", "W40"))
    >>> compared = compare_results(one, other)
    >>> [each.name for each in compared.settings], compared.is_identical
    (['preprocess.scales'], False)
    """
    if first.analysis != second.analysis:
        raise SettingsError(
            f"{names[0]} is a study of {first.analysis} and {names[1]} of {second.analysis}; give "
            "two of the same analysis"
        )
    analysis = get_analysis(first.analysis)
    settings = _flat(first.settings.with_effect()), _flat(second.settings.with_effect())
    return SideBySide(
        analysis=analysis.name,
        comparison=analysis.compare(first, second),
        settings=_changed(*settings),
        versions=_changed(first.versions, second.versions),
        digests=(digest_of_result(first, analysis), digest_of_result(second, analysis)),
        names=names,
    )


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Changed, ...]:
    return tuple(
        Changed(name, one.get(name), other.get(name))
        for name in sorted(set(one) | set(other))
        if one.get(name) != other.get(name)
    )


def _flat(values: Any, head: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {head: values}
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{head}.{name}" if head else str(name))
    return found
