"""Units of time and length in metadata: one table for every program."""

from __future__ import annotations

import unicodedata

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisec", "millisecs"), 1e-3),
    **dict.fromkeys(("millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("μs", "us", "μsec", "usec", "μsecs", "usecs"), 1e-6),
    **dict.fromkeys(("microsec", "microsecs", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nsecs", "nanosec", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("ps", "psec", "picosecond", "picoseconds"), 1e-12),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_MICROMETRES = {
    **dict.fromkeys(("μm", "um", "micron", "microns"), 1.0),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e4),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e6),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    **dict.fromkeys(("å", "angstrom", "angstroms", "ångström"), 1e-4),
}
# The micro sign as ImageJ escapes it, and as it looks after a wrong decoding
_MICRO_SIGNS = ("\\u00b5", "\\u03bc", "âμ", "îμ", "îœ", "ã‚μ", "âµ", "\ufffd")


def seconds_of(unit: str) -> float | None:
    """Return the seconds in a unit of time; None if the unit is not known.

    Parameters
    ----------
    unit : str
        Abbreviated or in full, singular or plural, in any case: ``"ms"``, ``"Milliseconds"``.
    """
    return _SECONDS.get(_plain(unit))


def micrometres_of(unit: str) -> float | None:
    """Return the micrometres in a unit of length; None if the unit is not known.

    Parameters
    ----------
    unit : str
    """
    return _MICROMETRES.get(_plain(unit))


def metres_of(unit: str) -> float | None:
    """Return the metres in a unit of length; None if the unit is not known.

    Parameters
    ----------
    unit : str
    """
    length_um = micrometres_of(unit)
    # a quotient: 1e-3 µm times 1e-6 rounds, and is no longer the number 1e-9
    return None if length_um is None else length_um / 1e6


def _plain(unit: str) -> str:
    """Return a unit in lower case, without brackets or dots, with one kind of micro sign."""
    text = unicodedata.normalize("NFKC", unit).strip().strip("[]().").casefold().strip()
    for sign in _MICRO_SIGNS:
        text = text.replace(sign, "μ")
    return text
