"""Which movies an archive holds: headers are read, no pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from umlpsd_gpu.analyses.findings import Findings, Found, places_of
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.contents import read_contents
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.movie.sources import TIFF_SUFFIXES, find_files

ONE_FRAME = "it holds one frame; put the frames of a movie into a folder of their own"


def find_movies(
    archive: str,
    settings: MovieSettings,
    is_skipped: Callable[[Path], bool],
    tell: Callable[[int], None] = lambda n_found: None,
) -> Findings:
    """Look for the movies of an archive.

    Parameters
    ----------
    archive : str
        A folder, searched with all folders below it; a pattern of files and folders; or one movie.
    settings : MovieSettings
        Damaged movies are found whether or not their sound frames may be analysed.
    is_skipped : callable
        Says of a folder that it is not to be searched.
    tell : callable, optional
        Told the number of movies found so far.

    Raises
    ------
    SettingsError
        If nothing of that name is there.
    """
    looking = settings.model_copy(update={"allow_damaged": True})
    root, places = places_of(archive)
    found = Findings(root)
    for place in places:
        if place.is_dir():
            _search(place, found, looking, is_skipped, tell)
        else:
            _take([_look(place, looking)], found)
            tell(len(found.found))
    found.found = _each_once(found.found)
    return found


def _search(
    top: Path,
    found: Findings,
    settings: MovieSettings,
    is_skipped: Callable[[Path], bool],
    tell: Callable[[int], None],
) -> None:
    def unreadable(error: OSError) -> None:
        found.left_out.append((Path(error.filename), f"it can't be listed: {error.strerror}"))

    for name, below, files in os.walk(top, onerror=unreadable):
        folder = Path(name)
        if is_skipped(folder):
            below.clear()
            continue
        for link in (folder / b for b in below if (folder / b).is_symlink()):
            found.left_out.append((link, "links to folders are not followed"))
        below[:] = sorted(b for b in below if not b.startswith("."))
        if any(Path(file).suffix.lower() in TIFF_SUFFIXES for file in files):
            _take(list(_movies_in(folder, found, settings)), found)
            tell(len(found.found))


def _movies_in(folder: Path, found: Findings, settings: MovieSettings) -> Iterator[Found]:
    """Yield the movies in one folder, or the folder itself where its files are the frames."""
    try:
        files = find_files(folder)
    except MovieError as error:
        found.left_out.append((folder, error.reason))
        return
    if len(files) > 1 and _is_one_frame(files[0]):
        whole = _look(folder, settings)
        # a broken frame among many others breaks the movie, it doesn't make movies of the others
        if whole.source is not None or 2 * sum(map(_is_one_frame, files)) > len(files):
            yield whole
            return
    for file in files:
        yield _look(file, settings)


def _take(movies: list[Found], found: Findings) -> None:
    """Keep movies; a single image that stands for itself is none."""
    for movie in movies:
        if movie.source is None and movie.path.is_file() and _is_one_frame(movie.path):
            found.left_out.append((movie.path, ONE_FRAME))
        else:
            found.found.append(movie)


def _look(path: Path, settings: MovieSettings) -> Found:
    try:
        movie = open_movie(path, settings)
    except MovieError as error:
        return Found(path, _files_of(path), None, error.reason)
    return Found(path, files_of(movie), [movie])


def files_of(movie: Movie) -> tuple[Path, ...]:
    """Return all files that a movie's frames are read from."""
    return tuple(getattr(movie.read_frames, "paths", (movie.path,)))


def _files_of(path: Path) -> tuple[Path, ...]:
    try:
        return tuple(find_files(path))
    except MovieError:
        return (path,)


def _is_one_frame(file: Path) -> bool:
    try:
        contents = read_contents([file], file, None)
    except MovieError:
        return False
    return contents.layout.n_planes == 1 and not contents.table.break_reason


def _each_once(movies: list[Found]) -> list[Found]:
    """Return the movies in natural order; the files of an OME set are one movie."""
    from natsort import natsorted

    in_order = natsorted(movies, key=lambda movie: str(movie.path))
    in_sets = {file for movie in in_order if len(movie.files) > 1 for file in movie.files}
    seen: set[tuple[Path, ...]] = set()
    kept = []
    for movie in in_order:
        files = tuple(sorted(movie.files))
        is_part = len(files) == 1 and files[0] in in_sets
        if files not in seen and not is_part:
            seen.add(files)
            kept.append(movie)
    return kept
