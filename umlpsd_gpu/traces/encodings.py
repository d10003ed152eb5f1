"""Bytes of a text file → text: by the byte order mark, the given encoding, or UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from umlpsd_gpu.errors import SettingsError, TracesError
from umlpsd_gpu.traces.file_errors import raise_traces_error

AUTO = "auto"
# The longer marks first: that of UTF-32 begins like that of UTF-16
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Bytes from which it is judged whether a file may be UTF-16 without its mark
N_JUDGED = 4000


def require_encoding(name: str) -> None:
    """Check the name of an encoding.

    Parameters
    ----------
    name : str

    Raises
    ------
    SettingsError
        If Python knows no such encoding of text.

    Examples
    --------
    >>> from umlpsd_gpu.traces.encodings import require_encoding
    >>> require_encoding("latin-1")
    """
    if name == AUTO:
        return
    try:
        "0".encode(name)
    except (LookupError, ValueError, TypeError) as error:
        raise SettingsError(
            "encoding must be auto or an encoding of text, such as latin-1, cp1252, utf-16 or "
            f"shift-jis, got {name!r}"
        ) from error


def decode(path: Path, encoding: str = AUTO) -> str:
    """Return the text of a file.

    Parameters
    ----------
    path : Path
    encoding : str
        Its name. Auto: by the byte order mark, else UTF-8.

    Returns
    -------
    str

    Raises
    ------
    TracesError
        If it is not text of this encoding; the message names the row and what to give instead.
    SettingsError
        If there is no such encoding.
    """
    require_encoding(encoding)
    with raise_traces_error(path):
        data = path.read_bytes()
    chosen = _choose(data) if encoding == AUTO else encoding
    try:
        text = data.decode(chosen)
    except UnicodeError as error:
        raise TracesError(_explain(path, data, chosen, encoding, error)) from error
    if "\0" in text:
        raise TracesError(_explain_zeros(path, data, encoding))
    return text.removeprefix("\ufeff")


def _choose(data: bytes) -> str:
    return next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")


def _explain(path: Path, data: bytes, chosen: str, encoding: str, error: UnicodeError) -> str:
    at = getattr(error, "start", 0)
    row = data[:at].count(b"\n") + 1
    byte = f"byte 0x{data[at]:02x} in row {row}" if at < len(data) else f"its end in row {row}"
    if encoding != AUTO:
        return (
            f"{path}: it is not {encoding} text ({byte} is none); give another --encoding "
            "(encoding=… in Python), or leave it out"
        )
    if chosen != "utf-8":
        return (
            f"{path}: it begins like {chosen.upper()} text, but {byte} is none; copy the file "
            "again, or save it as 'CSV UTF-8'"
        )
    if b"\0" in data:
        return _explain_zeros(path, data, encoding)
    return (
        f"{path}: it is not UTF-8 text ({byte} is none); give its encoding, such as --encoding "
        "latin-1 or --encoding cp1252 (encoding='latin-1' in Python), or save it as 'CSV UTF-8'"
    )


def _explain_zeros(path: Path, data: bytes, encoding: str) -> str:
    """Explain zeros among the letters: UTF-16 without its mark, or no text at all."""
    judged = data[:N_JUDGED]
    halves = [judged[1::2].count(0), judged[0::2].count(0)]
    if encoding == AUTO and max(halves) > 0.4 * len(judged) > 4 * min(halves):
        name = "utf-16-le" if halves[0] > halves[1] else "utf-16-be"
        return (
            f"{path}: it is not UTF-8 text but seems to be UTF-16 without its byte order mark; "
            f"give --encoding {name} (encoding='{name}' in Python), or save it as 'CSV UTF-8'"
        )
    return (
        f"{path}: it contains zero bytes and is not text; correct the ending of its name, or give "
        "its encoding with --encoding (encoding=… in Python)"
    )
