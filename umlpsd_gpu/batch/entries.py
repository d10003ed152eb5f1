"""Which movies a batch is about, and how they are to be analysed. Never changed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.batch.fingerprint import Kind, is_same_time
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.json_files import text_of

FORMAT, FORMAT_VERSION = "umlpsd batch manifest", 2


@dataclass(frozen=True)
class Entry:
    """A movie of the archive.

    Attributes
    ----------
    id : str
        Name of its folders.
    name : str
        Path within the archive, with slashes.
    n_files, n_bytes : int
    content : str
        Digest of the files; empty where they can't be read.
    written : float
        When its files were last written to, in seconds since 1970; 0.0 where that is unknown, or
        every byte counts.
    verdict : str
        "whole", "truncated", "mixed" or "unreadable".
    reason : str
        What is wrong; empty for a whole movie.
    size : str
        In a few words, as "1000 frames"; empty where unreadable.
    facts : dict
        What the analysis keeps of its headers.
    memory_mb, duration_s : float
        Predicted for a study.
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

    def is_same_state(self, other: Entry) -> bool:
        """Say whether nothing was written to the movie between two looks."""
        return self.content == other.content and is_same_time(self.written, other.written)


@dataclass(frozen=True)
class Manifest:
    """What a batch is about.

    Attributes
    ----------
    archive : str
        Absolute path that names of movies are relative to.
    settings : AnalysisSettings
        Of the analysis that the batch is about.
    figures : bool
        Whether studies get figures and a report.
    content_kind : {"sampled", "full"}
        How movies are digested.
    movies : tuple of Entry
    left_out : tuple of (str, str)
        Names that were not taken for movies, and why.
    umlpsd_version : str
        Of the program that looked.
    """

    archive: str
    settings: AnalysisSettings
    figures: bool
    content_kind: Kind
    movies: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...]
    umlpsd_version: str

    @property
    def analysis(self) -> Analysis[Any, Any]:
        """Return the analysis that the batch is about; `SettingsError` where it is missing."""
        return get_analysis(self.settings.analysis)

    def path_of(self, entry: Entry) -> Path:
        """Return where a movie is."""
        return Path(self.archive) / entry.name

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything in it."""
        return hashlib.sha256(text_of(self._values()).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the values of manifest.json."""
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
