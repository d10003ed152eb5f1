"""Inputs that were found after the manifest was written: one file each, never changed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from umlpsd_gpu.batch.attempts import utc_now
from umlpsd_gpu.batch.entries import Entry, Manifest
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.storage.json_files import create_json, read_json, refuse_links, write_json_text

FORMAT = "umlpsd batch arrival"


def record_addition(base: str, folder: BatchFolder, entry: Entry) -> bool:
    """Record a new input, or a known one whose content has changed.

    Parameters
    ----------
    base : str
        Digest of manifest.json; the addition does not belong to any other manifest.
    folder : BatchFolder
    entry : Entry

    Returns
    -------
    bool
        False if another watch was first.
    """
    place = _get_place(folder)
    place.mkdir(exist_ok=True)
    values = {"format": FORMAT, "manifest": base, "arrived": utc_now(), "entry": asdict(entry)}
    name = f"{entry.id}-{entry.content[:12]}-{entry.written:.0f}-{base[:8]}.json"
    return create_json(place / name, {**values, "digest": _digest(values)})


def merge_additions(manifest: Manifest, folder: BatchFolder) -> Manifest:
    """Return the manifest together with its additions; the last content of an input counts.

    A file that does not match its digest, as after a disk crash, is left out: a watch that
    continues finds the input again.

    Parameters
    ----------
    manifest : Manifest
        manifest.json alone.
    folder : BatchFolder

    Returns
    -------
    Manifest
    """
    base = manifest.digest
    by_id = {entry.id: entry for entry in manifest.movies}
    additions = _read_additions(folder, base)
    for values in sorted(additions, key=lambda v: (v["arrived"], v["entry"]["name"])):
        entry = Entry(**values["entry"])
        by_id[entry.id] = entry
    return replace(manifest, movies=tuple(by_id.values()))


def _read_additions(folder: BatchFolder, base: str) -> list[dict[str, Any]]:
    place = _get_place(folder)
    names = os.listdir(place) if place.is_dir() else []
    stored = (read_json(place / name, FORMAT) for name in names)
    return [values for values in stored if values is not None and _is_valid(values, base)]


def _is_valid(values: dict[str, Any], base: str) -> bool:
    rest = {name: value for name, value in values.items() if name != "digest"}
    # another version of this program may describe an input by other fields
    if {field.name for field in fields(Entry)} != set(values.get("entry", ())):
        return False
    return values.get("manifest") == base and values.get("digest") == _digest(rest)


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(write_json_text(values).encode()).hexdigest()


def _get_place(folder: BatchFolder) -> Path:
    return refuse_links(folder.root, folder.root / "arrivals")
