"""The files of an OME set: found by their names, or by their UUIDs where they were renamed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie.limits import Limits
from umlpsd_gpu.movie.notes import Notes, read_file
from umlpsd_gpu.movie.ome import COMPANION_SUFFIX, OmeImage, find_companion
from umlpsd_gpu.movie.pages import FilePages
from umlpsd_gpu.movie.tiff_errors import raise_movie_error

_MOST_FILES_TRIED = 1000
_UUID = re.compile(r'<(?:\w+:)?OME\b[^>]*\bUUID="([^"]*)"')


def is_companion(path: Path) -> bool:
    """Return whether a file is the OME-XML of a set, without pixels.

    Parameters
    ----------
    path : Path
    """
    return path.suffix.lower() == COMPANION_SUFFIX


def read_companion(path: Path, limits: Limits) -> str:
    """Return the OME-XML in a companion file.

    Parameters
    ----------
    path : Path
    limits : Limits

    Raises
    ------
    MovieError
        If the file can't be read, is too large, or is no XML.
    """
    with raise_movie_error(path):
        n_bytes = path.stat().st_size
        if n_bytes > limits.max_metadata_mb * 1e6:
            raise MovieError(
                path, f"it has {n_bytes / 1e6:.0f} MB; raise movie.max_metadata_mb to read it"
            )
        xml = path.read_text(encoding="utf-8-sig", errors="replace")
    if "<OME" not in xml[:2000] and ":OME" not in xml[:2000]:
        raise MovieError(path, "it contains no OME-XML; give the TIFF file of the movie")
    return xml


def find_description(notes: Notes, path: Path) -> Path:
    """Return the file whose OME-XML describes a file: itself, or the one that it points to.

    Parameters
    ----------
    notes : Notes
        Of the file.
    path : Path

    Raises
    ------
    MovieError
        If the file that it points to is missing.
    """
    name = find_companion(notes.ome_xml) if notes.ome_xml else None
    if name is None:
        return path
    beside = path.parent / name
    if name and beside.is_file() and beside.resolve() != path.resolve():
        return beside
    raise MovieError(
        path,
        f"this is one part of an OME set; open {name or 'another file'} instead, which describes "
        "the set: it must be in the same folder",
    )


def read_members(
    image: OmeImage, first: FilePages, folder: Path, limits: Limits
) -> tuple[list[FilePages], dict[str, int], str]:
    """Read the files of an image, all in one folder.

    Parameters
    ----------
    image : OmeImage
    first : FilePages
        The file that contains the XML, or the one by which it was found.
    folder : Path
    limits : Limits

    Returns
    -------
    files : list of FilePages
    file_of_name : dict of str to int
        By the name that the XML gives; ``""`` is the first file.
    missing : str
        Why a file can't be used, for messages; empty if all can.
    """
    files, file_of_name, missing = [first], {"": 0}, ""
    uuids: dict[str, Path] | None = None
    for block in {block.file_name: block for block in image.blocks if block.file_name}.values():
        name = block.file_name
        path = folder / name
        if not path.is_file() and block.uuid:
            uuids = _list_uuids(folder, limits) if uuids is None else uuids
            path = uuids.get(block.uuid, path)
        if path.exists() and path.resolve() == first.path.resolve():
            file_of_name[name] = 0
            continue
        try:
            found, _ = read_file(path, limits)
        except MovieError as error:
            missing = missing or f"file {name} of the OME set is missing or broken ({error.reason})"
            continue
        file_of_name[name] = len(files)
        files.append(found)
    return files, file_of_name, missing


def _list_uuids(folder: Path, limits: Limits) -> dict[str, Path]:
    """Return the files of a folder by the UUID in their OME-XML."""
    uuids: dict[str, Path] = {}
    candidates = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in (".tif", ".tiff", ".btf")
    )
    for path in candidates[:_MOST_FILES_TRIED]:
        try:
            notes = read_file(path, limits)[1]
        except MovieError:
            continue
        found = _UUID.search(notes.ome_xml[:5000])
        if found:
            uuids.setdefault(found.group(1).strip(), path)
    return uuids


def covers(images: Sequence[OmeImage], files: Sequence[Path], limits: Limits) -> bool:
    """Return whether files are all of one OME set, by their names or UUIDs.

    Parameters
    ----------
    images : sequence of OmeImage
        That the first file describes.
    files : sequence of Path
    limits : Limits
    """
    blocks = [block for image in images for block in image.blocks]
    others = {file.name for file in files[1:]}
    if {block.file_name for block in blocks} >= others:
        return True
    uuids = {block.uuid for block in blocks if block.uuid}
    if len(uuids) < len(files):
        return False
    listed = _list_uuids(files[0].parent, limits)
    members = {path.name for uuid, path in listed.items() if uuid in uuids}
    return members >= others


def find_first_member(
    images: Sequence[OmeImage], position: int, path: Path, limits: Limits
) -> Path:
    """Return the first file with pixels that a companion file describes.

    Parameters
    ----------
    images : sequence of OmeImage
    position : int
    path : Path
        Of the companion file.
    limits : Limits

    Raises
    ------
    MovieError
        If none of its files is there.
    """
    image = images[min(position, len(images) - 1)]
    named = [block for block in image.blocks if block.file_name]
    for block in named:
        if (path.parent / block.file_name).is_file():
            return path.parent / block.file_name
    uuids = _list_uuids(path.parent, limits)
    for block in named:
        if block.uuid in uuids:
            return uuids[block.uuid]
    wanted = ", ".join(dict.fromkeys(block.file_name for block in named[:3])) or "none named"
    raise MovieError(
        path, f"no file of this OME set is in its folder ({wanted}); put all files into one folder"
    )
