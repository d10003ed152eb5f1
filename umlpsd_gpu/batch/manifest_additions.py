"""Movies that have come since the manifest was written: a file each, added and never changed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.attempts import utc_now
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.storage.json_files import create_json, read_json, refuse_links, text_of

FORMAT = "umlpsd batch arrival"


def record_addition(base: str, folder: BatchFolder, entry: Entry) -> bool:
    """Note that a movie has come, or has come anew with another content.

    Parameters
    ----------
    base : str
        Digest of manifest.json; to another manifest the arrival doesn't belong.
    folder : BatchFolder
    entry : Entry

    Returns
    -------
    bool
        False where another watch was first.
    """
    place = _place(folder)
    place.mkdir(exist_ok=True)
    values = {"format": FORMAT, "manifest": base, "arrived": utc_now(), "entry": asdict(entry)}
    name = f"{entry.id}-{entry.content[:12]}-{entry.written:.0f}-{base[:8]}.json"
    return create_json(place / name, {**values, "digest": _digest(values)})


def with_additions(manifest: Manifest, folder: BatchFolder) -> Manifest:
    """Return the manifest with the movies that have come since; the last content counts.

    What does not fit its digest, as after a crash of the disk, is left out: a watch that goes on
    finds the movie again.
    """
    base = manifest.digest
    by_id = {entry.id: entry for entry in manifest.movies}
    for values in sorted(_arrivals(folder, base), key=lambda v: (v["arrived"], v["entry"]["name"])):
        entry = Entry(**values["entry"])
        by_id[entry.id] = entry
    return replace(manifest, movies=tuple(by_id.values()))


def _arrivals(folder: BatchFolder, base: str) -> list[dict[str, Any]]:
    place = _place(folder)
    names = os.listdir(place) if place.is_dir() else []
    found = (read_json(place / name, FORMAT) for name in names)
    return [values for values in found if values is not None and _is_ours(values, base)]


def _is_ours(values: dict[str, Any], base: str) -> bool:
    rest = {name: value for name, value in values.items() if name != "digest"}
    # another version of this program may tell something else of a movie
    if {field.name for field in fields(Entry)} != set(values.get("entry", ())):
        return False
    return values.get("manifest") == base and values.get("digest") == _digest(rest)


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(text_of(values).encode()).hexdigest()


def _place(folder: BatchFolder) -> Path:
    return refuse_links(folder.root, folder.root / "arrivals")
