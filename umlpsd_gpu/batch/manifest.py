"""The manifest of a batch: written for an archive, read together with later additions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.findings import Findings, Found
from umlpsd_gpu.analyses.protocol import Analysis
from umlpsd_gpu.analyses.registry import DEFAULT, get_analysis
from umlpsd_gpu.batch.entries import FORMAT, FORMAT_VERSION, Entry, Manifest
from umlpsd_gpu.batch.fingerprint import (
    ContentKind,
    fingerprint,
    is_same_time,
    read_last_write_time,
)
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest_additions import merge_additions
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
    content_kind: ContentKind = "sampled",
    update: bool = False,
    tell: Callable[[int], None] = lambda n_found: None,
) -> Manifest:
    """Search an archive and write the manifest of a batch; only headers are analysed.

    Parameters
    ----------
    archive : str
        Folder, pattern or file; see the analysis' `find`.
    out : path
        Folder of the batch; may be within the archive, and is then not searched.
    settings : AnalysisSettings, optional
        Of the analysis to run. Default: blinking, everything at its default.
    figures : bool
        Whether each result gets figures and a report.
    content_kind : {"sampled", "full"}
        How the digests of inputs are made; ``full`` reads every byte.
    update : bool
        Replace an existing manifest; the old one is kept. Results that stay the same are not
        computed again.
    tell : callable, optional
        Called with the number of inputs found so far.

    Returns
    -------
    Manifest

    Raises
    ------
    SettingsError
        If no input is found.
    OutputInUseError
        If there is another manifest and ``update`` is not set.
    """
    folder = BatchFolder.at(out)
    settings = make_files_absolute(settings or get_analysis(DEFAULT).settings())
    analysis = get_analysis(settings.analysis)
    findings = analysis.find(archive, settings, lambda path: is_output(path, folder), tell)
    if not findings.found:
        raise SettingsError(
            f"{archive} contains no {analysis.inputs} ({len(findings.left_out)} files or folders "
            f"were left out); give the folder with the {' or '.join(analysis.suffixes)} files"
        )
    manifest = _make_manifest(findings, settings, figures, content_kind)
    _refuse_equal_ids(manifest)
    write_manifest(manifest, folder, update)
    return manifest


def read_manifest(out: str | Path) -> Manifest:
    """Read the manifest of a batch, together with the inputs that a watch has added.

    Parameters
    ----------
    out : path
        Folder of the batch.

    Returns
    -------
    Manifest

    Raises
    ------
    SettingsError
        If there is no manifest, or it was changed or damaged.
    """
    return merge_additions(read_base_manifest(out), BatchFolder.at(out))


def read_base_manifest(out: str | Path) -> Manifest:
    """Read manifest.json without additions.

    Parameters
    ----------
    out : path
        Folder of the batch.

    Returns
    -------
    Manifest

    Raises
    ------
    SettingsError
        If there is no manifest, or it was changed or damaged.
    """
    path = BatchFolder.at(out).manifest
    values = read_json(path, FORMAT)
    if values is None:
        problem = "is damaged" if path.exists() else "does not exist"
        raise SettingsError(
            f"{path} {problem}; 'umlpsd batch init ARCHIVE {out}' writes it (with --update it "
            "replaces a damaged one)"
        )
    if values.get("format_version") != FORMAT_VERSION:
        raise SettingsError(
            f"{path} was written by umlpsd_gpu {values.get('umlpsd_version')} in another format "
            f"(version {values.get('format_version')}, but this program reads version "
            f"{FORMAT_VERSION}); 'umlpsd batch init --update' writes it again, and all results "
            "are computed again"
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
        is_intact = manifest.digest == values["digest"]
    except (LookupError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path} can't be read ({error}); write it again with 'umlpsd batch init --update'"
        ) from error
    if not is_intact:
        raise SettingsError(
            f"{path} was changed after it was written: it does not match its digest; write it "
            "again with 'umlpsd batch init --update'"
        )
    return manifest


def write_manifest(manifest: Manifest, folder: BatchFolder, update: bool = False) -> None:
    """Write the manifest of a batch; do nothing if there is an equal one.

    Parameters
    ----------
    manifest : Manifest
    folder : BatchFolder
    update : bool
        Replace a different manifest; the old one is kept.

    Raises
    ------
    OutputInUseError
        If there is a different manifest and ``update`` is not set.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    folder.make()
    if create_json(folder.manifest, manifest.as_json()):
        return
    earlier = read_json(folder.manifest, FORMAT)
    if earlier is not None and _is_same(earlier, manifest.as_json()):
        return
    if not update:
        raise OutputInUseError(
            f"{folder.root} is already a batch of other inputs (or some were written to since) or "
            "other settings; give another folder, or --update to replace its manifest (results "
            "that stay the same are kept)"
        )
    if earlier is not None:
        folder.earlier_manifests.mkdir(exist_ok=True)
        create_json(folder.earlier_manifests / f"{earlier.get('digest', '')[:12]}.json", earlier)
    write_json(folder.manifest, manifest.as_json())


def _is_same(earlier: dict[str, Any], now: dict[str, Any]) -> bool:
    """Return whether two manifests differ only in the rounding of times of change."""
    times = [[movie.get("written") for movie in of.get("movies", ())] for of in (earlier, now)]
    if _without_times(earlier) != _without_times(now) or None in times[0]:
        return False
    return all(map(is_same_time, *times))


def _without_times(values: dict[str, Any]) -> dict[str, Any]:
    movies = [{**movie, "written": None} for movie in values.get("movies", ())]
    return {**values, "digest": None, "movies": movies}


def make_entry(
    found: Found, root: Path, kind: ContentKind, figures: bool, analysis: Analysis[Any, Any]
) -> Entry:
    """Return what the manifest says about an input.

    Parameters
    ----------
    found : Found
    root : Path
        Folder that names are relative to.
    kind : {"sampled", "full"}
        How the digest is made.
    figures : bool
        Whether figures count in the predicted time.
    analysis : Analysis

    Returns
    -------
    Entry
    """
    name = _name_within(root, found.path)
    entry = Entry(
        id=movie_id(name),
        name=name,
        n_files=len(found.files),
        n_bytes=sum(_read_size(file) for file in found.files),
        content=fingerprint(found.files, kind),
        written=read_last_write_time(found.files) if kind == "sampled" else 0.0,
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


def _make_manifest(
    findings: Findings, settings: AnalysisSettings, figures: bool, kind: ContentKind
) -> Manifest:
    analysis, root = get_analysis(settings.analysis), findings.root
    if any(found.path == root for found in findings.found):
        root = root.parent  # the archive is itself a folder of one movie's frames
    return Manifest(
        archive=str(root),
        settings=settings,
        figures=figures,
        content_kind=kind,
        movies=tuple(make_entry(found, root, kind, figures, analysis) for found in findings.found),
        left_out=tuple((_name_within(root, path), reason) for path, reason in findings.left_out),
        umlpsd_version=version("umlpsd_gpu"),
    )


def _name_within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _read_size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def is_output(path: Path, folder: BatchFolder) -> bool:
    """Return whether a folder contains results, whose maps must not be taken for movies.

    Parameters
    ----------
    path : Path
    folder : BatchFolder
        Of the batch itself.

    Returns
    -------
    bool
    """
    try:
        is_batch = read_json(path / folder.manifest.name, FORMAT) is not None
    except OSError:
        is_batch = False  # the search reports what can't be read
    return path == folder.root or is_batch or read_summary(path) is not None


def make_files_absolute(settings: AnalysisSettings) -> AnalysisSettings:
    """Give files in settings their absolute paths: runners may start in other folders.

    Parameters
    ----------
    settings : AnalysisSettings

    Returns
    -------
    AnalysisSettings
    """
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
