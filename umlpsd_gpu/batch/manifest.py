"""The manifest of a batch: written from an archive, read with what has come since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.findings import Found
from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import DEFAULT, get_analysis
from umlpsd_gpu.batch.entries import FORMAT, FORMAT_VERSION, Entry, Manifest
from umlpsd_gpu.batch.fingerprint import Kind, fingerprint, is_same_time, last_written
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest_additions import with_additions
from umlpsd_gpu.batch.names import movie_id
from umlpsd_gpu.errors import OutputInUseError, SettingsError
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.json_files import create_json, read_json, write_json
from umlpsd_gpu.storage.result_folder import read_summary


def init_batch(
    archive: str,
    out: str | Path,
    settings: AnalysisSettings | None = None,
    figures: bool = True,
    content_kind: Kind = "sampled",
    update: bool = False,
    tell: Callable[[int], None] = lambda n_found: None,
) -> Manifest:
    """Look through an archive and write the manifest of a batch; no pixel is read.

    Parameters
    ----------
    archive : str
        Folder, pattern or movie; see the analysis' `find`.
    out : path
        Folder of the batch; may be within the archive, and is then left out of it.
    settings : AnalysisSettings, optional
        Of the analysis that is wanted. Default: blinking, everything at its default.
    figures : bool
    content_kind : {"sampled", "full"}
        ``full`` reads every byte.
    update : bool
        Put another manifest in place of one that is there; the old one is kept beside it. Studies
        that the new one would make in the same way are not made again.
    tell : callable, optional
        Told the number of movies found so far.

    Raises
    ------
    SettingsError
        If no movie is found.
    OutputInUseError
        If another manifest is there and ``update`` is not set.
    """
    folder = BatchFolder.at(out)
    settings = with_absolute_files(settings or get_analysis(DEFAULT).settings())
    analysis = get_analysis(settings.analysis)
    found = analysis.find(archive, settings, lambda path: is_output(path, folder), tell)
    if not found.found:
        raise SettingsError(
            f"{archive} holds no {analysis.inputs} ({len(found.left_out)} files or folders were "
            f"left out); give the folder that holds the {' or '.join(analysis.suffixes)} files"
        )
    root = found.root
    if any(movie.path == root for movie in found.found):
        root = root.parent  # the archive is itself a folder of one movie's frames
    manifest = Manifest(
        archive=str(root),
        settings=settings,
        figures=figures,
        content_kind=content_kind,
        movies=tuple(
            entry_of(movie, root, content_kind, figures, analysis) for movie in found.found
        ),
        left_out=tuple((_name(path, root), reason) for path, reason in found.left_out),
        umlpsd_version=version("umlpsd_gpu"),
    )
    _refuse_equal_ids(manifest)
    write_manifest(manifest, folder, update)
    return manifest


def read_manifest(out: str | Path) -> Manifest:
    """Read the manifest of a batch, and the movies that a watch has added since.

    Raises
    ------
    SettingsError
        If there is none, or it was changed or damaged.
    """
    return with_additions(base_manifest(out), BatchFolder.at(out))


def base_manifest(out: str | Path) -> Manifest:
    """Read manifest.json alone; else as `read_manifest`."""
    path = BatchFolder.at(out).manifest
    values = read_json(path, FORMAT)
    if values is None:
        state = "is damaged" if path.exists() else "is not there"
        raise SettingsError(
            f"{path} {state}; 'umlpsd batch init ARCHIVE {out}' makes one (with --update in place "
            "of a damaged one)"
        )
    if values.get("format_version") != FORMAT_VERSION:
        raise SettingsError(
            f"{path} was written by umlpsd_gpu {values.get('umlpsd_version')} in another format "
            f"(version {values.get('format_version')}, and {FORMAT_VERSION} is read); 'umlpsd "
            "batch init --update' writes it anew, and its studies are made again"
        )
    try:
        manifest = Manifest(
            archive=values["archive"],
            settings=get_analysis(values["analysis"]).settings.from_mapping(values["settings"]),
            figures=values["figures"],
            content_kind=values["content_kind"],
            movies=tuple(Entry(**entry) for entry in values["movies"]),
            left_out=tuple((name, reason) for name, reason in values["left_out"]),
            umlpsd_version=values["umlpsd_version"],
        )
        intact = manifest.digest == values["digest"]
    except (LookupError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path} can't be read ({error}); write it again with 'umlpsd batch init --update'"
        ) from error
    if not intact:
        raise SettingsError(
            f"{path} was changed after it was written: it does not fit its digest; write it again "
            "with 'umlpsd batch init --update'"
        )
    return manifest


def write_manifest(manifest: Manifest, folder: BatchFolder, update: bool = False) -> None:
    """Write the manifest of a new batch; refuse where another one is, unless ``update``."""
    folder.root.mkdir(parents=True, exist_ok=True)
    folder.make()
    if create_json(folder.manifest, manifest.as_json()):
        return
    earlier = read_json(folder.manifest, FORMAT)
    if earlier is not None and _is_same(earlier, manifest.as_json()):
        return
    if not update:
        raise OutputInUseError(
            f"{folder.root} is a batch already, of other movies (or written to since) or settings; "
            "give another folder, or --update to go on there with these (studies that stay the "
            "same are kept)"
        )
    if earlier is not None:
        folder.earlier_manifests.mkdir(exist_ok=True)
        create_json(folder.earlier_manifests / f"{earlier.get('digest', '')[:12]}.json", earlier)
    write_json(folder.manifest, manifest.as_json())


def _is_same(earlier: dict[str, Any], now: dict[str, Any]) -> bool:
    """Say whether two manifests differ in nothing but the rounding of times of change."""
    times = [[movie.get("written") for movie in of.get("movies", ())] for of in (earlier, now)]
    if _without_times(earlier) != _without_times(now) or None in times[0]:
        return False
    return all(map(is_same_time, *times))


def _without_times(values: dict[str, Any]) -> dict[str, Any]:
    movies = [{**movie, "written": None} for movie in values.get("movies", ())]
    return {**values, "digest": None, "movies": movies}


def entry_of(
    found: Found, root: Path, kind: Kind, figures: bool, analysis: Analysis[Any, Any]
) -> Entry:
    """Return what the manifest says of an input."""
    name = _name(found.path, root)
    entry = Entry(
        id=movie_id(name),
        name=name,
        n_files=len(found.files),
        n_bytes=sum(_size(file) for file in found.files),
        content=fingerprint(found.files, kind),
        written=last_written(found.files) if kind == "sampled" else 0.0,
        verdict="unreadable",
        reason=found.reason,
    )
    if found.source is None:
        return entry
    described = analysis.describe(found.source)
    expected = analysis.predict(found.source, figures)
    return replace(
        entry,
        verdict=described.verdict,
        reason=described.reason,
        size=described.size,
        facts=described.facts,
        memory_mb=round(expected.memory_mb, 1),
        duration_s=round(expected.duration_s, 2),
    )


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def is_output(path: Path, folder: BatchFolder) -> bool:
    """Say whether a folder holds results, whose maps are no movies."""
    try:
        is_batch = read_json(path / folder.manifest.name, FORMAT) is not None
    except OSError:
        is_batch = False  # the search will meet and tell what can't be read
    return path == folder.root or is_batch or read_summary(path) is not None


def with_absolute_files(settings: AnalysisSettings) -> AnalysisSettings:
    """Name files by their whole paths: runners on other machines start in other folders."""
    files = settings.named_files().items()
    return settings.with_values({name: str(Path(file).resolve()) for name, file in files})


def _refuse_equal_ids(manifest: Manifest) -> None:
    by_id: dict[str, str] = {}
    for entry in manifest.movies:
        if entry.id in by_id:
            raise SettingsError(
                f"{by_id[entry.id]} and {entry.name} would get the same folder {entry.id}; rename "
                "one of them"
            )
        by_id[entry.id] = entry.name
