"""The literature that methods sections cite: one BibTeX file, also written as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("references.bib")
SOFTWARE = "umlpsd_gpu"
_ENTRY = re.compile(r"@(\w+)\{(\w+),\n(.*?)\n\}\n", re.S)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", re.M)
# What the file holds of TeX, in the order in which it is replaced
_SIGNS = {
    r"{\'n}": "ń",
    r"{\"o}": "ö",
    r"{\c c}": "ç",
    r"$4/\sqrt{3}$": "4/√3",
    r"\&": "&",
    "---": "—",
    "--": "–",
    "``": "“",
    "''": "”",
    "{": "",
    "}": "",
}


@dataclass(frozen=True)
class Reference:
    """One entry of a bibliography.

    Attributes
    ----------
    key : str
        What cites it.
    bibtex : str
        The entry in BibTeX.
    text : str
        The entry in plain text, with its DOI.
    """

    key: str
    bibtex: str
    text: str


@cache
def known_references() -> dict[str, Reference]:
    """Return all references of the package's BibTeX file by their keys.

    Returns
    -------
    dict of str to Reference
    """
    entries = _ENTRY.finditer(FILE.read_text(encoding="utf-8"))
    return {
        entry[2]: Reference(entry[2], entry[0].rstrip("\n"), _plain(dict(_FIELD.findall(entry[3]))))
        for entry in entries
    }


def software_reference(version: str) -> Reference:
    """Return the reference of this package.

    Parameters
    ----------
    version : str
        The version that made a result.

    Returns
    -------
    Reference
    """
    bibtex = (
        f"@software{{{SOFTWARE},\n"
        "  author  = {{The umlpsd\\_gpu founders}},\n"
        "  title   = {umlpsd\\_gpu},\n"
        f"  version = {{{version}}}\n"
        "}"
    )
    return Reference(SOFTWARE, bibtex, f"The umlpsd_gpu founders. umlpsd_gpu, version {version}")


def _plain(fields: dict[str, str]) -> str:
    fields = {name: _untex(value) for name, value in fields.items()}
    place = fields.get("journal") or fields.get("booktitle") or fields.get("howpublished", "")
    place = " ".join(filter(None, (place, fields.get("volume", ""))))
    if "pages" in fields:
        place += f", {fields['pages']}"
    if "year" in fields:
        place += f" ({fields['year']})"
    parts = [_authors(fields["author"]), fields["title"], place]
    if "doi" in fields:
        parts.append(f"https://doi.org/{fields['doi']}")
    elif "url" in fields:
        parts.append(fields["url"])
    return ". ".join(parts)


def _authors(field: str) -> str:
    """Return "Lloyd, S. P." for "Lloyd, Stuart P.", and several with an "&" before the last."""
    names = field.split(" and ")
    is_longer = names[-1] == "others"
    short = [_initials(name) for name in names if name != "others"]
    if is_longer:
        return f"{', '.join(short)} et al"
    if len(short) == 1:
        return short[0].removesuffix(".")
    return f"{', '.join(short[:-1])} & {short[-1]}".removesuffix(".")


def _initials(name: str) -> str:
    family, comma, given = name.partition(", ")
    if not comma:
        return name
    letters = " ".join("-".join(f"{p[0]}." for p in part.split("-")) for part in given.split())
    return f"{family}, {letters}"


def _untex(value: str) -> str:
    for sign, plain in _SIGNS.items():
        value = value.replace(sign, plain)
    return value
