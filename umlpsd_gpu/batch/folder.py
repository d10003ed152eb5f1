"""Where everything of a batch is on disk."""

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
        """Return the batch folder of that name; it need not exist.

        Parameters
        ----------
        out : path

        Returns
        -------
        BatchFolder
        """
        return cls(Path(out).resolve())

    @property
    def manifest(self) -> Path:
        """The file with the list of inputs and the settings; never changed once written."""
        return self.root / "manifest.json"

    @property
    def earlier_manifests(self) -> Path:
        """The folder of manifests that an update has replaced."""
        return self.root / "manifests"

    @property
    def results(self) -> Path:
        """The folder of finished results; everything in it is complete."""
        return self.root / "results"

    @property
    def work(self) -> Path:
        """The folder in which results are made, each in the private folder of its attempt."""
        return self.root / "work"

    @property
    def journal(self) -> Path:
        """The folder in which each runner writes what it did."""
        return self.root / "journal"

    def result(self, movie_id: str) -> Path:
        """Return the folder of an input's result.

        Parameters
        ----------
        movie_id : str

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If a symbolic link leads elsewhere.
        """
        return refuse_links(self.root, self.results / movie_id)

    def claims(self, movie_id: str) -> Path:
        """Return the folder of an input's leases and failed attempts.

        Parameters
        ----------
        movie_id : str

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If a symbolic link leads elsewhere.
        """
        return refuse_links(self.root, self.root / "state" / movie_id)

    def make(self) -> None:
        """Make the folders that are missing.

        Raises
        ------
        OutputError
            If one of them is a symbolic link.
        """
        for folder in (self.results, self.work, self.root / "state", self.journal):
            refuse_links(self.root, folder).mkdir(parents=True, exist_ok=True)
