"""The unit in the heading of a time column; one that is not known is never taken for seconds."""

from __future__ import annotations

import re
from pathlib import Path

from umlpsd_gpu.errors import TracesError

_PREFIXES = {
    ("f", "femto"): 1e-15,
    ("p", "pico"): 1e-12,
    ("n", "nano"): 1e-9,
    ("u", "µ", "micro", "mu", "mikro"): 1e-6,  # the Greek letter is read as the micro sign
    ("m", "milli"): 1e-3,
    ("",): 1.0,
}
_SECONDS: tuple[str, ...] = (
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "sek",
    "sekunde",
    "sekunden",
    "seconde",
)
_SECONDS += ("secondes", "segundo", "segundos", "secondi", "secondo")
UNITS_S = {
    f"{prefix}{word}": factor
    for prefixes, factor in _PREFIXES.items()
    for prefix in prefixes
    for word in _SECONDS
}
UNITS_S |= dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "minutos"), 60.0)
UNITS_S |= dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "stunde", "stunden"), 3600.0)
UNITS_S |= dict.fromkeys(("d", "day", "days", "tag", "tage"), 86400.0)
# Units of intensity and position, in a row of units
OTHER_UNITS = frozenset(
    ("counts", "count", "cts", "cps", "kcps", "mcps", "hz", "khz", "mhz", "a.u.", "au", "arb. u.")
    + ("arb. units", "arb.u.", "adu", "photons", "photon", "ph", "e-", "dn", "gv", "v", "mv", "a")
    + ("counts/s", "kcounts/s", "counts/bin", "counts/frame", "px", "pixel", "um", "nm", "1", "-")
    + ("%", "frames", "frame", "w/m2", "na", "pa", "units", "a. u.", "int.", "intensity", "–")
)
# Words after 'time' that say nothing about its unit
_NEUTRAL = frozenset(
    ("axis", "stamp", "stamps", "elapsed", "relative", "rel", "abs", "absolute", "total", "from")
    + ("start", "since", "first", "of", "the", "acquisition", "exposure", "lab")
    + ("real", "measured", "begin", "beginning", "vector", "array", "col", "column", "x", "a", "b")
    + ("trace", "and", "movie", "delta", "t", "time", "times")
)


def is_unit(text: str) -> bool:
    """Return whether a text is a unit that may be in a row of units.

    Parameters
    ----------
    text : str
    """
    return _known_s(text) is not None or text.strip().lower() in OTHER_UNITS


def read_time_unit_s(heading: str, path: Path, unit_below: str = "") -> float:
    """Return the seconds in one unit of a time column.

    Parameters
    ----------
    heading : str
        ``Time (ms)``, ``t / µs``, ``time_ms``, ``Time in min``, ``Time, s``; without a unit it is
        in seconds.
    path : Path
        For messages.
    unit_below : str
        Unit from a row of units, or empty.

    Returns
    -------
    float

    Raises
    ------
    TracesError
        If the heading names a unit that is not known, or two of them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from umlpsd_gpu.traces.time_units import read_time_unit_s
    >>> read_time_unit_s("Elapsed time [ms]", Path("a.csv"))
    0.001
    """
    tokens, unknown = _find_tokens(heading), []
    if unit_below.strip(" ()[]"):
        tokens.append((unit_below.strip(" ()[]"), True))
    known: dict[float, str] = {}
    for token, is_certain in tokens:
        seconds = _known_s(token)
        if seconds is not None:
            known.setdefault(seconds, token)
        elif is_certain and not _is_neutral(token):
            unknown.append(token)
    if len(known) > 1:
        raise TracesError(
            f"{path}: the heading '{heading}' names the units {' and '.join(known.values())}; "
            "keep one, or give the frame interval in seconds with --dt-s (dt_s=… in Python)"
        )
    if unknown and not known:
        raise TracesError(
            f"{path}: the unit '{unknown[0]}' of the heading '{heading}' is not a known unit of "
            "time (s, ms, µs, ns, min, h, …); write the unit, or give the frame interval in "
            "seconds with --dt-s (dt_s=… in Python)"
        )
    return next(iter(known), 1.0)


def _find_tokens(heading: str) -> list[tuple[str, bool]]:
    """Return the texts of a heading that may be units, and whether nothing else is expected."""
    text = heading.strip()
    tokens = [(token, True) for token in re.findall(r"[(\[{]([^)\]}]*)[)\]}]?", text)]
    rest = re.sub(r"[(\[{][^)\]}]*[)\]}]?", " ", text).strip()
    slash = re.split(r"\s*[/,;:]\s*|\s+in\s+", rest)
    tokens += [(token, True) for token in slash[1:] if token]
    several = re.search(r"(?<![a-z\d])\d[\d.]*[\s_]*([a-zµμ]+)$", slash[0], re.IGNORECASE)
    if several and _known_s(several[1]) is not None:
        return [*tokens, (several[0], True)]  # 'time_10_ms' counts steps of 10 ms
    words = re.split(r"[_\s.-]+", slash[0])
    tokens += [(word, "_" in slash[0]) for word in words[1:] if word]
    whole = re.fullmatch(r"(?:time|t|times)?(.+)", slash[0], re.IGNORECASE)
    if whole and len(words) == 1:
        # 'ms', 'seconds', 'timeMs'
        tokens.append((whole[1], False))
    return tokens


def _known_s(token: str) -> float | None:
    text = token.strip().lower().replace("μ", "µ").replace("\\mu", "µ").replace("$", "")
    text = re.sub(r"(?<=[a-zµ])[.\d]+$", "", text.removesuffix("."))
    return UNITS_S.get(text)


def _is_neutral(token: str) -> bool:
    words = [word for word in re.split(r"[\s_.,;-]+", token.strip().lower()) if word]
    return all(word in _NEUTRAL or word.isdigit() for word in words)
