"""Sentences with citations, written as a paragraph for a paper and as BibTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from umlpsd_gpu.analyses.methods.references import (
    SOFTWARE,
    Reference,
    known_references,
    software_reference,
)

METHODS_FILE, BIBTEX_FILE = "methods.txt", "references.bib"
_CITATION = re.compile(r" \[@(.*?)\]")


@dataclass(frozen=True)
class MethodsText:
    """What was done to get a result, ready for the methods section of a paper.

    Attributes
    ----------
    sentences : tuple of str
        In each, `` [@key; @key]`` cites references (`known_references`) or this package.
    version : str
        Version of this package that made the result.
    """

    sentences: tuple[str, ...]
    version: str

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The cited references, in the order of their first citation.

        Raises
        ------
        KeyError
            If a sentence cites what is not known.
        """
        known = known_references() | {SOFTWARE: software_reference(self.version)}
        keys = (key for text in self.sentences for key in _keys_of(text))
        return tuple(known[key] for key in dict.fromkeys(keys))

    @property
    def paragraph(self) -> str:
        """The sentences, with numbers as citations; str."""
        numbers = {reference.key: n for n, reference in enumerate(self.references, start=1)}

        def cite(found: re.Match[str]) -> str:
            cited = sorted(numbers[key] for key in _keys_of(found[0]))
            return f" [{','.join(map(str, cited))}]"

        return _CITATION.sub(cite, " ".join(self.sentences))

    @property
    def text(self) -> str:
        """The paragraph and the numbered list of references; str."""
        listed = [f"[{n}] {each.text}." for n, each in enumerate(self.references, start=1)]
        return "\n".join([self.paragraph, "", *listed, ""])

    @property
    def bibtex(self) -> str:
        """The references in BibTeX; str."""
        return "\n\n".join(reference.bibtex for reference in self.references) + "\n"


def write_methods(methods: MethodsText, folder: Path) -> None:
    """Write methods.txt and references.bib.

    Parameters
    ----------
    methods : MethodsText
    folder : Path
        An existing folder.
    """
    (folder / METHODS_FILE).write_text(methods.text, encoding="utf-8", errors="replace")
    (folder / BIBTEX_FILE).write_text(methods.bibtex, encoding="utf-8", errors="replace")


def _keys_of(text: str) -> list[str]:
    return [key for group in _CITATION.findall(text) for key in group.split("; @")]
