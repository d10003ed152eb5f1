"""The source of a live run, by what its name is."""

from __future__ import annotations

from pathlib import Path

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.live.source import FrameSource
from umlpsd_gpu.live.sources.frame_folder import FrameFolder
from umlpsd_gpu.live.sources.frame_socket import FrameSocket
from umlpsd_gpu.live.sources.growing_tiff import GrowingTiff
from umlpsd_gpu.live.sources.replay import ReplaySource
from umlpsd_gpu.live.sources.watched_file import SETTLE_S
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.movie.sources import TIFF_SUFFIXES, is_pattern


def open_source(
    name: str,
    settings: Settings,
    live: LiveSettings,
    folder: Path,
    replay_speed: float | None = None,
) -> FrameSource:
    """Return the source that a name stands for.

    Parameters
    ----------
    name : str
        A TIFF file that is being written or will be; a folder or pattern in which one-frame files
        land; or ``tcp://127.0.0.1:PORT``, to which a program sends frames. With a speed, a finished
        movie.
    settings : Settings
        Those of the study; ``movie`` says how frames are read.
    live : LiveSettings
    folder : Path
        Output folder, in which the frames of a socket are kept.
    replay_speed : float, optional
        Replay a finished movie at so many times its speed; 0 or infinity: at once.

    Returns
    -------
    FrameSource

    Raises
    ------
    SettingsError
        If the address is not of this computer, its port is in use, a setting doesn't suit, or the
        speed is negative.
    MovieError
        If a movie to be replayed can't be opened, or its frame interval is unknown.
    OutputError
        If frames can't be written to the output folder.
    """
    if replay_speed is not None:
        if not replay_speed >= 0:
            raise SettingsError(f"the replay speed is {replay_speed:g}; give 0 (at once) or more")
        return ReplaySource(open_movie(name, settings.movie), replay_speed, [name])
    if settings.movie.join:
        raise SettingsError("a recording is one movie; leave --join (movie.join) out")
    settle_s = min(SETTLE_S, live.update_s / 2)
    if "://" in name:
        return FrameSocket(name, settings.movie, folder)
    path = Path(name)
    is_stack = path.is_file() or path.suffix.lower() in TIFF_SUFFIXES
    if is_pattern(path) or path.is_dir() or not is_stack:
        return FrameFolder(path, settings.movie, settle_s)
    return GrowingTiff(path, settings.movie, settle_s)
