"""Find the movies of an archive; only headers are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from umlpsd_gpu.analyses.findings import Findings, Found, ignore_count, places_of
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
    report: Callable[[int], None] = ignore_count,
) -> Findings:
    """Find the movies of an archive.

    Parameters
    ----------
    archive : str
        A folder, which is searched with its subfolders; a pattern; or one movie.
    settings : MovieSettings
        Damaged movies are found in any case, also if ``allow_damaged`` is false.
    is_skipped : callable
        Takes a folder (Path); returns whether it is left out of the search.
    report : callable, optional
        Called with the number of movies found so far.

    Returns
    -------
    Findings

    Raises
    ------
    SettingsError
        If there is no such file or folder.
    """
    lenient = settings.model_copy(update={"allow_damaged": True})
    root, places = places_of(archive)
    findings = Findings(root)
    for place in places:
        if place.is_dir():
            _search(place, findings, lenient, is_skipped, report)
        else:
            _keep_movies([_try_to_open(place, lenient)], findings)
            report(len(findings.found))
    findings.found = _drop_repeats(findings.found)
    return findings


def _search(
    top: Path,
    findings: Findings,
    settings: MovieSettings,
    is_skipped: Callable[[Path], bool],
    report: Callable[[int], None],
) -> None:
    def note_unreadable(error: OSError) -> None:
        findings.left_out.append((Path(error.filename), f"it can't be listed: {error.strerror}"))

    for name, below, files in os.walk(top, onerror=note_unreadable):
        folder = Path(name)
        if is_skipped(folder):
            below.clear()
            continue
        for link in (folder / b for b in below if (folder / b).is_symlink()):
            findings.left_out.append((link, "links to folders are not followed"))
        below[:] = sorted(b for b in below if not b.startswith("."))
        if any(Path(file).suffix.lower() in TIFF_SUFFIXES for file in files):
            _keep_movies(list(_open_folder(folder, findings, settings)), findings)
            report(len(findings.found))


def _open_folder(folder: Path, findings: Findings, settings: MovieSettings) -> Iterator[Found]:
    """Yield the movies in a folder, or the folder itself if its files are single frames."""
    try:
        files, unusable = _list_candidates(folder)
    except OSError as error:
        findings.left_out.append((folder, f"it can't be listed: {error.strerror}"))
        return
    # one bad entry, as a link to nothing, hides no other movie
    yield from unusable
    if settings.join and len(files) > 1:
        whole = _try_to_open(folder, settings)
        if whole.source is not None:
            yield whole
            return
    if len(files) > 1 and _is_one_frame(files[0]):
        whole = _try_to_open(folder, settings)
        # a broken frame among many makes a damaged movie, not many movies
        if whole.source is not None or 2 * sum(map(_is_one_frame, files)) > len(files):
            yield whole
            return
    if len(files) > 1 and _are_one_set(files):
        whole = _try_to_open(files[0], settings)
        yield whole if whole.source else Found(folder, tuple(files), None, whole.reason)
        return
    for file in files:
        yield _try_to_open(file, settings)


def _list_candidates(folder: Path) -> tuple[list[Path], list[Found]]:
    """Return the files of a folder that may be TIFF, in natural order, and those that can't be."""
    from natsort import natsorted, ns

    entries = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in TIFF_SUFFIXES and not path.name.startswith(".")
    ]
    files, unusable = [], []
    for path in natsorted(entries, key=lambda path: path.name, alg=ns.IGNORECASE):
        if path.is_dir():
            continue  # searched as a folder
        try:
            files += find_files(path)
        except MovieError as error:
            unusable.append(Found(path, (path,), None, error.reason))
    return files, unusable


def _keep_movies(movies: list[Found], findings: Findings) -> None:
    """Keep movies; single images are left out."""
    for movie in movies:
        if movie.source is None and movie.path.is_file() and _is_one_frame(movie.path):
            findings.left_out.append((movie.path, ONE_FRAME))
        else:
            findings.found.append(movie)


def _try_to_open(path: Path, settings: MovieSettings) -> Found:
    try:
        movie = open_movie(path, settings)
    except MovieError as error:
        return Found(path, _list_files(path), None, error.reason)
    return Found(path, files_of(movie), [movie])


def files_of(movie: Movie) -> tuple[Path, ...]:
    """Return the files of a movie, in the order of its frames.

    Parameters
    ----------
    movie : Movie

    Returns
    -------
    tuple of Path
    """
    return tuple(getattr(movie.read_frames, "paths", (movie.path,)))


def _list_files(path: Path) -> tuple[Path, ...]:
    try:
        return tuple(find_files(path))
    except MovieError:
        return (path,)


def _is_one_frame(file: Path) -> bool:
    try:
        contents = read_contents([file], file, MovieSettings())
    except MovieError:
        return False
    return contents.layout.n_planes == 1 and not contents.table.break_reason


def _are_one_set(files: list[Path]) -> bool:
    """Return whether all files are those of one OME or NDTiff set."""
    try:
        contents = read_contents(files[:1], files[0], MovieSettings())
    except MovieError:
        return False
    return {path.name for path in contents.table.paths} == {file.name for file in files}


def _drop_repeats(movies: list[Found]) -> list[Found]:
    """Return the movies once each, in natural order; the files of an OME set are one movie."""
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
