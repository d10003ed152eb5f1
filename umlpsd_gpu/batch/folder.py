"""Where everything of a batch is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from umlpsd_gpu.storage.json_files import refuse_links

STUDY, DONE, LOG = "study", "done.json", "log.txt"


@dataclass(frozen=True)
class BatchFolder:
    """The folder OUT of a batch.

    Attributes
    ----------
    root : Path
        Absolute, without symbolic links.
    """

    root: Path

    @classmethod
    def at(cls, out: str | Path) -> BatchFolder:
        """Return the batch folder of that name, there or not."""
        return cls(Path(out).resolve())

    @property
    def manifest(self) -> Path:
        """Return the list of movies and the settings; never changed once written."""
        return self.root / "manifest.json"

    @property
    def earlier_manifests(self) -> Path:
        """Return where manifests are kept that an update has replaced."""
        return self.root / "manifests"

    @property
    def results(self) -> Path:
        """Return where finished studies are: all that is here is whole."""
        return self.root / "results"

    @property
    def work(self) -> Path:
        """Return where studies are made, each in a folder of its attempt."""
        return self.root / "work"

    @property
    def journal(self) -> Path:
        """Return where each runner writes what it did."""
        return self.root / "journal"

    def result(self, movie_id: str) -> Path:
        """Return the place of a movie's study; `OutputError` where a link leads elsewhere."""
        return refuse_links(self.root, self.results / movie_id)

    def state(self, movie_id: str) -> Path:
        """Return the folder of a movie's leases and failed attempts."""
        return refuse_links(self.root, self.root / "state" / movie_id)

    def make(self) -> None:
        """Make the folders that are missing; `OutputError` where one is a link."""
        for folder in (self.results, self.work, self.root / "state", self.journal):
            refuse_links(self.root, folder).mkdir(parents=True, exist_ok=True)
