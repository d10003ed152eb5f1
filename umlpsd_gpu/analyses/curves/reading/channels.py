"""The channels of a file by their names: which are the current, and which are of a lock-in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from umlpsd_gpu.analyses.curves.reading.errors import CurvesError
from umlpsd_gpu.analyses.curves.reading.units import CURRENTS, unit_in_name

TAG = re.compile(r"\[([^\]]*)\]")
BACKWARD = re.compile(r"\b(bwd|backward|retrace|back)\b", re.IGNORECASE)
CURRENT = re.compile(r"(input\s+\d+\s+)?(current|i)\b", re.IGNORECASE)
LOCK_IN = re.compile(r"(li[xy]?\b|li demod|lock-?in|di\s*/?\s*dv)", re.IGNORECASE)
FILTERED, AVERAGE = "filt", "AVG"


@dataclass(frozen=True)
class Channel:
    """A recorded channel.

    Attributes
    ----------
    text : str
        As in the file: ``"Current [bwd] (A)"``.
    name : str
        Without tags and unit: ``"Current"``.
    unit : str
        Empty if unknown.
    is_backward : bool
        Whether it was recorded on the way back.
    is_derived : bool
        Whether it is filtered, or one of several repetitions.
    """

    text: str
    name: str
    unit: str
    is_backward: bool
    is_derived: bool

    @classmethod
    def parse(cls, text: str) -> Channel:
        """Read the name of a channel.

        Parameters
        ----------
        text : str

        Returns
        -------
        Channel

        Examples
        --------
        >>> from umlpsd_gpu.analyses.curves.reading.channels import Channel
        >>> Channel.parse("LI Demod 1 X [bwd] (A)")
        Channel(text='LI Demod 1 X [bwd] (A)', name='LI Demod 1 X', unit='A', is_backward=True, \
is_derived=False)
        """
        unit = unit_in_name(text)
        tags = [tag for tag in TAG.findall(text) if tag.strip() != unit]
        bare = TAG.sub("", text).replace(f"({unit})", "") if unit else TAG.sub("", text)
        repeated = any(tag.isdigit() for tag in tags)
        return cls(
            text,
            " ".join(BACKWARD.sub("", bare).split()),
            unit,
            bool(BACKWARD.search(text)),
            FILTERED in tags or repeated,
        )


@dataclass(frozen=True)
class Chosen:
    """Indices of the channels that are read.

    Attributes
    ----------
    name : str
        Of the current.
    unit : str
        Of the current; empty if unknown.
    current : int
        On the way on which the bias is listed.
    current_back : int or None
        On the way back.
    lock_in : tuple of (str, int, bool)
        Name, index, and whether it is of the way back.
    """

    name: str
    unit: str
    current: int
    current_back: int | None
    lock_in: tuple[tuple[str, int, bool], ...]


def choose_channels(
    texts: Sequence[str], channel: str | None, lock_in_channel: str | None, path: Path
) -> Chosen:
    """Choose the current and the lock-in channels by name.

    Parameters
    ----------
    texts : sequence of str
        Names of all channels.
    channel, lock_in_channel : str or None
        As the user says.
    path : Path
        For messages.

    Returns
    -------
    Chosen

    Raises
    ------
    CurvesError
        If none or several could be the current, or a chosen one is missing.
    """
    channels = [Channel.parse(text) for text in texts]
    there = _find_current(channels, channel, path)
    main = channels[there]
    back = [
        i
        for i, other in enumerate(channels)
        if other.is_backward and not other.is_derived and other.name == main.name
    ]
    lock_in = _find_lock_in(channels, main.name, lock_in_channel, path)
    if main.is_backward:
        return Chosen(main.text, main.unit, there, None, lock_in)
    return Chosen(main.text, main.unit, there, back[0] if back else None, lock_in)


def _find_current(channels: Sequence[Channel], chosen: str | None, path: Path) -> int:
    if chosen is not None:
        found = [i for i, each in enumerate(channels) if _is_called(each, chosen)]
        plain = [i for i in found if not channels[i].is_derived and not channels[i].is_backward]
        exact = [i for i in found if channels[i].text == chosen]
        if not found:
            raise CurvesError(
                path, f"it has no channel '{chosen}'; its channels are {_list(channels)}"
            )
        return (exact or plain or found)[0]
    found = [
        i
        for i, each in enumerate(channels)
        if CURRENT.match(each.name) and not LOCK_IN.match(each.name) and not each.is_derived
    ]
    found = [i for i in found if channels[i].unit in CURRENTS or not channels[i].unit] or found
    there = [i for i in found if not channels[i].is_backward] or found
    if len({channels[i].name for i in there}) != 1:
        what = "several channels could be the current" if there else "no channel is called Current"
        raise CurvesError(
            path,
            f"{what}; choose one of its channels with --current-channel: {_list(channels)}",
        )
    return there[0]


def _find_lock_in(
    channels: Sequence[Channel], current: str, chosen: str | None, path: Path
) -> tuple[tuple[str, int, bool], ...]:
    found = tuple(
        (each.name, i, each.is_backward)
        for i, each in enumerate(channels)
        if not each.is_derived
        and each.name != current
        and (LOCK_IN.match(each.name) if chosen is None else _is_called(each, chosen))
    )
    if chosen is not None and not found:
        raise CurvesError(
            path, f"it has no lock-in channel '{chosen}'; its channels are {_list(channels)}"
        )
    return found


def _is_called(channel: Channel, name: str) -> bool:
    return name.casefold() in (channel.text.casefold(), channel.name.casefold())


def _list(channels: Sequence[Channel]) -> str:
    return ", ".join(channel.text for channel in channels)
