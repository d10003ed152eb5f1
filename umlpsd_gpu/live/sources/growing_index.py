"""NDTiff.index while it grows: which images of which files are there."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.ndtiff import INDEX_NAME, Entry, parse_entries, place_by_index
from umlpsd_gpu.movie.page_reader import Page
from umlpsd_gpu.movie.pages import FilePages


class GrowingIndex:
    """The entries of an index so far, by file.

    Attributes
    ----------
    names : list of str
        The files of the data set, in order.
    n_entries : int

    Parameters
    ----------
    folder : Path
    limits : Limits
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.names: list[str] = []
        self.n_entries = 0
        self._path, self._limits = folder / INDEX_NAME, limits
        self._at = 0
        self._entries: dict[str, dict[int, Entry]] = {}

    def read_on(self) -> None:
        """Read the entries that are new."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at)
                blob = file.read(int(self._limits.max_metadata_mb * 1e6))
        except OSError:
            return  # not there yet
        start = self._at
        for entry, end in parse_entries(blob):
            self._at = start + end
            if entry.file_name not in self._entries:
                self.names.append(entry.file_name)
            self._entries.setdefault(entry.file_name, {})[entry.start] = entry
            self.n_entries += 1

    def lists(self, name: str, page: Page) -> bool:
        """Return whether a page is an image of the index.

        Parameters
        ----------
        name : str
            Of its file.
        page : Page
        """
        return page.start in self._entries.get(name, {})

    def place(self, name: str, pages: list[Page]) -> list[Page]:
        """Return pages with the axes of the index.

        Parameters
        ----------
        name : str
            Of their file.
        pages : list of Page
        """
        entries = self._entries.get(name, {})
        found = FilePages(Path(name), list(pages), 0)
        place_by_index(found, tuple(entries[page.start] for page in pages if page.start in entries))
        return found.pages
