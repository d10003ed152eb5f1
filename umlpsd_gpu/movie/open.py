"""Open a movie: read its metadata, choose its axes, judge it, and give it a reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from umlpsd_gpu.compute.arrays import Array
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.keywords import check_keywords, override
from umlpsd_gpu.movie.arrangement import Contents
from umlpsd_gpu.movie.axes import Choice, choose_axes
from umlpsd_gpu.movie.contents import read_contents
from umlpsd_gpu.movie.integrity import find_holes, judge, name_holes
from umlpsd_gpu.movie.join import PARTS, join_contents
from umlpsd_gpu.movie.layout import find_pages
from umlpsd_gpu.movie.metadata import (
    Interval,
    choose_interval,
    hint_at_interval,
    list_nominal_intervals,
    pixel_size,
)
from umlpsd_gpu.movie.movie import Movie, Verdict
from umlpsd_gpu.movie.reader import make_reader
from umlpsd_gpu.movie.sources import Source, find_files, name_movie
from umlpsd_gpu.movie.tiff_errors import add_advice

if TYPE_CHECKING:
    from umlpsd_gpu.movie.settings import MovieSettings

GIVE_ALL_FRAMES = "give the folder or pattern of all frames"
# Most frames for each page: the notes of few pages may claim very large numbers.
MAX_SPREAD = 100


@check_keywords
def open_movie(
    source: Source,
    settings: MovieSettings | None = None,
    *,
    dt_s: float | None = None,
    pixel_size_um: float | None = None,
    channel: int | None = None,
    position: int | None = None,
    z: int | None = None,
    time_axis: Literal["time", "z", "channel", "page"] | None = None,
    join: bool | None = None,
    memory_mb: float | None = None,
    allow_damaged: bool | None = None,
    missing_frames: Literal["refuse", "skip"] | None = None,
    max_frames: int | None = None,
    max_pixels: int | None = None,
    max_page_mb: float | None = None,
    max_metadata_mb: float | None = None,
    max_page_s: float | None = None,
) -> Movie:
    """Open a TIFF movie; its frames are read later, in chunks.

    Parameters
    ----------
    source : str, Path, or sequence of them
        A TIFF file (plain, ImageJ, BigTIFF, OME, Micro-Manager, NDTiff, ScanImage, MetaMorph STK,
        compressed, tiled), a file of an OME or NDTiff set, an OME companion file, or a folder,
        pattern or list of files of one frame each. Folders and patterns are read in natural order
        (``frame_2`` before ``frame_10``), a list in its own.
    settings : MovieSettings, optional
        Any object with the fields of MovieSettings. The keywords below override its fields; a
        keyword that is not given (None) leaves the field as it is.
    dt_s : float, optional
        Frame interval in seconds, above 0. Default: measured timestamps, else the nominal interval
        of the metadata, else unknown.
    pixel_size_um : float, optional
        Size of a pixel in the object plane, in µm, above 0. Default: that of the metadata.
    channel, position, z : int, optional
        Channel, stage position and focal plane to read, from 0. Required where the movie has more
        than one of them.
    time_axis : {"time", "z", "channel", "page"}, optional
        Axis to read as time: some programs label the frames of a movie as slices or channels;
        "page" reads every page as a frame, whatever the metadata say. Default: "time".
    join : bool, optional
        Whether several files of many frames each are the parts of one movie. Default: False.
    memory_mb : float, optional
        Upper bound of one chunk of frames in memory, in MB (1e6 bytes), above 0. Default: 256.
    allow_damaged : bool, optional
        Whether to use the sound leading frames of a truncated or mixed movie. Default: False.
    missing_frames : {"refuse", "skip"}, optional
        What to do where single frames are missing between others. Default: "refuse".
    max_frames, max_pixels : int, optional
        Limits against broken files: pages of a file, and pixels of a frame. Default: 2,000,000 and
        400,000,000.
    max_page_mb, max_metadata_mb : float, optional
        Limits of a compressed page after unpacking, and of one text of metadata, in MB (1e6
        bytes). Default: 268 and 256.
    max_page_s : float, optional
        Longest time for one page, in seconds; checked after each page. Default: 30.

    Returns
    -------
    Movie
        At least 2 frames. Integers or floating point; NaN and infinities are kept.

    Raises
    ------
    MovieError
        If there is no readable movie, an axis must be chosen first, fewer than 2 frames are sound,
        or the movie is damaged and ``allow_damaged`` is not set.
    SettingsError
        If a keyword is unknown or its value is not allowed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import tifffile
    >>> from umlpsd_gpu import open_movie
    >>> frames = np.random.default_rng(0).poisson(20, (50, 32, 32)).astype("uint16")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tifffile.imwrite(f"{folder}/movie.tif", frames, photometric="minisblack")
    ...     movie = open_movie(f"{folder}/movie.tif", dt_s=0.03)
    >>> movie
    Movie('movie.tif', 50 frames of 32 × 32 pixels, uint16, dt 0.03 s)
    """
    if settings is None:
        from umlpsd_gpu.movie.settings import MovieSettings

        settings = MovieSettings()
    keywords = {
        "dt_s": dt_s,
        "pixel_size_um": pixel_size_um,
        "channel": channel,
        "position": position,
        "z": z,
        "time_axis": time_axis,
        "join": join,
        "memory_mb": memory_mb,
        "allow_damaged": allow_damaged,
        "missing_frames": missing_frames,
        "max_frames": max_frames,
        "max_pixels": max_pixels,
        "max_page_mb": max_page_mb,
        "max_metadata_mb": max_metadata_mb,
        "max_page_s": max_page_s,
    }
    return _open(source, override(settings, keywords))


def _open(source: Source, settings: MovieSettings) -> Movie:
    files = find_files(source)
    path = files[0] if len(files) == 1 else name_movie(source)
    is_list = not isinstance(source, str | Path)
    if settings.join and len(files) > 1:
        contents = join_contents(files, path, settings, is_list)
        if settings.time_axis in ("z", "channel"):
            settings = settings.model_copy(update={"time_axis": "time"})
    else:
        contents = read_contents(files, path, settings, is_list)
    frames = choose_frames(contents, path, settings)
    is_one_of_many = contents.table.n_pages == 1 and contents.layout.source == "Micro-Manager"
    _require_frames(path, frames.verdict, settings, is_one_of_many, len(frames.holes))
    return make_movie(contents, frames, path, settings)


class ChosenFrames(NamedTuple):
    """Which planes and pages are the frames of a movie.

    ``planes`` and ``pages`` have one value for each frame that was announced or found, -1 where a
    page is missing; ``holes`` are frames missing between others.
    """

    choice: Choice
    planes: Array
    pages: Array
    holes: Array
    verdict: Verdict


def choose_frames(contents: Contents, path: Path, settings: MovieSettings) -> ChosenFrames:
    """Choose the frames of a movie among its pages, and judge them.

    Parameters
    ----------
    contents : Contents
    path : Path
        For messages.
    settings : MovieSettings

    Returns
    -------
    ChosenFrames

    Raises
    ------
    MovieError
        If there is one frame only, or an axis must be chosen first.
    """
    table = contents.table
    if contents.layout.n_planes == 1 and not table.break_reason:
        only = table.kind_of(0)
        raise MovieError(
            path,
            f"it contains one frame, of {only.n_rows} × {only.n_cols} pixels; a movie of blinking "
            f"needs at least 2: {GIVE_ALL_FRAMES}",
        )
    first_held = int(np.argmax(contents.layout.plane_of_page >= 0))
    n_samples = table.kind_of(first_held).n_samples
    choice = choose_axes(contents.layout, n_samples, settings, path)
    # There can't be more frames than pages, whatever the metadata announce; but there may be
    # fewer pages than numbers.
    planes = choice.planes(min(choice.n_frames, _count_last(contents, choice) + 1))
    pages = find_pages(contents.layout, planes, path)
    holes = find_holes(pages)
    if settings.missing_frames == "skip":
        planes, pages = (np.delete(values, holes) for values in (planes, pages))
        choice = choice._replace(n_frames=choice.n_frames - len(holes))
    verdict = _judge_frames(contents, choice, pages, holes)
    return ChosenFrames(choice, planes, pages, holes, verdict)


def make_movie(
    contents: Contents, frames: ChosenFrames, path: Path, settings: MovieSettings
) -> Movie:
    """Return the movie of the sound frames, with its metadata.

    Parameters
    ----------
    contents : Contents
    frames : ChosenFrames
        At least one of them is sound.
    path : Path
        For messages and its name.
    settings : MovieSettings
    """
    table, (choice, planes, pages, holes, verdict) = contents.table, frames
    planes, pages = planes[: verdict.n_sound], pages[: verdict.n_sound]
    kind = table.kind_of(pages[0])
    interval = _find_interval(contents, choice, planes, pages, settings)
    pixel_size_um, pixel_size_origin = pixel_size(
        settings.pixel_size_um, contents.notes, contents.image
    )
    return Movie(
        path=path,
        n_frames=verdict.n_sound,
        n_rows=kind.n_rows,
        n_cols=kind.n_cols,
        dtype=kind.dtype.newbyteorder("="),
        dt_s=interval.dt_s,
        dt_origin=interval.origin,
        dt_nominal_s=interval.nominal_s,
        pixel_size_um=pixel_size_um,
        pixel_size_origin=pixel_size_origin,
        verdict=verdict,
        memory_mb=settings.memory_mb,
        read_frames=make_reader(table, pages, choice.sample, settings.limits.max_page_s),
        notes=(*_note_skipped(holes, settings), *interval.notes),
        dt_hint=interval.hint,
    )


def _count_last(contents: Contents, choice: Choice) -> int:
    """Return how many frames there are up to the last page that holds one."""
    held = contents.layout.plane_of_page
    last = (int(held.max(initial=0)) - choice.first_plane) // max(choice.step, 1) + 1
    return min(max(last, contents.table.n_pages), MAX_SPREAD * contents.table.n_pages)


def _note_skipped(holes: Array, settings: MovieSettings) -> tuple[str, ...]:
    if not len(holes) or settings.missing_frames != "skip":
        return ()
    return (
        f"{name_holes(holes).capitalize()} missing and skipped; the power spectra assume that no "
        "frame is missing.",
    )


def _judge_frames(contents: Contents, choice: Choice, pages: Array, holes: Array) -> Verdict:
    table, layout = contents.table, contents.layout
    # Where only the chain of pages gives the number of frames, a broken chain hides some.
    is_counted = layout.is_announced or layout.n_planes > table.n_pages
    hidden = 1 if table.break_reason and not is_counted else 0
    n_declared = choice.n_frames + hidden
    absence = contents.absence
    if len(holes) and (pages < 0).any():
        is_generic = "contain only" in absence or "contains only" in absence
        missing = f"{name_holes(holes)} missing between others"
        absence = missing if is_generic else f"{missing} ({absence})"
    verdict = judge(table, pages, n_declared, absence, is_counted=not hidden)
    if verdict.status == "whole" and contents.n_surplus:
        reason = (
            f"{layout.source} announces {layout.n_planes} frames, but the file contains "
            f"{contents.n_surplus} more"
        )
        return replace(verdict, status="mixed", reason=reason)
    return verdict


def _require_frames(
    path: Path, verdict: Verdict, settings: MovieSettings, is_one_of_many: bool, n_holes: int
) -> None:
    if verdict.n_declared < 2:
        raise MovieError(
            path,
            f"it contains one frame in this choice of axes; a movie needs at least 2: "
            f"{GIVE_ALL_FRAMES}, or choose another --time-axis (time_axis=… in Python)",
        )
    is_refusing = n_holes and settings.missing_frames == "refuse"
    skipping = (
        "; to analyse all frames that are there, as if none were missing, add --missing-frames "
        "skip (missing_frames='skip' in Python)"
        if is_refusing
        else ""
    )
    if verdict.n_sound < 2:
        reason = f"the movie is {verdict.status}, and nothing can be recovered: {verdict.reason}"
        advised = f"{reason}; {GIVE_ALL_FRAMES}" if is_one_of_many else add_advice(reason)
        if verdict.status == "mixed":
            advised = f"{reason}; if the first is a preview, save the movie without it"
        raise MovieError(path, f"{reason}{skipping}" if skipping else advised)
    if verdict.status != "whole" and not settings.allow_damaged:
        raise MovieError(
            path,
            f"the movie is {verdict.status}: {verdict.reason}; to analyse the {verdict.n_sound} "
            f"leading sound frames alone, add --allow-damaged (allow_damaged=True in Python)"
            f"{skipping}",
        )


def _find_interval(
    contents: Contents, choice: Choice, planes: Array, pages: Array, settings: MovieSettings
) -> Interval:
    source = "Micro-Manager ElapsedTime-ms"
    if contents.layout.source == PARTS:
        source = "of the parts"
    elif contents.layout.by_pages and contents.layout.source != "Micro-Manager":
        source = "in the notes of the pages"
    measured = [(source, contents.table.elapsed_s[pages])]
    if contents.image is not None:
        measured.insert(0, ("OME DeltaT", contents.image.times_s(planes)))
    return choose_interval(
        settings.dt_s,
        measured,
        list_nominal_intervals(contents.notes, contents.image),
        (planes - choice.first_plane) // max(choice.step, 1),
        hint_at_interval(contents.notes, contents.image),
    )
