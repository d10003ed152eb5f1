"""Which inputs a batch is about, and how they are to be analysed. Never changed once written."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.batch.fingerprint import ContentKind, is_same_time
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.json_files import write_json_text

FORMAT, FORMAT_VERSION = "umlpsd batch manifest", 2


@dataclass(frozen=True)
class Entry:
    """One input of the archive, as the manifest describes it.

    Attributes
    ----------
    id : str
        Name of its folders.
    name : str
        Path within the archive, with slashes.
    n_files, n_bytes : int
    content : str
        Digest of the files; empty if they can't be read.
    written : float
        When its files were last written to, in seconds since 1970; 0.0 if that is unknown, or if
        the digest covers every byte.
    verdict : str
        "whole", "truncated", "mixed" or "unreadable".
    reason : str
        What is wrong; empty for a complete input.
    size : str
        In a few words, as "1000 frames"; empty if unreadable.
    facts : dict
        What the analysis keeps of its headers.
    memory_mb, duration_s : float
        Predicted for its analysis.
    """

    id: str
    name: str
    n_files: int
    n_bytes: int
    content: str
    written: float
    verdict: str
    reason: str
    size: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    memory_mb: float = 0.0
    duration_s: float = 0.0

    def is_unchanged(self, other: Entry) -> bool:
        """Return whether the input did not change between two looks at it.

        Parameters
        ----------
        other : Entry
            Of the same input.

        Returns
        -------
        bool
        """
        return self.content == other.content and is_same_time(self.written, other.written)


@dataclass(frozen=True)
class Manifest:
    """What a batch is about.

    Attributes
    ----------
    archive : str
        Absolute path that the names of inputs are relative to.
    settings : AnalysisSettings
        Of the analysis that the batch runs.
    figures : bool
        Whether each result gets figures and a report.
    content_kind : {"sampled", "full"}
        How the digests of inputs are made.
    movies : tuple of Entry
        The inputs, movies or others.
    left_out : tuple of (str, str)
        Names that are no inputs, and why.
    umlpsd_version : str
        Of the program that wrote the manifest.
    """

    archive: str
    settings: AnalysisSettings
    figures: bool
    content_kind: ContentKind
    movies: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...]
    umlpsd_version: str

    @property
    def analysis(self) -> Analysis[Any, Any]:
        """The analysis that the batch runs; raises `SettingsError` if it is not installed."""
        return get_analysis(self.settings.analysis)

    def path_of(self, entry: Entry) -> Path:
        """Return where an input is.

        Parameters
        ----------
        entry : Entry

        Returns
        -------
        Path
        """
        return Path(self.archive) / entry.name

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it."""
        return hashlib.sha256(write_json_text(self._values()).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the values of manifest.json.

        Returns
        -------
        dict
        """
        return {**self._values(), "digest": self.digest}

    def _values(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "umlpsd_version": self.umlpsd_version,
            "archive": self.archive,
            "analysis": self.settings.analysis,
            "settings": self.settings.model_dump(mode="json"),
            "figures": self.figures,
            "content_kind": self.content_kind,
            "movies": [asdict(entry) for entry in self.movies],
            "left_out": [list(pair) for pair in self.left_out],
        }
